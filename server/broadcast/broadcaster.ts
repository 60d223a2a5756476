/** Sends the same bytes to a whole session: snapshots at every tick, everything else as it comes. */
import { encodeSnapshot } from '../../protocol/codec/snapshot.ts';
import { frameMessage, KIND } from '../../protocol/codec/container.ts';
import type { Audience, Delivery, Lane, Meter, Receiver, TimedEntry } from '../flow.ts';

/** @bound one encode for the session and one more when somebody needs a key snapshot, whatever the number of receivers. */
export class Broadcaster implements Delivery {
  readonly #meter: Meter;

  constructor(meter: Meter) {
    this.#meter = meter;
  }

  /** Sends one framed message to everybody who may hear the session. */
  deliver(audience: Audience, message: Uint8Array, lane: Lane): { sent: number; superseded: number } {
    let sent = 0;
    let superseded = 0;
    for (const receiver of audience.receivers) {
      const outcome = receiver.connection?.send(message, lane);
      if (outcome === 'sent') sent++;
      else if (outcome === 'superseded') superseded++;
    }
    return { sent, superseded };
  }

  /**
   * Sends one tick: what changed, to those who have seen everything before; everybody's state to the others.
   *
   * A receiver who misses a snapshot gets a key snapshot next, so nobody stays behind by more than the time for which
   * they do not read.
   */
  tick(audience: Audience, tick: number, nowMs: number): void {
    const changed = audience.takeChanged();
    for (const entry of changed) this.#meter.poseResidence(nowMs - entry.arrivedMs);
    let delta: Uint8Array | undefined;
    let key: Uint8Array | undefined;
    let sent = 0;
    let superseded = 0;
    for (const receiver of audience.receivers) {
      if (receiver.connection === undefined || (changed.length === 0 && !receiver.needsKey)) continue;
      const message = receiver.needsKey
        ? (key ??= frameSnapshot(audience.everybody(), { tick, serverMs: nowMs, key: true }))
        : (delta ??= frameSnapshot(changed, { tick, serverMs: nowMs, key: false }));
      if (sendSnapshot(receiver, message)) sent++;
      else superseded++;
    }
    const message = delta ?? key;
    if (message !== undefined) this.#meter.snapshot({ bytes: message.length, participants: changed.length, sent, superseded });
  }
}

function frameSnapshot(entries: readonly TimedEntry[], header: { tick: number; serverMs: number; key: boolean }): Uint8Array {
  return frameMessage(KIND.snapshot, encodeSnapshot(header, entries));
}

function sendSnapshot(receiver: Receiver, message: Uint8Array): boolean {
  const outcome = receiver.connection?.send(message, 'latest');
  receiver.needsKey = outcome !== 'sent';
  return outcome === 'sent';
}
