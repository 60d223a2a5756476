/** Measures l(b) of one model on one device with realistic payloads, through the same path as real batches. */
import type { Clock } from '../../core/clock.ts';
import { nextSweepSize, summarise } from './latency-table.ts';
import type { LatencyPoint, SweepLimits } from './latency-table.ts';

/** Runs a batch of `size` samples and resolves when its answer is here; rejects when there is none. */
export type RunSamples = (size: number) => Promise<void>;

/** A size is run at least so often, however slow it is, and no more than so often, however fast. */
const MIN_RUNS = 8;
const MAX_RUNS = 40;
const SIZE_BUDGET_MS = 400;
/** The first runs of a size allocate and compile. */
const WARM_UP_RUNS = 2;

/**
 * Measures sizes 1, 2, 4, ... until `nextSweepSize` says that it is enough.
 *
 * @returns at least one point, from size 1 up.
 */
export async function measure(clock: Clock, run: RunSamples, limits: SweepLimits): Promise<LatencyPoint[]> {
  const points: LatencyPoint[] = [];
  for (let size = nextSweepSize(points, limits); size !== undefined; size = nextSweepSize(points, limits)) {
    points.push(await measureSize(clock, run, size));
  }
  return points;
}

/** Runs the smallest and the largest batch, so that the first real ones find memory and code in place. */
export async function warmUp(run: RunSamples, maxBatchSize: number): Promise<void> {
  for (let index = 0; index < WARM_UP_RUNS; index++) await run(1);
  if (maxBatchSize > 1) await run(maxBatchSize);
}

async function measureSize(clock: Clock, run: RunSamples, size: number): Promise<LatencyPoint> {
  for (let index = 0; index < WARM_UP_RUNS; index++) await run(size);
  const timesMs: number[] = [];
  const startMs = clock.nowMs();
  while (timesMs.length < MIN_RUNS || (timesMs.length < MAX_RUNS && clock.nowMs() - startMs < SIZE_BUDGET_MS)) {
    const beforeMs = clock.nowMs();
    await run(size);
    timesMs.push(clock.nowMs() - beforeMs);
  }
  return summarise(size, timesMs);
}
