/** Window drop: full batches at b*, and whoever they would make late is given up. */
import { LEARNS_NOTHING, planAtOnce, planDrop, planWithoutChoice, type BatchPolicy } from './policy.ts';

/**
 * Sends what waits as soon as a device is idle, at most b*, and expires the heads that this batch would make late.
 *
 * The naive answer, to shrink the batch until its head is in time, makes the next head later still, down to batches
 * of one: it collapses at 9 % of overload. Here the batch keeps its size.
 */
export const windowDrop: BatchPolicy = {
  ...LEARNS_NOTHING,
  plan(queue, nowMs, devices, table) {
    const forced = planWithoutChoice(queue, nowMs, devices);
    if (forced !== undefined) return forced;
    const runMs = table.latencyMs(Math.min(queue.length, devices.cap));
    return planDrop(queue, nowMs, devices, runMs) ?? planAtOnce(queue, devices.cap);
  },
};
