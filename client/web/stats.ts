/** What the charts show: percentiles over the last minute, and the sizes of the last batches. No browser needed. */
import { quantileSorted } from 'd3-array';

const BUCKET_MS = 1000;
export const SERIES_SECONDS = 60;
const VALUES_PER_BUCKET = 512;

/** One second of a series; `p50` and `p99` are undefined when nothing came in it. */
export interface SeriesPoint {
  readonly secondsAgo: number;
  readonly p50: number | undefined;
  readonly p99: number | undefined;
}

interface Bucket {
  readonly startMs: number;
  readonly values: number[];
  /** Every `stride`-th value is kept, so that a busy second is thinned evenly instead of cut off. */
  stride: number;
  seen: number;
}

/** Percentiles of a value for each of the last SERIES_SECONDS. @bound VALUES_PER_BUCKET values a second. */
export class Series {
  #buckets: Bucket[] = [];

  add(nowMs: number, value: number): void {
    if (!Number.isFinite(value)) return;
    const bucket = this.#bucketAt(nowMs);
    if (bucket.seen++ % bucket.stride !== 0) return;
    bucket.values.push(value);
    if (bucket.values.length < VALUES_PER_BUCKET) return;
    bucket.values.splice(0, bucket.values.length, ...bucket.values.filter((_, index) => index % 2 === 0));
    bucket.stride *= 2;
  }

  /** Oldest first, one for each second that something came in. */
  points(nowMs: number): SeriesPoint[] {
    this.#forget(nowMs);
    return this.#buckets.map(({ startMs, values }) => {
      const sorted = [...values].sort((a, b) => a - b);
      return { secondsAgo: (nowMs - startMs) / 1000, p50: quantileSorted(sorted, 0.5), p99: quantileSorted(sorted, 0.99) };
    });
  }

  #bucketAt(nowMs: number): Bucket {
    const startMs = Math.floor(nowMs / BUCKET_MS) * BUCKET_MS;
    const newest = this.#buckets.at(-1);
    if (newest !== undefined && newest.startMs >= startMs) return newest;
    this.#forget(nowMs);
    const bucket: Bucket = { startMs, values: [], stride: 1, seen: 0 };
    this.#buckets.push(bucket);
    return bucket;
  }

  #forget(nowMs: number): void {
    this.#buckets = this.#buckets.filter(({ startMs }) => startMs > nowMs - SERIES_SECONDS * 1000);
  }
}

const BATCHES_KEPT = 500;

/** How large the last batches were. A batch is counted once, although each of its results names it. */
export class BatchSizes {
  readonly #sizes = new Map<string, number>();

  add(model: string, batchId: number, size: number): void {
    const key = `${model} ${batchId}`;
    if (this.#sizes.has(key)) return;
    this.#sizes.set(key, size);
    const oldest = this.#sizes.keys().next();
    if (this.#sizes.size > BATCHES_KEPT && oldest.done === false) this.#sizes.delete(oldest.value);
  }

  /** How many batches had each size, smallest size first. */
  histogram(): { readonly size: number; readonly count: number }[] {
    const counts = new Map<number, number>();
    for (const size of this.#sizes.values()) counts.set(size, (counts.get(size) ?? 0) + 1);
    return [...counts].map(([size, count]) => ({ size, count })).sort((a, b) => a.size - b.size);
  }
}

/** The newest values of one model, for its row. */
interface ModelWindow {
  readonly arrivals: { readonly atMs: number; readonly ageMs: number; readonly batchSize: number }[];
}
const MODEL_WINDOW_MS = 3000;
const MODEL_VALUES_KEPT = 4096;

export interface ModelRow {
  readonly name: string;
  readonly resultsPerS: number;
  readonly meanBatchSize: number;
  readonly p50AgeMs: number;
}

/** Rate, batch size and age of each model version over the last three seconds. */
export class ModelTable {
  readonly #models = new Map<string, ModelWindow>();

  add(atMs: number, name: string, result: { readonly ageMs: number; readonly batchSize: number }): void {
    let model = this.#models.get(name);
    if (model === undefined) this.#models.set(name, (model = { arrivals: [] }));
    if (model.arrivals.length < MODEL_VALUES_KEPT) model.arrivals.push({ atMs, ageMs: result.ageMs, batchSize: result.batchSize });
  }

  /** By name; a model without recent results stays, at zero, because that it fell silent is worth seeing. */
  rows(nowMs: number): ModelRow[] {
    return [...this.#models].sort(([a], [b]) => a.localeCompare(b)).map(([name, { arrivals }]) => {
      while (arrivals[0] !== undefined && arrivals[0].atMs < nowMs - MODEL_WINDOW_MS) arrivals.shift();
      const count = Math.max(1, arrivals.length);
      return {
        name,
        resultsPerS: (arrivals.length * 1000) / MODEL_WINDOW_MS,
        meanBatchSize: arrivals.reduce((sum, { batchSize }) => sum + batchSize, 0) / count,
        p50AgeMs: quantileSorted(arrivals.map(({ ageMs }) => ageMs).sort((a, b) => a - b), 0.5) ?? 0,
      };
    });
  }
}
