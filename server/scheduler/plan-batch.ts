/** The batching policy: pure decisions about one model's queue. The scheduler carries them out. */
import type { LatencyTable, ReleaseReason } from '../flow.ts';

/** What the policy sees of a queue. */
export interface QueueView {
  readonly length: number;
  /** The deadline that comes first; Infinity when nothing waits. */
  readonly earliestDeadlineMs: number;
  /** When a batch last left, or, if later, when the first request came into the empty queue. */
  readonly waitingSinceMs: number;
  /** The plan since then was to hold. */
  readonly isHeld: boolean;
}

/** What the policy sees of the devices that can run the model. */
export interface DevicesView {
  /** Devices that share the queue, busy ones included. */
  readonly count: number;
  readonly idleCount: number;
  /** b* (batch-cap.ts) on the idle device that would run the batch, 1 or more; 0 when none is idle. */
  readonly cap: number;
  /** No other device of `count` is faster than that one. */
  readonly isFastest: boolean;
}

/**
 * `dispatch`: the first `size` requests, in the queue's order, to the idle device. `expire`: end the request with the
 * earliest deadline, then ask again. `hold`: there is an idle device, but a fuller batch is worth waiting for. `wait`:
 * there is nothing to send, or no device to send it to. Both end at `untilMs`, or when the queue or a device changes.
 */
export type BatchPlan =
  | { readonly kind: 'dispatch'; readonly size: number; readonly release: ReleaseReason }
  | { readonly kind: 'expire' }
  | { readonly kind: 'hold'; readonly untilMs: number }
  | { readonly kind: 'wait'; readonly untilMs: number };

/** Timers fire up to this late, and a hold that ends late costs the batch its head. */
export const TIMER_MARGIN_MS = 1;

/**
 * The share of the devices, rounded up, that take only batches worth their while when they are all that is idle.
 *
 * Found by simulation (Poisson arrivals, l(b) = 5+0.3b and 2+0.25b, D = 20 ms): holding one device of 16 is too few
 * for 99 % in time at 80 % of T_even, and holding half adds up to 7 ms of delay at 60 % and gains nothing above.
 */
const HELD_SHARE = 0.25;

const EXPIRE: BatchPlan = { kind: 'expire' };

/**
 * What to do with one model's queue now.
 *
 * The naive answer, to send whatever waits as soon as a device is idle and to leave out what would be late, fails
 * twice under load. Shrinking a batch to save its head makes the next head later still, down to batches of one:
 * here the batch keeps its size, and the requests that it makes late expire (window drop). And several devices that
 * each take what little has come are all busy with small batches: here the last idle ones are held until a batch is
 * full, its head can wait no longer, or more devices are idle. Above that nothing waits: a lone request on an idle
 * server goes at once, and at low load the delay is that of a scheduler that never holds.
 *
 * @param table - l(b) on the idle device; not read when none is idle.
 * @bound O(1); the caller repeats it once for each expiry.
 */
export function planBatch(queue: QueueView, nowMs: number, devices: DevicesView, table: LatencyTable): BatchPlan {
  const { earliestDeadlineMs } = queue;
  if (earliestDeadlineMs <= nowMs) return EXPIRE;
  if (queue.length === 0 || devices.idleCount === 0) return { kind: 'wait', untilMs: earliestDeadlineMs };
  const size = Math.min(queue.length, devices.cap);
  if (earliestDeadlineMs < nowMs + table.latencyMs(size)) {
    // A faster device that is busy now may still make it.
    return devices.isFastest ? EXPIRE : { kind: 'wait', untilMs: earliestDeadlineMs };
  }
  if (size === devices.cap) return { kind: 'dispatch', size, release: 'full' };
  if (devices.count === 1) return { kind: 'dispatch', size, release: 'idle-device' };
  if (devices.idleCount > Math.ceil(devices.count * HELD_SHARE)) {
    return { kind: 'dispatch', size, release: queue.isHeld ? 'hold-over' : 'idle-device' };
  }
  return planHold(queue, nowMs, size, devices.cap, table);
}

/**
 * Holds the last idle devices until one more request would make the head late, and never longer than a full batch
 * runs: by then another device is done, so that a model with a deadline of seconds does not wait for seconds.
 */
function planHold(queue: QueueView, nowMs: number, size: number, cap: number, table: LatencyTable): BatchPlan {
  const headMs = queue.earliestDeadlineMs - table.latencyMs(size + 1) - TIMER_MARGIN_MS;
  const holdOverMs = queue.waitingSinceMs + table.latencyMs(cap);
  if (nowMs >= headMs) return { kind: 'dispatch', size, release: 'deadline' };
  if (nowMs >= holdOverMs) return { kind: 'dispatch', size, release: 'hold-over' };
  return { kind: 'hold', untilMs: Math.min(headMs, holdOverMs) };
}
