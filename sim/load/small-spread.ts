/** A distribution of times in a kilobyte, for each of thousands of participants. */

/** Places lie 5 % apart, from 0.05 ms to a minute. */
const BASE_MS = 0.05;
const STEP = Math.log(1.05);
const PLACES = Math.ceil(Math.log(60_000 / BASE_MS) / STEP) + 1;

/** Quantiles are right to 2.5 %. @bound 1.2 KB. */
export class SmallSpread {
  readonly #counts = new Uint32Array(PLACES);
  count = 0;
  sumMs = 0;

  /** @param durationMs - finite; less than nothing counts as nothing, more than a minute as a minute. */
  record(durationMs: number): void {
    const place = durationMs <= BASE_MS ? 0 : Math.min(PLACES - 1, Math.round(Math.log(durationMs / BASE_MS) / STEP));
    this.#counts[place]! += 1;
    this.count++;
    this.sumMs += durationMs > 0 ? durationMs : 0;
  }

  /** @param share - 0..1. @returns 0 when nothing was recorded. */
  quantileMs(share: number): number {
    if (this.count === 0) return 0;
    let left = share * this.count;
    for (let place = 0; place < PLACES; place++) {
      left -= this.#counts[place]!;
      if (left <= 0) return BASE_MS * Math.exp(place * STEP);
    }
    return BASE_MS * Math.exp((PLACES - 1) * STEP);
  }

  get meanMs(): number {
    return this.count === 0 ? 0 : this.sumMs / this.count;
  }
}
