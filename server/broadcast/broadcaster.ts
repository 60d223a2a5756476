/** Sends to a whole session: snapshots at every tick, everything else as it comes. */
import { encodeSnapshot } from '../../protocol/codec/snapshot.ts';
import { frameMessage, KIND } from '../../protocol/codec/container.ts';
import type { Audience, Delivery, Lane, Meter, Receiver, TimedEntry } from '../flow.ts';
import type { InterestSettings } from './interest/feed-planner.ts';
import { SessionDeltas } from './interest/session-deltas.ts';

/** Everybody gets everybody as often as there are ticks, or as they ask for. */
const WITHOUT_PLANS: InterestSettings = { tickRateHz: undefined, plans: false, bytesPerSecond: Infinity };

/**
 * @bound for those who do not read deltas, one encode for the session and one more when somebody needs a key snapshot, whatever the
 * number of receivers; for the others see `Track`.
 */
export class Broadcaster implements Delivery {
  readonly #meter: Meter;
  readonly #settings: InterestSettings;
  readonly #deltas = new WeakMap<Audience, SessionDeltas>();

  constructor(meter: Meter, settings: InterestSettings = WITHOUT_PLANS) {
    this.#meter = meter;
    this.#settings = settings;
  }

  /** Sends one framed message to everybody who may hear the session. */
  deliver(audience: Pick<Audience, 'receivers'>, message: Uint8Array, lane: Lane): { sent: number; superseded: number } {
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
    let deltas: SessionDeltas | undefined;
    let delta: Uint8Array | undefined;
    let key: Uint8Array | undefined;
    const tally = { bytes: 0, sent: 0, superseded: 0 };
    for (const receiver of audience.receivers) {
      if (receiver.readsDeltas) {
        (deltas ??= this.#begin(audience, changed, { tick, nowMs })).serve(receiver);
        continue;
      }
      if (receiver.connection === undefined || (changed.length === 0 && !receiver.needsKey)) continue;
      const message = receiver.needsKey
        ? (key ??= frameSnapshot(audience.everybody(), { tick, serverMs: nowMs, key: true }))
        : (delta ??= frameSnapshot(changed, { tick, serverMs: nowMs, key: false }));
      if (sendSnapshot(receiver, message)) {
        tally.sent++;
        tally.bytes += message.length;
      } else tally.superseded++;
    }
    if (tally.sent + tally.superseded > 0) this.#meter.snapshot(tally);
    if (deltas !== undefined) this.#end(deltas);
  }

  #begin(audience: Audience, changed: readonly TimedEntry[], at: { tick: number; nowMs: number }): SessionDeltas {
    let deltas = this.#deltas.get(audience);
    if (deltas === undefined) this.#deltas.set(audience, (deltas = new SessionDeltas(this.#settings)));
    deltas.begin(audience, changed, at);
    return deltas;
  }

  #end(deltas: SessionDeltas): void {
    const { bytes, sent, superseded, ...work } = deltas.end();
    if (sent + superseded > 0) this.#meter.snapshot({ bytes, sent, superseded });
    this.#meter.deltas(work);
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
