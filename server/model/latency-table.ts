/** From measured batches to l(b): which sizes to measure, when to stop and what the scheduler is told. */
import type { LatencyTable } from '../flow.ts';

/** What a batch of `size` took, from payload to result. */
export interface LatencyPoint {
  readonly size: number;
  readonly medianMs: number;
  readonly p99Ms: number;
}

export interface SweepLimits {
  /** A size that takes longer is of no use. */
  readonly deadlineMs: number;
  readonly maxBatchSize: number;
}

/** A size whose throughput is below this share of the best one's does not pay; the rest is left to noise. */
const THROUGHPUT_KEPT = 0.95;
/** So many sizes in a row that do not pay end the sweep: a single one may have met a busy moment. */
const SIZES_TO_GIVE_UP = 2;

/**
 * The next size to measure: 1, 2, 4, ... until a batch misses the deadline or a larger batch stops paying.
 *
 * @param points - what was measured so far, from size 1 up.
 */
export function nextSweepSize(points: readonly LatencyPoint[], limits: SweepLimits): number | undefined {
  const last = points.at(-1);
  if (last === undefined) return 1;
  const latest = points.slice(-SIZES_TO_GIVE_UP);
  const pays = latest.length < SIZES_TO_GIVE_UP || latest.some((point) => throughput(point) >= THROUGHPUT_KEPT * bestThroughput(points));
  if (last.medianMs > limits.deadlineMs || !pays) return undefined;
  return last.size * 2 <= limits.maxBatchSize ? last.size * 2 : undefined;
}

/**
 * The table for the scheduler: it ends at the smallest size whose throughput is the best one's or near it, among those
 * that meet the deadline (size 1 counts in any case). A larger batch would serve hardly more and keep everybody waiting,
 * the device's other models too. What lies between two measured sizes is interpolated.
 *
 * A batch cannot take longer than a larger one, so a figure above a larger size's is the machine's noise and is
 * lowered to it.
 *
 * @param points - at least one, from size 1 up.
 */
export function toLatencyTable(points: readonly LatencyPoint[], limits: SweepLimits): LatencyTable {
  const inTime = points.filter((point, index) => index === 0 || point.medianMs <= limits.deadlineMs);
  const enough = THROUGHPUT_KEPT * bestThroughput(inTime);
  const kept = inTime.slice(0, inTime.findIndex((point) => throughput(point) >= enough) + 1);
  let ceilingMs = Infinity;
  const smoothed = kept.toReversed().map((point) => {
    ceilingMs = Math.min(ceilingMs, point.p99Ms);
    return { ...point, p99Ms: ceilingMs };
  });
  return tableOf(smoothed.toReversed());
}

/** The same table with every latency multiplied by `factor`. */
export function scaleTable(table: LatencyTable, factor: number): LatencyTable {
  return { maxBatchSize: table.maxBatchSize, latencyMs: (size) => table.latencyMs(size) * factor };
}

/** The median and the nearest-rank p99 of measured times. @param timesMs - at least one; sorted in place. */
export function summarise(size: number, timesMs: number[]): LatencyPoint {
  timesMs.sort((left, right) => left - right);
  const rank = (share: number): number => timesMs[Math.ceil(share * timesMs.length) - 1] ?? 0;
  return { size, medianMs: rank(0.5), p99Ms: rank(0.99) };
}

function tableOf(points: readonly LatencyPoint[]): LatencyTable {
  const maxBatchSize = points.at(-1)?.size ?? 1;
  const latencies = Array.from({ length: maxBatchSize }, (_, index) => interpolate(points, index + 1));
  return {
    maxBatchSize,
    latencyMs(size) {
      const latency = latencies[size - 1];
      if (latency === undefined) throw new RangeError(`bug: no latency for a batch of ${size}; the table ends at ${maxBatchSize}`);
      return latency;
    },
  };
}

function interpolate(points: readonly LatencyPoint[], size: number): number {
  const above = points.findIndex((point) => point.size >= size);
  const upper = points[above];
  const lower = points[above - 1];
  if (upper === undefined || lower === undefined) return upper?.p99Ms ?? 0;
  return lower.p99Ms + ((upper.p99Ms - lower.p99Ms) * (size - lower.size)) / (upper.size - lower.size);
}

function bestThroughput(points: readonly LatencyPoint[]): number {
  return Math.max(...points.map(throughput));
}

function throughput(point: LatencyPoint): number {
  return point.size / Math.max(point.medianMs, 1e-6);
}
