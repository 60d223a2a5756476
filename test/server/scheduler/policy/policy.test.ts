import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_POLICY, POLICIES, policyNamed, type PolicyName } from '../../../../server/scheduler/policy/policies.ts';
import { TIMER_MARGIN_MS, type BatchPlan, type DevicesView, type QueueView } from '../../../../server/scheduler/policy/policy.ts';
import { latencyTable } from '../../../support/simulated-device.ts';

const table = latencyTable(64, (size) => 2 + 0.25 * size);
const queue = (length: number, earliestDeadlineMs: number, given: Partial<QueueView> = {}): QueueView => ({
  length,
  earliestDeadlineMs,
  waitingSinceMs: 0,
  isHeld: false,
  deadlinesMs: () => Array.from({ length }, (_, at) => earliestDeadlineMs + at / 4),
  ...given,
});
const devices = (count: number, idleCount: number, given: Partial<DevicesView> = {}): DevicesView => ({
  count,
  idleCount,
  cap: 32,
  largest: 64,
  isFastest: true,
  ...given,
});
const plan = (name: PolicyName, queued: QueueView, nowMs: number, view: DevicesView, cap = 8): BatchPlan =>
  POLICIES[name].plan(queued, nowMs, view, table, { cap, givenUpShare: 0 });
const NAMES = Object.keys(POLICIES) as PolicyName[];

describe.each(NAMES)('the policy %s', (name) => {
  it('waits for the first deadline while every device is busy', () => {
    expect(plan(name, queue(3, 20), 5, devices(1, 0))).toEqual({ kind: 'wait', untilMs: 20 });
  });

  it('waits for ever when nothing waits', () => {
    expect(plan(name, queue(0, Infinity), 5, devices(1, 1))).toEqual({ kind: 'wait', untilMs: Infinity });
  });

  it('expires what is due, also while every device is busy', () => {
    expect(plan(name, queue(3, 5), 5, devices(1, 0))).toEqual({ kind: 'expire', count: 1 });
  });

  it('never holds the only device, nor several that are all idle', () => {
    for (const count of [1, 2, 16]) expect(plan(name, queue(1, 1000), 0, devices(count, count))).toMatchObject({ kind: 'dispatch', size: 1 });
  });

  it('whatever the state, it decides: in time to be asked again, and within its cap', () => {
    fc.assert(
      fc.property(states, ({ length, slackMs, waitedMs, count, cap, largest, learnt, idleShare, isHeld, isFastest }) => {
        const nowMs = 1000;
        const idleCount = Math.round(idleShare * count);
        const view = queue(length, nowMs + slackMs, { waitingSinceMs: nowMs - waitedMs, isHeld });
        const made = plan(name, view, nowMs, devices(count, idleCount, { cap, largest, isFastest }), learnt);
        if (made.kind === 'wait' || made.kind === 'hold') {
          expect(made.untilMs).toBeGreaterThan(nowMs);
          expect(made.untilMs).toBeLessThanOrEqual(view.earliestDeadlineMs);
        }
        if (made.kind === 'hold') {
          expect(idleCount).toBeGreaterThan(0);
          const oneMore = table.latencyMs(Math.min(length, cap) + 1);
          expect(made.untilMs + oneMore + TIMER_MARGIN_MS).toBeLessThanOrEqual(view.earliestDeadlineMs + 1e-9);
        }
        if (made.kind !== 'dispatch') return;
        expect(idleCount).toBeGreaterThan(0);
        expect(made.size).toBe(Math.min(length, made.cap));
        expect(made.size).toBeGreaterThan(0);
        expect(made.cap).toBeLessThanOrEqual(largest);
        expect(made.release === 'full').toBe(made.size === made.cap);
      }),
    );
  });
});

const states = fc
  .record({
    length: fc.integer({ min: 1, max: 200 }),
    slackMs: fc.double({ min: -5, max: 60, noNaN: true }),
    waitedMs: fc.double({ min: 0, max: 60, noNaN: true }),
    count: fc.integer({ min: 1, max: 20 }),
    cap: fc.integer({ min: 1, max: 64 }),
    extra: fc.nat(32),
    learnt: fc.double({ min: 1, max: 100, noNaN: true }),
    idleShare: fc.double({ min: 0, max: 1, noNaN: true }),
    isHeld: fc.boolean(),
    isFastest: fc.boolean(),
  })
  .map((state) => ({ ...state, largest: state.cap + state.extra }));

describe.each(['window-drop', 'deferred', 'reserve'] as const)('the policy %s', (name) => {
  it('sends no batch that would be late, and expires nobody who would be in time', () => {
    fc.assert(
      fc.property(states, ({ length, slackMs, count, cap, largest, isHeld }) => {
        const made = plan(name, queue(length, 1000 + slackMs, { isHeld, waitingSinceMs: 1000 }), 1000, devices(count, count, { cap, largest }));
        if (made.kind === 'dispatch') expect(table.latencyMs(made.size)).toBeLessThanOrEqual(slackMs);
        if (made.kind === 'expire') expect(slackMs).toBeLessThanOrEqual(table.latencyMs(Math.min(length, cap)));
      }),
    );
  });

  it('expires the head that a full batch would make late, instead of sending less', () => {
    expect(plan(name, queue(40, 9), 0, devices(1, 1))).toEqual({ kind: 'expire', count: 1 });
    expect(plan(name, queue(40, 10), 0, devices(1, 1))).toMatchObject({ kind: 'dispatch', size: 32, release: 'full' });
  });
});

describe('eager batching', () => {
  it('sends all that the device can take, late or not', () => {
    expect(plan('eager', queue(50, 1), 0, devices(4, 1))).toEqual({ kind: 'dispatch', size: 50, cap: 64, release: 'idle-device' });
  });
});

describe('adaptive batching', () => {
  const learn = (cap: number, went: { size: number; cap: number; isLate: boolean }): number => POLICIES.aimd.learn({ cap, givenUpShare: 0 }, { ...went, givenUp: 0 }).cap;

  it('raises the cap by one after a full batch in time, and not after a smaller one', () => {
    expect(learn(8, { size: 8, cap: 8, isLate: false })).toBe(9);
    expect(learn(8, { size: 7, cap: 8, isLate: false })).toBe(8);
  });

  it('lowers it by a tenth after a late one, down to one', () => {
    expect(learn(10, { size: 3, cap: 10, isLate: true })).toBe(9);
    expect(learn(1, { size: 1, cap: 1, isLate: true })).toBe(1);
  });

  it('goes no further above what the device takes', () => {
    expect(learn(64.5, { size: 64, cap: 64, isLate: false })).toBe(65.5);
    expect(learn(65.5, { size: 64, cap: 64, isLate: false })).toBe(65.5);
  });
});

describe('holding', () => {
  const kindsOf = (name: PolicyName, count: number): string[] =>
    Array.from({ length: count }, (_, at) => plan(name, queue(3, 20), 0, devices(count, at + 1)).kind);

  it('deferred batching holds all devices but the last', () => {
    expect(kindsOf('deferred', 4)).toEqual(['hold', 'hold', 'hold', 'dispatch']);
  });

  it('a reserve is the last quarter of the devices, rounded up, and no more', () => {
    for (const [count, held] of [[2, 1], [4, 1], [5, 2], [8, 2], [16, 4]] as const) {
      expect(kindsOf('reserve', count).filter((kind) => kind === 'hold')).toHaveLength(held);
    }
  });
});

describe('the best yield', () => {
  const bestYield = (queued: QueueView, view: DevicesView, givenUpShare = 0): BatchPlan => POLICIES['best-yield'].plan(queued, 0, view, table, { cap: 0, givenUpShare });

  it('is what is taken when nobody names a policy', () => {
    expect(DEFAULT_POLICY).toBe('best-yield');
    expect(policyNamed('auto')).toBe(POLICIES['best-yield']);
  });

  it('sends more than b* when all of it is in time', () => {
    expect(bestYield(queue(40, 13), devices(1, 1))).toMatchObject({ kind: 'dispatch', size: 40 });
  });

  it('sends a little less when that saves the head, and gives up a head that would cost many', () => {
    const sameDeadline = { deadlinesMs: () => Array.from({ length: 40 }, () => 11) };
    expect(bestYield(queue(40, 11, sameDeadline), devices(1, 1))).toMatchObject({ kind: 'dispatch', size: 36 });
    const oneIsLate = { deadlinesMs: () => [3, ...Array.from({ length: 39 }, () => 20)] };
    expect(bestYield(queue(40, 3, oneIsLate), devices(1, 1))).toEqual({ kind: 'expire', count: 1 });
  });

  it('gives everybody up whom no batch would serve in time, at once', () => {
    expect(bestYield(queue(4, 1), devices(1, 1))).toEqual({ kind: 'expire', count: 4 });
  });

  it('under overload it is window drop at b*', () => {
    for (const [queued, share] of [[queue(65, 9), 0], [queue(40, 9), 0.06]] as const) {
      expect(bestYield(queued, devices(1, 1), share)).toEqual({ kind: 'expire', count: 1 });
    }
    expect(bestYield(queue(40, 12), devices(1, 1), 0.06)).toMatchObject({ size: 32, cap: 32, release: 'full' });
  });

  it('learns what is given up, and forgets it', () => {
    let state = { cap: 0, givenUpShare: 0 };
    const { learn } = POLICIES['best-yield'];
    for (let batch = 0; batch < 20; batch++) state = learn(state, { size: 10, cap: 32, isLate: false, givenUp: 10 });
    expect(state.givenUpShare).toBeGreaterThan(0.4);
    for (let batch = 0; batch < 60; batch++) state = learn(state, { size: 10, cap: 32, isLate: false, givenUp: 0 });
    expect(state.givenUpShare).toBeLessThan(0.01);
  });

  it('the fewer devices are idle, the larger the batch that it waits for', () => {
    const leastOf = (idle: number): number => 1 + [...Array(40).keys()].findIndex((at) => bestYield(queue(at + 1, 1000), devices(16, idle)).kind === 'dispatch');
    const least = [16, 9, 6, 3, 1].map(leastOf);
    expect(least).toEqual([1, 1, 12, 24, 32]);
  });

  it('whatever the state, a batch that it sends is in time', () => {
    fc.assert(
      fc.property(states, ({ length, slackMs, count, cap, largest, idleShare }) => {
        const made = bestYield(queue(length, slackMs), devices(count, Math.max(1, Math.round(idleShare * count)), { cap, largest }));
        if (made.kind === 'dispatch') expect(table.latencyMs(made.size)).toBeLessThanOrEqual(slackMs);
        if (made.kind === 'expire') expect(made.count).toBeGreaterThan(0);
      }),
    );
  });
});
