/** Batching for streams that come in groups by agreement: a device waits for the group that it is meant for. */
import type { LatencyTable } from '../../flow.ts';
import type { PhasePlan } from './plan-phases.ts';
import { LEARNS_NOTHING, planAtOnce, planDrop, planWithoutChoice, type BatchPlan, type BatchPolicy, type DevicesView, type QueueView } from '../policy/policy.ts';

/** When groups come, and how large they are. */
export interface GroupTimes {
  /** Requests of one group, 1 or more. */
  readonly size: number;
  /** How much later than its time a whole group can start and still be in time. */
  readonly slackMs: number;
  /** The group that is coming, or that comes next, server clock: its first request at `startMs`, its last at `endMs`, about. */
  next(nowMs: number): { readonly startMs: number; readonly endMs: number };
}

/** The times of a plan, whose period began at 0 on the server's clock. @bound O(slots). */
export function groupTimes({ groupSize, slackMs, slotsMs, periodMs, windowMs }: PhasePlan): GroupTimes {
  return {
    size: groupSize,
    slackMs,
    next(nowMs) {
      const sinceMs = nowMs - windowMs;
      const periodStartMs = Math.floor(sinceMs / periodMs) * periodMs;
      const slotMs = slotsMs.find((each) => periodStartMs + each >= sinceMs) ?? (slotsMs[0] ?? 0) + periodMs;
      return { startMs: periodStartMs + slotMs - windowMs, endMs: periodStartMs + slotMs + windowMs };
    },
  };
}

/**
 * Sends a group as soon as it is complete, or when its time is over; what is left over goes in between, if a device
 * is back before the next group, and with it otherwise; unless that would be too late for those who are left over, and the
 * group can spare the time.
 *
 * The other policies send the first request of a group alone, since they cannot know that the others come within the
 * millisecond: the rest then waits for a batch of one. And they cap batches at b*, for requests that gather while a
 * batch runs; a group is there at once, so that it may be larger, and a larger one costs less for each request.
 */
export function groupPolicy(groups: GroupTimes): BatchPolicy {
  return {
    ...LEARNS_NOTHING,
    plan(queue, nowMs, devices, table) {
      const forced = planWithoutChoice(queue, nowMs, devices);
      if (forced !== undefined) return forced;
      const runMs = table.latencyMs(Math.min(queue.length, devices.largest));
      return planDrop(queue, nowMs, devices, runMs) ?? planGroup(groups, queue, nowMs, devices, table);
    },
  };
}

function planGroup(groups: GroupTimes, queue: QueueView, nowMs: number, devices: DevicesView, table: LatencyTable): BatchPlan {
  const { length } = queue;
  if (length >= Math.min(groups.size, devices.largest)) return planAtOnce(queue, devices.largest);
  const { startMs, endMs } = groups.next(nowMs);
  const isComing = nowMs >= startMs;
  const isLateWithGroup = endMs + table.latencyMs(Math.min(length + groups.size, devices.largest)) > queue.earliestDeadlineMs;
  const isBackInTime = devices.idleCount > 1 || nowMs + table.latencyMs(length) <= endMs + (isLateWithGroup ? groups.slackMs : 0);
  if (nowMs >= endMs || (!isComing && isBackInTime)) return planAtOnce(queue, devices.largest);
  return { kind: 'hold', untilMs: Math.min(endMs, queue.earliestDeadlineMs) };
}
