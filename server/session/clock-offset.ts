/**
 * The difference between a device's clock and the server's, from pings.
 *
 * A ping's answer gives offset = server time halfway through the round trip - device time; its error is at most half
 * the round trip (RFC 5905, section 8). Queues only ever add time, so among the last few the shortest is the best.
 */

/** How many exchanges are looked back on: at one a second, long enough to hold a quiet one, short enough for drift. */
const WINDOW = 16;

interface Exchange {
  readonly offsetMs: number;
  readonly rttMs: number;
}

export class ClockOffset {
  #offsetMs: number;
  #rttMs = Number.POSITIVE_INFINITY;
  #jitterMs = 0;
  #recent: Exchange[] = [];

  /** @param guessMs - arrival of the first message minus the device time in it: too large by the way of one packet. */
  constructor(guessMs: number) {
    this.#offsetMs = guessMs;
  }

  /** Server minus device, milliseconds. */
  get offsetMs(): number {
    return this.#offsetMs;
  }

  /** How far the offset may be off: half the shortest recent round trip; infinite before the first. */
  get errorMs(): number {
    return this.#rttMs / 2;
  }

  /** The shortest recent round trip; infinite before the first. */
  get rttMs(): number {
    return this.#rttMs;
  }

  /** Mean deviation between successive round trips, smoothed as in RFC 3550 section 6.4.1. */
  get jitterMs(): number {
    return this.#jitterMs;
  }

  /** Takes one answered ping: server times of sending and arrival, and the device's time in between. */
  update(sentMs: number, deviceMs: number, arrivedMs: number): void {
    // The sender made the ping up; as the shortest round trip it would stay the best for long.
    if (sentMs > arrivedMs) return;
    const exchange = { offsetMs: (sentMs + arrivedMs) / 2 - deviceMs, rttMs: arrivedMs - sentMs };
    const previous = this.#recent.at(-1);
    if (previous !== undefined) this.#jitterMs += (Math.abs(exchange.rttMs - previous.rttMs) - this.#jitterMs) / 16;
    this.#recent.push(exchange);
    if (this.#recent.length > WINDOW) this.#recent.shift();
    const best = this.#recent.reduce((shortest, other) => (other.rttMs <= shortest.rttMs ? other : shortest));
    this.#offsetMs = best.offsetMs;
    this.#rttMs = best.rttMs;
  }
}
