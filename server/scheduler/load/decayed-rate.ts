/** How often something happens, lately. */

/** Of what was counted, this share is left after a second: the rate follows a change within two seconds. */
const KEPT_PER_SECOND = 0.25;
/** A rate over a shorter time says little. */
const MIN_SPAN_MS = 250;

/** A rate per second that forgets: both what was counted and the time that it was counted in shrink alike. */
export class DecayedRate {
  #count = 0;
  #spanMs = 0;
  #new = 0;
  #sinceMs: number;

  constructor(nowMs: number) {
    this.#sinceMs = nowMs;
  }

  add(count = 1): void {
    this.#new += count;
  }

  /** Takes in what was counted since the last call. @returns the rate in hertz. */
  fold(nowMs: number): number {
    const elapsedMs = Math.max(0, nowMs - this.#sinceMs);
    const kept = KEPT_PER_SECOND ** (elapsedMs / 1000);
    this.#count = this.#count * kept + this.#new;
    this.#spanMs = this.#spanMs * kept + elapsedMs;
    this.#new = 0;
    this.#sinceMs = nowMs;
    return this.hz;
  }

  /** As of the last `fold`. */
  get hz(): number {
    return (1000 * this.#count) / Math.max(this.#spanMs, MIN_SPAN_MS);
  }
}
