/** Period, phase and jitter of one stream, from the times of its last frames. */
import { phaseDifference } from './plan-phases.ts';

/** Frames that are looked back on: those of about a second, but enough for a median, and no more than are needed. */
const WINDOW_MS = 1100;
const MOST = 32;
const FEWEST = 12;
/** Of a normal distribution, 90 % lie within so many standard deviations. */
const NINETY_PERCENT = 1.645;

/** What is known of a stream. */
export interface StreamEstimate {
  readonly periodMs: number;
  /** Standard deviation of arrivals about the stream's own grid, from the middle nine tenths. */
  readonly jitterMs: number;
  /** A moment of its grid, near its newest arrival, server clock. */
  readonly arrivalMs: number;
  /** From capture to arrival, the middle of what was seen; on the server's clock, so that it holds the error of the offset. */
  readonly delayMs: number;
}

/** @bound 32 frames. */
export class StreamTimes {
  readonly #arrivals: number[] = [];
  readonly #delays: number[] = [];

  get lastMs(): number {
    return this.#arrivals.at(-1) ?? Number.NEGATIVE_INFINITY;
  }

  /** Two requests from one frame count once; a gap of more than a second begins anew. */
  add(captureMs: number, arrivedMs: number): void {
    const sinceMs = arrivedMs - this.lastMs;
    if (sinceMs <= 0) return;
    if (sinceMs > 1000) this.clear();
    this.#arrivals.push(arrivedMs);
    this.#delays.push(arrivedMs - captureMs);
    while (this.#arrivals.length > MOST || (this.#arrivals.length > FEWEST && arrivedMs - (this.#arrivals[0] ?? 0) > WINDOW_MS)) {
      this.#arrivals.shift();
      this.#delays.shift();
    }
  }

  clear(): void {
    this.#arrivals.length = 0;
    this.#delays.length = 0;
  }

  /**
   * Undefined before there are enough frames, or when they come with no period.
   *
   * @param periodMs - the period that the stream is known to keep; estimated when left out.
   */
  estimate(periodMs = this.#period()): StreamEstimate | undefined {
    const lastMs = this.lastMs;
    if (this.#arrivals.length < FEWEST || periodMs === undefined) return undefined;
    const offsets = this.#arrivals.map((arrivedMs) => phaseDifference(arrivedMs, lastMs, periodMs));
    const middle = middleOf(offsets);
    const residuals = offsets.map((offset) => Math.abs(phaseDifference(offset, middle, periodMs))).sort((a, b) => a - b);
    const jitterMs = (residuals[Math.floor(residuals.length * 0.9)] ?? 0) / NINETY_PERCENT;
    return { periodMs, jitterMs, arrivalMs: lastMs + middle, delayMs: middleOf(this.#delays) };
  }

  /** The slope of a line through the arrivals, each at its number of typical gaps after the one before: frames may be missing. */
  #period(): number | undefined {
    const gaps = this.#arrivals.slice(1).map((arrivedMs, at) => arrivedMs - (this.#arrivals[at] ?? 0));
    const gapMs = middleOf(gaps);
    if (!(gapMs > 0)) return undefined;
    let index = 0;
    const indices = [0, ...gaps.map((each) => (index += Math.max(1, Math.round(each / gapMs))))];
    const meanIndex = indices.reduce((sum, each) => sum + each, 0) / indices.length;
    const meanMs = this.#arrivals.reduce((sum, each) => sum + each, 0) / indices.length;
    let [above, below] = [0, 0];
    for (const [at, each] of indices.entries()) {
      above += (each - meanIndex) * ((this.#arrivals[at] ?? 0) - meanMs);
      below += (each - meanIndex) ** 2;
    }
    return below > 0 ? above / below : undefined;
  }
}

/** The median; 0 of none. */
export function middleOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}
