/** How long a batch may take before its worker counts as hung: three times the p99.9 of what batches took. */

const FACTOR = 3;
/** The p99.9 of this many batches is their slowest but one; so many are kept together, and as many before them. */
const BATCHES = 1000;
/** With so many batches known nothing is left to guess, and what remains is what an operating system may take away. */
const KNOWN_FLOOR_MS = 250;
/** A batch that took longer says more of the machine than of the model. */
const MAX_RATIO = 4;

/** One model on one device. */
export class Watchdog {
  readonly #floorMs: number;
  #count = 0;
  #slowest = [1, 1];
  #slowestBefore = 1;

  /** @param floorMs - no batch is given less until a thousand are known. */
  constructor(floorMs: number) {
    this.#floorMs = floorMs;
  }

  /** @param ratio - what a batch took over what it was expected to take. */
  observe(ratio: number): void {
    this.#slowest = [...this.#slowest, ratio].sort((one, other) => other - one).slice(0, 2);
    if (++this.#count % BATCHES > 0) return;
    this.#slowestBefore = this.#slowest[1] ?? 1;
    this.#slowest = [1, 1];
  }

  /**
   * Before a thousand batches are known their slowest stands in for the p99.9.
   *
   * @param expectedMs - of a batch of this size.
   * @param drift - by what batches are slower now than they were when measured.
   */
  limitMs(expectedMs: number, drift: number): number {
    const known = this.#count >= BATCHES;
    const ratio = Math.max(this.#slowestBefore, this.#slowest[known ? 1 : 0] ?? 1);
    const floorMs = known ? Math.min(KNOWN_FLOOR_MS, this.#floorMs) : this.#floorMs;
    return Math.max(floorMs, FACTOR * expectedMs * Math.min(ratio, MAX_RATIO * Math.max(1, drift)));
  }
}
