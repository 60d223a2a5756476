import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { POLICIES, POLICY_NAMES, type PolicyName } from '../../../../server/scheduler/policy/policies.ts';
import { TIMER_MARGIN_MS, type BatchPlan, type DevicesView, type QueueView } from '../../../../server/scheduler/policy/policy.ts';
import { latencyTable } from '../../../support/simulated-device.ts';

const table = latencyTable(64, (size) => 2 + 0.25 * size);
const queue = (length: number, earliestDeadlineMs: number, given: Partial<QueueView> = {}): QueueView => ({
  length,
  earliestDeadlineMs,
  waitingSinceMs: 0,
  isHeld: false,
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
  POLICIES[name].plan(queued, nowMs, view, table, { cap });

describe.each(POLICY_NAMES)('the policy %s', (name) => {
  it('waits for the first deadline while every device is busy', () => {
    expect(plan(name, queue(3, 20), 5, devices(1, 0))).toEqual({ kind: 'wait', untilMs: 20 });
  });

  it('waits for ever when nothing waits', () => {
    expect(plan(name, queue(0, Infinity), 5, devices(1, 1))).toEqual({ kind: 'wait', untilMs: Infinity });
  });

  it('expires what is due, also while every device is busy', () => {
    expect(plan(name, queue(3, 5), 5, devices(1, 0))).toEqual({ kind: 'expire' });
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

describe.each(['window-drop', 'deferred', 'reserve', 'auto'] as const)('the policy %s', (name) => {
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
    expect(plan(name, queue(40, 9), 0, devices(1, 1))).toEqual({ kind: 'expire' });
    expect(plan(name, queue(40, 10), 0, devices(1, 1))).toMatchObject({ kind: 'dispatch', size: 32, release: 'full' });
  });
});

describe('eager batching', () => {
  it('sends all that the device can take, late or not', () => {
    expect(plan('eager', queue(50, 1), 0, devices(4, 1))).toEqual({ kind: 'dispatch', size: 50, cap: 64, release: 'idle-device' });
  });
});

describe('adaptive batching', () => {
  const { learn } = POLICIES.aimd;

  it('raises the cap by one after a full batch in time, and not after a smaller one', () => {
    expect(learn({ cap: 8 }, { size: 8, cap: 8, isLate: false })).toEqual({ cap: 9 });
    expect(learn({ cap: 8 }, { size: 7, cap: 8, isLate: false })).toEqual({ cap: 8 });
  });

  it('lowers it by a tenth after a late one, down to one', () => {
    expect(learn({ cap: 10 }, { size: 3, cap: 10, isLate: true })).toEqual({ cap: 9 });
    expect(learn({ cap: 1 }, { size: 1, cap: 1, isLate: true })).toEqual({ cap: 1 });
  });

  it('goes no further above what the device takes', () => {
    expect(learn({ cap: 64.5 }, { size: 64, cap: 64, isLate: false })).toEqual({ cap: 65.5 });
    expect(learn({ cap: 65.5 }, { size: 64, cap: 64, isLate: false })).toEqual({ cap: 65.5 });
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
