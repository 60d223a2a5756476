/** Distributions of times, and how they change over a run. */
import { build, type Histogram } from 'hdr-histogram-js';

/** Upper bounds of the buckets that are reported, milliseconds: frame times of headsets, and what people notice. */
export const BUCKETS_MS = [0.25, 0.5, 1, 2, 3, 5, 7.5, 11.1, 13.9, 20, 30, 50, 75, 100, 150, 250, 500] as const;

/** Times are kept in microseconds, up to a minute, to three digits. */
const MICROSECONDS = 1000;
const LONGEST_US = 60_000_000;

/** A distribution, as a report holds it. All in milliseconds; all zero when nothing was measured. */
export interface LatencyFigures {
  readonly count: number;
  readonly minMs: number;
  readonly meanMs: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** How many took up to each of BUCKETS_MS, and `null`: longer. Not cumulated. */
  readonly buckets: readonly { readonly upToMs: number | null; readonly count: number }[];
  /** The inverse of the distribution: the time within which `share` (0..1) of all came. Rising. */
  readonly curve: readonly { readonly share: number; readonly ms: number }[];
}

/** Collects times. @bound about 200 KB, whatever is recorded. */
export class LatencyRecorder {
  readonly #histogram: Histogram;
  readonly #buckets = new Array<number>(BUCKETS_MS.length + 1).fill(0);
  #sumMs = 0;
  #minMs = Infinity;
  /** Times below zero, which only an error of a clock can give; they are taken as zero. */
  negative = 0;

  constructor(digits: 2 | 3 = 3) {
    this.#histogram = build({ bitBucketSize: 32, highestTrackableValue: LONGEST_US, numberOfSignificantValueDigits: digits });
  }

  get count(): number {
    return this.#histogram.totalCount;
  }

  /** @param durationMs - finite; more than a minute counts as a minute. */
  record(durationMs: number): void {
    const takenMs = Math.max(0, durationMs);
    if (durationMs < 0) this.negative++;
    this.#sumMs += takenMs;
    this.#minMs = Math.min(this.#minMs, takenMs);
    const bucket = BUCKETS_MS.findIndex((upToMs) => takenMs <= upToMs);
    this.#buckets[bucket === -1 ? BUCKETS_MS.length : bucket]! += 1;
    this.#histogram.recordValue(Math.min(LONGEST_US, Math.round(takenMs * MICROSECONDS)));
  }

  /** @param share - 0..1. @returns milliseconds; 0 when nothing was recorded. */
  quantileMs(share: number): number {
    return this.count === 0 ? 0 : this.#histogram.getValueAtPercentile(share * 100) / MICROSECONDS;
  }

  figures(): LatencyFigures {
    const count = this.count;
    return {
      count,
      minMs: count === 0 ? 0 : this.#minMs,
      meanMs: count === 0 ? 0 : this.#sumMs / count,
      p50Ms: this.quantileMs(0.5),
      p90Ms: this.quantileMs(0.9),
      p95Ms: this.quantileMs(0.95),
      p99Ms: this.quantileMs(0.99),
      maxMs: this.quantileMs(1),
      buckets: this.#buckets.map((inBucket, index) => ({ upToMs: BUCKETS_MS[index] ?? null, count: inBucket })),
      curve: count === 0 ? [] : CURVE_SHARES.map((share) => ({ share, ms: this.quantileMs(share) })),
    };
  }
}

const CURVE_SHARES = [...Array.from({ length: 100 }, (_, index) => index / 100), 0.995, 0.999, 1];

/** One second of a run. */
export interface TimelinePoint {
  /** The second's start, from the start of what is measured. */
  readonly atS: number;
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Figures second by second. @bound one distribution in memory and a point for each second with a measurement. */
export class LatencyTimeline {
  readonly #startMs: number;
  readonly #points: TimelinePoint[] = [];
  #second = -1;
  #current = new LatencyRecorder(2);

  /** @param startMs - where second 0 begins, on the clock of `record`. */
  constructor(startMs: number) {
    this.#startMs = startMs;
  }

  record(nowMs: number, durationMs: number): void {
    const second = Math.floor((nowMs - this.#startMs) / 1000);
    if (second !== this.#second) this.#turn(second);
    this.#current.record(durationMs);
  }

  /** The seconds so far, the current one among them. */
  points(): TimelinePoint[] {
    this.#turn(this.#second);
    return [...this.#points];
  }

  #turn(second: number): void {
    if (this.#current.count > 0) {
      this.#points.push({ atS: this.#second, count: this.#current.count, p50Ms: this.#current.quantileMs(0.5), p99Ms: this.#current.quantileMs(0.99) });
      this.#current = new LatencyRecorder(2);
    }
    this.#second = second;
  }
}
