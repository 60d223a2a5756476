/** Tells a burst from a flood: ten seconds in a row, each with more than three times what is allowed. */

const WINDOW_MS = 1000;
const WINDOWS = 10;
const TIMES_ALLOWED = 3;

export class FloodWatch {
  readonly #bound: number;
  #startMs: number;
  #count = 0;
  #floodedWindows = 0;

  constructor(perSecond: number, nowMs: number) {
    this.#bound = TIMES_ALLOWED * perSecond;
    this.#startMs = nowMs;
  }

  /** Counts one message; true when it is one of a flood. */
  add(nowMs: number): boolean {
    const windows = Math.floor((nowMs - this.#startMs) / WINDOW_MS);
    if (windows > 0) {
      // A second without any message is a second without a flood.
      this.#floodedWindows = windows === 1 && this.#count > this.#bound ? this.#floodedWindows + 1 : 0;
      this.#startMs += windows * WINDOW_MS;
      this.#count = 0;
    }
    this.#count++;
    return this.#floodedWindows >= WINDOWS;
  }
}
