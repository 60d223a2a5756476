/** The largest batch worth forming: b*, from the measured times of one model on one kind of device. */
import type { LatencyTable } from '../flow.ts';

/**
 * The batch size that serves most requests a second with nothing late, when they come evenly spaced.
 *
 * A batch of b gathers while the one before it runs, so that its first request waits `l(b)(b-1)/(bN)` and then runs
 * for `l(b)`: both must fit into the budget. A larger cap would make every batch late once there is a queue, so
 * the cap is not raised however long the queue.
 *
 * @param budgetMs - from a request's arrival to its deadline.
 * @param deviceCount - devices that share the queue, 1 or more.
 * @returns 0..maxBatchSize; 0 when not even one request alone can be in time.
 * @bound O(maxBatchSize), no allocation.
 */
export function batchCap(table: LatencyTable, budgetMs: number, deviceCount: number): number {
  let cap = 0;
  let capRate = 0;
  for (let size = 1; size <= table.maxBatchSize; size++) {
    const runMs = table.latencyMs(size);
    if (runMs * (1 + (size - 1) / (size * deviceCount)) > budgetMs) continue;
    const rate = size / runMs;
    if (rate < capRate) continue;
    cap = size;
    capRate = rate;
  }
  return cap;
}

/** The largest batch that a device finishes within `budgetMs`; 0 when it finishes none. @bound O(maxBatchSize). */
export function largestInBudget(table: LatencyTable, budgetMs: number): number {
  let size = table.maxBatchSize;
  while (size > 0 && table.latencyMs(size) > budgetMs) size--;
  return size;
}
