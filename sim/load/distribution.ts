/** Times of a load run: cheap to record a million times a second, second by second, and possible to add up over processes. */
import { build, decodeFromCompressedBase64, encodeIntoCompressedBase64, type Histogram } from 'hdr-histogram-js';
import { BUCKETS_MS, type LatencyFigures } from '../measure/latency.ts';

/** Slots of 1/16 ms, up to two seconds; what is longer goes to the histogram directly. */
const SLOTS_PER_MS = 16;
const SLOTS = 2000 * SLOTS_PER_MS;
const US_PER_MS = 1000;
const LONGEST_US = 600_000_000;
/** A second's times are kept as counts on this geometric grid: 5 % apart, from 0.05 ms. */
const GRID_BASE_MS = 0.05;
const GRID_FACTOR = 1.05;
const SHARES = [...Array.from({ length: 100 }, (_, index) => index / 100), 0.995, 0.999, 1];

/** One second's times as counts of places on the grid; plain data that adds up. */
export interface SecondCounts {
  readonly atS: number;
  readonly counts: readonly (readonly [place: number, count: number])[];
  readonly maxMs: number;
}

/** A distribution as it travels between processes. */
export interface EncodedDistribution {
  readonly histogram: string;
  readonly minMs: number;
  readonly sumMs: number;
  readonly buckets: readonly number[];
  readonly seconds: readonly SecondCounts[];
}

export interface SecondFigures {
  readonly atS: number;
  readonly count: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** @bound 330 KB, and a few hundred bytes for each second in which something was recorded. */
export class Distribution {
  readonly #slots = new Uint32Array(SLOTS);
  readonly #histogram: Histogram = newHistogram();
  readonly #buckets = new Array<number>(BUCKETS_MS.length + 1).fill(0);
  readonly #seconds = new Map<number, { counts: Map<number, number>; maxMs: number }>();
  #highest = -1;
  #second = 0;
  #sumMs = 0;
  #minMs = Infinity;

  /** @param durationMs - finite; less than nothing counts as nothing. @param atS - the second of the run, never less than the one before. */
  record(durationMs: number, atS: number): void {
    if (atS !== this.#second) this.#turn(atS);
    const takenMs = durationMs > 0 ? durationMs : 0;
    this.#sumMs += takenMs;
    if (takenMs < this.#minMs) this.#minMs = takenMs;
    const slot = Math.round(takenMs * SLOTS_PER_MS);
    if (slot >= SLOTS) return this.#take(takenMs, 1);
    this.#slots[slot]! += 1;
    if (slot > this.#highest) this.#highest = slot;
  }

  get count(): number {
    this.#turn(this.#second);
    return this.#histogram.totalCount;
  }

  quantileMs(share: number): number {
    return this.count === 0 ? 0 : this.#histogram.getValueAtPercentile(share * 100) / US_PER_MS;
  }

  figures(): LatencyFigures {
    const count = this.count;
    return {
      count, minMs: count === 0 ? 0 : this.#minMs, meanMs: count === 0 ? 0 : this.#sumMs / count,
      p50Ms: this.quantileMs(0.5), p90Ms: this.quantileMs(0.9), p95Ms: this.quantileMs(0.95), p99Ms: this.quantileMs(0.99), maxMs: this.quantileMs(1),
      buckets: this.#buckets.map((inBucket, index) => ({ upToMs: BUCKETS_MS[index] ?? null, count: inBucket })),
      curve: count === 0 ? [] : SHARES.map((share) => ({ share, ms: this.quantileMs(share) })),
    };
  }

  seconds(): SecondFigures[] {
    return secondsOf(this.encodeSeconds());
  }

  /** One second's figures; undefined when nothing was recorded in it. */
  secondAt(atS: number): SecondFigures | undefined {
    this.#turn(this.#second);
    const found = this.#seconds.get(atS);
    return found === undefined ? undefined : secondsOf([{ atS, maxMs: found.maxMs, counts: [...found.counts] }])[0];
  }

  encode(): EncodedDistribution {
    this.#turn(this.#second);
    return { histogram: encodeIntoCompressedBase64(this.#histogram), minMs: this.#minMs, sumMs: this.#sumMs, buckets: [...this.#buckets], seconds: this.encodeSeconds() };
  }

  encodeSeconds(): SecondCounts[] {
    this.#turn(this.#second);
    return [...this.#seconds].map(([atS, { counts, maxMs }]) => ({ atS, maxMs, counts: [...counts] })).sort((a, b) => a.atS - b.atS);
  }

  /** Adds what another process recorded. */
  add(other: EncodedDistribution): void {
    this.#turn(this.#second);
    const histogram = decodeFromCompressedBase64(other.histogram);
    this.#histogram.add(histogram);
    this.#sumMs += other.sumMs;
    // JSON has no Infinity.
    this.#minMs = Math.min(this.#minMs, other.minMs ?? Infinity);
    other.buckets.forEach((count, index) => { this.#buckets[index] = (this.#buckets[index] ?? 0) + count; });
    for (const { atS, counts, maxMs } of other.seconds) {
      const second = this.#secondAt(atS);
      second.maxMs = Math.max(second.maxMs, maxMs);
      for (const [place, count] of counts) second.counts.set(place, (second.counts.get(place) ?? 0) + count);
    }
  }

  #turn(atS: number): void {
    for (let slot = 0; slot <= this.#highest; slot++) {
      const count = this.#slots[slot]!;
      if (count === 0) continue;
      this.#slots[slot] = 0;
      this.#take(slot / SLOTS_PER_MS, count);
    }
    this.#highest = -1;
    this.#second = atS;
  }

  #take(durationMs: number, count: number): void {
    this.#histogram.recordValueWithCount(Math.min(LONGEST_US, Math.round(durationMs * US_PER_MS)), count);
    const bucket = BUCKETS_MS.findIndex((upToMs) => durationMs <= upToMs);
    this.#buckets[bucket === -1 ? BUCKETS_MS.length : bucket]! += count;
    const second = this.#secondAt(this.#second);
    const place = Math.max(0, Math.round(Math.log(Math.max(durationMs, GRID_BASE_MS) / GRID_BASE_MS) / Math.log(GRID_FACTOR)));
    second.counts.set(place, (second.counts.get(place) ?? 0) + count);
    second.maxMs = Math.max(second.maxMs, durationMs);
  }

  #secondAt(atS: number): { counts: Map<number, number>; maxMs: number } {
    const found = this.#seconds.get(atS) ?? { counts: new Map<number, number>(), maxMs: 0 };
    this.#seconds.set(atS, found);
    return found;
  }
}

/** Figures of each second; percentiles are right to 2.5 %. */
export function secondsOf(seconds: readonly SecondCounts[]): SecondFigures[] {
  return seconds.map(({ atS, counts, maxMs }) => {
    const sorted = [...counts].sort(([a], [b]) => a - b);
    const count = sorted.reduce((sum, [, inPlace]) => sum + inPlace, 0);
    const at = (share: number): number => Math.min(maxMs, placeMs(placeAt(sorted, share * count)));
    return { atS, count, p50Ms: at(0.5), p90Ms: at(0.9), p99Ms: at(0.99), maxMs };
  });
}

function placeAt(sorted: readonly (readonly [number, number])[], rank: number): number {
  let seen = 0;
  for (const [place, count] of sorted) {
    seen += count;
    if (seen >= rank) return place;
  }
  return sorted.at(-1)?.[0] ?? 0;
}

function placeMs(place: number): number {
  return place === 0 ? GRID_BASE_MS : GRID_BASE_MS * GRID_FACTOR ** place;
}

function newHistogram(): Histogram {
  return build({ bitBucketSize: 32, highestTrackableValue: LONGEST_US, numberOfSignificantValueDigits: 3 });
}
