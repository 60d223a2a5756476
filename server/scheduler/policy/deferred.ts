/** Deferred batching, as Symphony does: a device that is idle waits for a full batch while the head can wait too. */
import { LEARNS_NOTHING, planAtOnce, planDrop, planHold, planWithoutChoice, type BatchPolicy } from './policy.ts';

/**
 * Window drop that also holds idle devices until a batch is full or its head can wait no longer.
 *
 * Several devices that each take what little has come are all busy with small batches. One device is never held,
 * nor several that are all idle: a lone request waits for nobody.
 */
export const deferred: BatchPolicy = holding((count) => count - 1);

/**
 * The share of the devices, rounded up, that take only batches worth their while when they are all that is idle.
 *
 * Found by simulation (Poisson arrivals, l(b) = 5+0.3b and 2+0.25b, D = 20 ms): holding one device of 16 is too few
 * for 99 % in time at 80 % of T_even, and holding half adds up to 7 ms of delay at 60 % and gains nothing above.
 */
const RESERVED_SHARE = 0.25;

/** Deferred batching for the last quarter of the devices only: at low load nothing waits. */
export const reserve: BatchPolicy = holding((count) => (count === 1 ? 0 : Math.ceil(count * RESERVED_SHARE)));

/** @param heldOf - of so many devices, the number that is held when no more are idle. */
function holding(heldOf: (count: number) => number): BatchPolicy {
  return {
    ...LEARNS_NOTHING,
    plan(queue, nowMs, devices, table) {
      const forced = planWithoutChoice(queue, nowMs, devices);
      if (forced !== undefined) return forced;
      const size = Math.min(queue.length, devices.cap);
      const drop = planDrop(queue, nowMs, devices, table.latencyMs(size));
      if (drop !== undefined) return drop;
      const isHeld = size < devices.cap && devices.idleCount <= heldOf(devices.count);
      return isHeld ? planHold(queue, nowMs, devices, table) : planAtOnce(queue, devices.cap);
    },
  };
}
