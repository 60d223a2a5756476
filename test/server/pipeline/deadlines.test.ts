import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stageBudgetMs, stageDeadlineMs } from '../../../server/pipeline/deadlines.ts';

const costs = fc.array(fc.double({ min: 0, max: 500, noNaN: true }), { minLength: 1, maxLength: 6 });

describe('the time of a request with several stages', () => {
  it('is shared out in proportion to what the stages cost', () => {
    const times = { arrivedMs: 1000, deadlineMs: 1200 };
    expect([0, 1, 2].map((stage) => stageDeadlineMs(times, [20, 10, 10], stage))).toEqual([1100, 1150, 1200]);
  });

  it('is shared out evenly while nothing costs anything', () => {
    expect(stageDeadlineMs({ arrivedMs: 0, deadlineMs: 90 }, [0, 0, 0], 1)).toBeCloseTo(60);
  });

  it('never runs backwards, ends with the last stage, and lies between arrival and deadline', () => {
    fc.assert(
      fc.property(costs, fc.double({ min: 0, max: 1e6, noNaN: true }), fc.double({ min: 0, max: 1000, noNaN: true }), (costsMs, arrivedMs, lengthMs) => {
        const times = { arrivedMs, deadlineMs: arrivedMs + lengthMs };
        const deadlines = costsMs.map((_, stage) => stageDeadlineMs(times, costsMs, stage));
        deadlines.reduce((before, deadline) => {
          expect(deadline).toBeGreaterThanOrEqual(before);
          return deadline;
        }, arrivedMs);
        expect(Math.max(...deadlines)).toBeLessThanOrEqual(times.deadlineMs + 1e-6);
        expect(deadlines.at(-1)).toBe(times.deadlineMs);
      }),
    );
  });

  it('gives a model the least that any of its uses leaves it, and a stranger no bound', () => {
    const uses = [
      { deadlineMs: 200, stages: [{ model: 'palm', costMs: 30 }, { model: 'hand', costMs: 10 }] },
      { deadlineMs: 90, stages: [{ model: 'hand', costMs: 10 }, { model: 'gesture', costMs: 5 }] },
    ];
    expect(stageBudgetMs(uses, 'palm')).toBe(150);
    expect(stageBudgetMs(uses, 'hand')).toBe(50);
    expect(stageBudgetMs(uses, 'other')).toBe(Infinity);
  });
});
