/** Groups: complete ones go at once, and a device waits for the one that it is meant for. */
import { describe, expect, it } from 'vitest';
import { groupPolicy, groupTimes } from '../../../../server/scheduler/phase/group-policy.ts';
import type { BatchPlan, DevicesView, QueueView } from '../../../../server/scheduler/policy/policy.ts';
import { latencyTable } from '../../../support/simulated-device.ts';

const TABLE = latencyTable(32, (size) => 5 + 0.5 * size);
const TIMES = groupTimes({ periodMs: 30, groupSize: 10, windowMs: 1, slackMs: 4, slotsMs: [5, 20], slotOf: new Map(), load: 0.5 });

function plan(nowMs: number, queue: Partial<QueueView>, devices: Partial<DevicesView> = {}): BatchPlan {
  const waiting = { length: 3, earliestDeadlineMs: nowMs + 20, waitingSinceMs: nowMs, isHeld: false, deadlinesMs: () => [nowMs + 20], ...queue };
  const view = { count: 1, idleCount: 1, cap: 8, largest: 30, isFastest: true, ...devices };
  const policy = groupPolicy(TIMES);
  return policy.plan(waiting, nowMs, view, TABLE, policy.initial);
}

describe('the times of groups', () => {
  it.each([[300, 304, 306], [305.9, 304, 306], [306.1, 319, 321], [321.5, 334, 336], [325, 334, 336]])('come next after %d at %d to %d', (nowMs, startMs, endMs) => {
    const next = TIMES.next(nowMs);
    expect(next.startMs).toBeCloseTo(startMs, 6);
    expect(next.endMs).toBeCloseTo(endMs, 6);
  });
});

describe('the policy for groups', () => {
  it('holds the first of a group until its time is over', () => {
    expect(plan(304.5, { length: 1 })).toEqual({ kind: 'hold', untilMs: 306 });
    expect(plan(306, { length: 1 })).toMatchObject({ kind: 'dispatch', size: 1 });
  });

  it('sends a group as soon as it is complete, with what was left over', () => {
    expect(plan(304.5, { length: 10 })).toMatchObject({ kind: 'dispatch', size: 10 });
    expect(plan(304.5, { length: 12 })).toMatchObject({ kind: 'dispatch', size: 12 });
  });

  it('sends what is left over between groups if the device is back in time, or another one is idle', () => {
    expect(plan(307, { length: 3 })).toMatchObject({ kind: 'dispatch', size: 3 });
    expect(plan(316, { length: 3 })).toEqual({ kind: 'hold', untilMs: 321 });
    expect(plan(316, { length: 3 }, { count: 2, idleCount: 2 })).toMatchObject({ kind: 'dispatch', size: 3 });
  });

  it('lets a group wait for those who would be too late with it, as far as it can', () => {
    expect(plan(316, { length: 3, earliestDeadlineMs: 331 })).toMatchObject({ kind: 'dispatch', size: 3 });
    expect(plan(318.9, { length: 3, earliestDeadlineMs: 331 })).toEqual({ kind: 'hold', untilMs: 321 });
  });

  it('gives up whom the batch would make late, and never sleeps past a deadline', () => {
    expect(plan(304.5, { length: 10, earliestDeadlineMs: 308 })).toMatchObject({ kind: 'expire' });
    expect(plan(304.5, { length: 10, earliestDeadlineMs: 304.5 })).toMatchObject({ kind: 'expire' });
    expect(plan(316, { length: 0, earliestDeadlineMs: Infinity })).toEqual({ kind: 'wait', untilMs: Infinity });
    expect(plan(316, { length: 3 }, { idleCount: 0 })).toEqual({ kind: 'wait', untilMs: 336 });
  });

  it('takes no more than a device finishes in time', () => {
    expect(plan(304.5, { length: 40 })).toMatchObject({ kind: 'dispatch', size: 30 });
    expect(plan(304.5, { length: 6 }, { largest: 6 })).toMatchObject({ kind: 'dispatch', size: 6, release: 'full' });
  });
});
