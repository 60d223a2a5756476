import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planBatch, TIMER_MARGIN_MS, type DevicesView, type QueueView } from '../../../server/scheduler/plan-batch.ts';
import { latencyTable } from '../../support/simulated-device.ts';

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
  isFastest: true,
  ...given,
});

describe('planBatch', () => {
  it('waits for the first deadline while every device is busy', () => {
    expect(planBatch(queue(3, 20), 5, devices(1, 0), table)).toEqual({ kind: 'wait', untilMs: 20 });
  });

  it('waits for ever when nothing waits', () => {
    expect(planBatch(queue(0, Infinity), 5, devices(1, 1), table)).toEqual({ kind: 'wait', untilMs: Infinity });
  });

  it('expires what is due, also while every device is busy', () => {
    expect(planBatch(queue(3, 5), 5, devices(1, 0), table)).toEqual({ kind: 'expire' });
  });

  it('expires the head that a full batch would make late, instead of sending less', () => {
    expect(planBatch(queue(40, 9), 0, devices(1, 1), table)).toEqual({ kind: 'expire' });
    expect(planBatch(queue(40, 10), 0, devices(1, 1), table)).toEqual({ kind: 'dispatch', size: 32, release: 'full' });
  });

  it('holds the last quarter of the devices, rounded up, and no more', () => {
    const few = queue(3, 20);
    for (const [count, held] of [[2, 1], [4, 1], [5, 2], [8, 2], [16, 4]] as const) {
      expect(planBatch(few, 0, devices(count, held), table).kind).toBe('hold');
      expect(planBatch(few, 0, devices(count, held + 1), table)).toMatchObject({ release: 'idle-device' });
    }
  });

  it('never holds the only device', () => {
    expect(planBatch(queue(1, 1000), 0, devices(1, 1), table)).toMatchObject({ kind: 'dispatch', size: 1 });
  });

  it('whatever the state, it decides, and a batch that it sends is in time, within its cap, and full or all there is', () => {
    const state = fc.record({
      length: fc.integer({ min: 1, max: 200 }),
      slackMs: fc.double({ min: -5, max: 60, noNaN: true }),
      waitedMs: fc.double({ min: 0, max: 60, noNaN: true }),
      count: fc.integer({ min: 1, max: 20 }),
      cap: fc.integer({ min: 1, max: 64 }),
      idleShare: fc.double({ min: 0, max: 1, noNaN: true }),
      isHeld: fc.boolean(),
      isFastest: fc.boolean(),
    });
    fc.assert(
      fc.property(state, ({ length, slackMs, waitedMs, count, cap, idleShare, isHeld, isFastest }) => {
        const nowMs = 1000;
        const idleCount = Math.round(idleShare * count);
        const view = queue(length, nowMs + slackMs, { waitingSinceMs: nowMs - waitedMs, isHeld });
        const plan = planBatch(view, nowMs, devices(count, idleCount, { cap, isFastest }), table);
        if (plan.kind === 'wait' || plan.kind === 'hold') {
          expect(plan.untilMs).toBeGreaterThan(nowMs);
          expect(plan.untilMs).toBeLessThanOrEqual(view.earliestDeadlineMs);
        }
        if (plan.kind === 'hold') {
          expect(idleCount).toBeGreaterThan(0);
          const oneMore = table.latencyMs(Math.min(length, cap) + 1);
          expect(plan.untilMs + oneMore + TIMER_MARGIN_MS).toBeLessThanOrEqual(view.earliestDeadlineMs + 1e-9);
        }
        if (plan.kind === 'dispatch') {
          expect(idleCount).toBeGreaterThan(0);
          expect(plan.size).toBe(Math.min(length, cap));
          expect(nowMs + table.latencyMs(plan.size)).toBeLessThanOrEqual(view.earliestDeadlineMs);
          expect(plan.release === 'full').toBe(plan.size === cap);
        }
        if (plan.kind === 'expire') expect(slackMs).toBeLessThanOrEqual(table.latencyMs(Math.min(length, cap)));
      }),
    );
  });
});
