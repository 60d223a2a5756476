import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { batchCap } from '../../../server/scheduler/batch-cap.ts';
import { evenLimit } from '../../../core/serving-limits.ts';
import { latencyTable } from '../../support/simulated-device.ts';

describe('batchCap', () => {
  it('is the b* of the theory for a line', () => {
    const table = latencyTable(64, (size) => 2 + 0.25 * size);
    expect([1, 2, 4].map((deviceCount) => batchCap(table, 20, deviceCount))).toEqual([32, 45, 56]);
  });

  it('is 0 when one request alone is late', () => {
    expect(batchCap(latencyTable(8, () => 21), 20, 1)).toBe(0);
  });

  it('keeps below a step in the costs that no longer pays', () => {
    const table = latencyTable(16, (size) => (size <= 8 ? 4 : 9));
    expect(batchCap(table, 18, 4)).toBe(8);
  });

  it('agrees with the limit that load runs are measured against', () => {
    const measured = fc.array(fc.double({ min: 0.01, max: 2, noNaN: true }), { minLength: 1, maxLength: 40 });
    const budget = fc.double({ min: 1, max: 50, noNaN: true });
    fc.assert(
      fc.property(measured, budget, fc.integer({ min: 1, max: 16 }), (steps, budgetMs, deviceCount) => {
        const latencyMs = (size: number): number => steps.slice(0, size).reduce((sum, step) => sum + step, 1);
        const limit = evenLimit({ latencyMs, maxBatchSize: steps.length, deviceCount, budgetMs });
        expect(batchCap(latencyTable(steps.length, latencyMs), budgetMs, deviceCount)).toBe(limit.batchSize);
      }),
    );
  });
});
