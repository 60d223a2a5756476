/** The port of the batching policies: pure decisions about one model's queue, which the scheduler carries out. */
import type { LatencyTable, ReleaseReason } from '../../flow.ts';

/** What a policy sees of a queue. */
export interface QueueView {
  readonly length: number;
  /** The deadline that comes first; Infinity when nothing waits. */
  readonly earliestDeadlineMs: number;
  /** When a batch last left, or, if later, when the first request came into the empty queue. */
  readonly waitingSinceMs: number;
  /** The plan since then was to hold. */
  readonly isHeld: boolean;
  /** All deadlines, the earliest first; to be read before anything changes. */
  deadlinesMs(): Iterable<number>;
}

/** What a policy sees of the devices that can run the model. */
export interface DevicesView {
  /** Devices that share the queue, busy ones included. */
  readonly count: number;
  readonly idleCount: number;
  /** b* (batch-cap.ts) on the idle device that would run the batch, 1 or more; 0 when none is idle. */
  readonly cap: number;
  /** The largest batch that this device finishes within the whole budget of a request; 0 when none is idle. */
  readonly largest: number;
  /** No other device of `count` is faster than that one. */
  readonly isFastest: boolean;
}

/**
 * `dispatch`: the first `size` requests, in the queue's order, to the idle device; `cap` is the most that it would have
 * been. `expire`: end the `count` requests with the earliest deadlines, then ask again. `hold`: there is an idle device, but a
 * fuller batch is worth waiting for. `wait`: there is nothing to send, or no device to send it to. Both end at
 * `untilMs`, or when the queue or a device changes.
 */
export type BatchPlan =
  | { readonly kind: 'dispatch'; readonly size: number; readonly cap: number; readonly release: ReleaseReason }
  | { readonly kind: 'expire'; readonly count: number }
  | { readonly kind: 'hold'; readonly untilMs: number }
  | { readonly kind: 'wait'; readonly untilMs: number };

/** What a policy has learnt of one model's batches; never changed in place. */
export interface PolicyState {
  /** The largest batch that it dares. */
  readonly cap: number;
  /** Of the requests of late, those that it gave up, 0..1. */
  readonly givenUpShare: number;
}

/** How a batch went. */
export interface BatchFeedback {
  readonly size: number;
  /** The largest that it would have been. */
  readonly cap: number;
  /** Whether a request of it was late. */
  readonly isLate: boolean;
  /** Requests that expired since the batch before it came back. */
  readonly givenUp: number;
}

/** Decides when a batch leaves, how large it is, and who is given up for it. Holds no state of its own. */
export interface BatchPolicy {
  /** Before the first batch of a model. */
  readonly initial: PolicyState;
  /**
   * What to do with one model's queue now. Whatever has reached its deadline expires before anything else, and no plan
   * lets the earliest deadline pass unasked.
   *
   * @param table - l(b) on the idle device; not read when none is idle.
   * @bound O(1) while nothing would be late; the caller repeats it after each expiry.
   */
  plan(queue: QueueView, nowMs: number, devices: DevicesView, table: LatencyTable, state: PolicyState): BatchPlan;
  /** What it knows after a batch; `state` itself when that is nothing new. */
  learn(state: PolicyState, feedback: BatchFeedback): PolicyState;
}

/** Timers fire up to this late, and a hold that ends late costs the batch its head. */
export const TIMER_MARGIN_MS = 1;

/** For policies that follow from the costs alone. */
export const LEARNS_NOTHING: Pick<BatchPolicy, 'initial' | 'learn'> = { initial: { cap: 0, givenUpShare: 0 }, learn: (state) => state };

const EXPIRE: BatchPlan = { kind: 'expire', count: 1 };

/** What every policy does first: expire what is due, and wait without a request or without a device. */
export function planWithoutChoice(queue: QueueView, nowMs: number, devices: DevicesView): BatchPlan | undefined {
  const { earliestDeadlineMs } = queue;
  if (earliestDeadlineMs <= nowMs) return EXPIRE;
  if (queue.length === 0 || devices.idleCount === 0) return { kind: 'wait', untilMs: earliestDeadlineMs };
  return undefined;
}

/** Sends whatever waits, up to `cap`. */
export function planAtOnce(queue: QueueView, cap: number): BatchPlan {
  const size = Math.min(queue.length, cap);
  return { kind: 'dispatch', size, cap, release: size === cap ? 'full' : queue.isHeld ? 'hold-over' : 'idle-device' };
}

/** Gives up the head when a batch of `size` would make it late; undefined when it would not. */
export function planDrop(queue: QueueView, nowMs: number, devices: DevicesView, runMs: number): BatchPlan | undefined {
  if (queue.earliestDeadlineMs >= nowMs + runMs) return undefined;
  // A faster device that is busy now may still make it.
  return devices.isFastest ? EXPIRE : { kind: 'wait', untilMs: queue.earliestDeadlineMs };
}

/**
 * Holds until one more request would make the head late, and never longer than a full batch runs: by then another
 * device is done, so that a model with a deadline of seconds does not wait for seconds.
 */
export function planHold(queue: QueueView, nowMs: number, { cap }: DevicesView, table: LatencyTable): BatchPlan {
  const size = queue.length;
  const headMs = queue.earliestDeadlineMs - table.latencyMs(size + 1) - TIMER_MARGIN_MS;
  const holdOverMs = queue.waitingSinceMs + table.latencyMs(cap);
  if (nowMs >= headMs) return { kind: 'dispatch', size, cap, release: 'deadline' };
  if (nowMs >= holdOverMs) return { kind: 'dispatch', size, cap, release: 'hold-over' };
  return { kind: 'hold', untilMs: Math.min(headMs, holdOverMs) };
}
