import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evenLimit, executionLimit } from '../../core/serving-limits.ts';
import { clairvoyantServed } from '../../sim/limits.ts';

const line = (size: number): number => 2 + 0.25 * size;

describe('the limits of a line', () => {
  it.each([1, 2, 4, 8])('T_exec and T_even of %i devices are those of the formulas', (deviceCount) => {
    const problem = { latencyMs: line, maxBatchSize: 1000, deviceCount, budgetMs: 20 };
    // The formulas take b for a real number, and the even one (b-1)/b for 1, so that both differ by about one request.
    const exec = (1000 * (deviceCount / 0.25) * (1 - 2 / 20)) / executionLimit(problem).goodputHz;
    const even = (1000 * (deviceCount / 0.25) * (1 - ((1 + 1 / deviceCount) * 2) / 20)) / evenLimit(problem).goodputHz;
    expect(exec).toBeCloseTo(1, 2);
    expect(even).toBeCloseTo(1, 2);
    expect(Math.abs(evenLimit(problem).batchSize - (20 / (1 + 1 / deviceCount) - 2) / 0.25)).toBeLessThanOrEqual(1);
  });

  it('both are 0 when one request alone is late', () => {
    const problem = { latencyMs: () => 21, maxBatchSize: 8, deviceCount: 2, budgetMs: 20 };
    expect([executionLimit(problem), evenLimit(problem)]).toEqual(Array(2).fill({ goodputHz: 0, batchSize: 0 }));
  });

  it('a step in the costs is not taken when it does not pay', () => {
    const latencyMs = (size: number): number => (size <= 8 ? 4 : 9);
    expect(executionLimit({ latencyMs, maxBatchSize: 16, deviceCount: 1, budgetMs: 20 })).toEqual({ goodputHz: 2000, batchSize: 8 });
  });
});

describe('the clairvoyant optimum', () => {
  it('is what trying every choice of batches finds', () => {
    const gaps = fc.array(fc.double({ min: 0, max: 4, noNaN: true }), { minLength: 1, maxLength: 6 });
    const budget = fc.double({ min: 2, max: 12, noNaN: true });
    const slope = fc.double({ min: 0, max: 2, noNaN: true });
    fc.assert(
      fc.property(gaps, budget, slope, fc.integer({ min: 1, max: 4 }), (given, budgetMs, perRequestMs, maxBatchSize) => {
        let atMs = 0;
        const arrivalsMs = given.map((gapMs) => (atMs += gapMs));
        const latencyMs = (size: number): number => 2 + perRequestMs * size;
        const served = clairvoyantServed({ arrivalsMs, latencyMs, maxBatchSize, budgetMs, maxLostShare: 1 });
        expect(served).toBe(bruteForce(arrivalsMs, latencyMs, maxBatchSize, budgetMs));
      }),
      { numRuns: 300 },
    );
  });

  it('is undefined when more must be given up than was allowed', () => {
    const arrivalsMs = [0, 0, 0, 0];
    const problem = { arrivalsMs, latencyMs: () => 10, maxBatchSize: 1, budgetMs: 10 };
    expect(clairvoyantServed({ ...problem, maxLostShare: 0.5 })).toBeUndefined();
    expect(clairvoyantServed({ ...problem, maxLostShare: 0.75 })).toBe(1);
  });

  it('serves everything when there is nothing to serve', () => {
    expect(clairvoyantServed({ arrivalsMs: [], latencyMs: line, maxBatchSize: 4, budgetMs: 20, maxLostShare: 0 })).toBe(0);
  });
});

/** Tries every subset of what is left as the next batch, started as early as possible. */
function bruteForce(arrivalsMs: readonly number[], latencyMs: (size: number) => number, maxBatchSize: number, budgetMs: number): number {
  let most = 0;
  const serve = (left: number, freeMs: number, served: number): void => {
    most = Math.max(most, served);
    for (let subset = left; subset > 0; subset = (subset - 1) & left) {
      const batch = arrivalsMs.filter((_, at) => (subset >> at) & 1);
      if (batch.length > maxBatchSize) continue;
      const finishMs = Math.max(freeMs, ...batch) + latencyMs(batch.length);
      if (batch.every((arrivedMs) => finishMs <= arrivedMs + budgetMs)) serve(left & ~subset, finishMs, served + batch.length);
    }
  };
  serve((1 << arrivalsMs.length) - 1, 0, 0);
  return most;
}
