/** Pings every connection: for its clock offset, and to notice when nobody is there any more. */
import { every, type Clock, type Repeating } from '../../core/clock.ts';
import { encodeDown } from '../../protocol/codec/control.ts';
import { LIMITS } from '../../protocol/limits.ts';
import type { Guest } from './guest.ts';
import { closeWith } from './refusal.ts';

/** After the welcome, so that the offset is good before the first poses are shown. */
const FIRST_PINGS_MS = [0, 50, 120, 250, 500];

export class Heartbeat {
  readonly #clock: Clock;
  readonly #repeating: Repeating;

  constructor(clock: Clock, guests: () => Iterable<Guest>) {
    this.#clock = clock;
    this.#repeating = every(clock, LIMITS.heartbeatMs, (nowMs) => {
      for (const guest of guests()) this.#beat(guest, nowMs);
    });
  }

  /** The first exchanges with a new connection, close together. */
  greet(guest: Guest): void {
    for (const delayMs of FIRST_PINGS_MS) this.#clock.schedule(delayMs, () => this.#ping(guest));
  }

  stop(): void {
    this.#repeating.stop();
  }

  #beat(guest: Guest, nowMs: number): void {
    if (guest.clock === undefined) return;
    // What was lost of somebody who then stood still would never be made good; who acknowledges gets it until they have.
    if (!guest.connection.ordered && guest.membership?.participant.readsDeltas === false) guest.membership.participant.needsKey = true;
    if (nowMs - guest.lastHeardMs >= LIMITS.heartbeatTimeoutMs) closeWith(guest.connection, 'HEARTBEAT_TIMEOUT', 'no answer to pings', 'ping');
    else this.#ping(guest);
  }

  #ping(guest: Guest): void {
    if (guest.clock === undefined) return;
    guest.connection.send(encodeDown({ type: 'ping', serverMs: this.#clock.nowMs() }), 'reliable');
  }
}
