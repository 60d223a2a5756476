/** How often something happens, lately. */

/** Of what was counted, this share is left after a second: the rate follows a change within two seconds. */
const KEPT_PER_SECOND = 0.25;
/** A rate over a shorter time says little. */
const MIN_SPAN_MS = 100;
/** Of the usual time between two events: a longer one begins a silence. */
const SILENCE_SHARE = 1.5;

/**
 * A rate per second that forgets: both what was counted and the time that it was counted in shrink alike.
 *
 * The time ends with the last event as long as the next one is not overdue. Until now (the naive choice) a steady 30 a
 * second looks like 28 or 32 in a quarter of a second, and a thousand such streams that began together swing together.
 */
export class DecayedRate {
  #count = 0;
  #spanMs = 0;
  #new = 0;
  #sinceMs: number;
  #lastMs: number;

  /** @param nowMs - when the counting begins: with an event that is not counted, if with any. */
  constructor(nowMs: number) {
    this.#sinceMs = nowMs;
    this.#lastMs = nowMs;
  }

  add(nowMs: number): void {
    this.#new++;
    this.#lastMs = nowMs;
  }

  /** Takes in what was counted since the last call. @returns the rate in hertz. */
  fold(nowMs: number): number {
    const isOverdue = nowMs - this.#lastMs > (SILENCE_SHARE * 1000) / Math.max(this.hz, 1);
    const untilMs = isOverdue ? nowMs : this.#lastMs;
    const elapsedMs = Math.max(0, untilMs - this.#sinceMs);
    const kept = KEPT_PER_SECOND ** (elapsedMs / 1000);
    this.#count = this.#count * kept + this.#new;
    this.#spanMs = this.#spanMs * kept + elapsedMs;
    this.#new = 0;
    this.#sinceMs = Math.max(untilMs, this.#sinceMs);
    return this.hz;
  }

  /** As of the last `fold`. */
  get hz(): number {
    return (1000 * this.#count) / Math.max(this.#spanMs, MIN_SPAN_MS);
  }
}
