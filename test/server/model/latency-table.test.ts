import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextSweepSize, scaleTable, summarise, toLatencyTable } from '../../../server/model/latency-table.ts';
import type { LatencyPoint } from '../../../server/model/latency-table.ts';

const limits = { deadlineMs: 100, maxBatchSize: 64 };

function point(size: number, medianMs: number, p99Ms = medianMs): LatencyPoint {
  return { size, medianMs, p99Ms };
}

/** What a sweep over a model with these medians measures. */
function sweep(medianMs: (size: number) => number): LatencyPoint[] {
  const points: LatencyPoint[] = [];
  for (let size = nextSweepSize(points, limits); size !== undefined; size = nextSweepSize(points, limits)) points.push(point(size, medianMs(size)));
  return points;
}

describe('nextSweepSize', () => {
  it('doubles up to the cap while larger batches pay', () => {
    expect(sweep((size) => 1 + 0.01 * size).map(({ size }) => size)).toEqual([1, 2, 4, 8, 16, 32, 64]);
  });

  it('ends with the first batch that misses the deadline', () => {
    expect(sweep((size) => 20 + 12 * size).map(({ size }) => size)).toEqual([1, 2, 4, 8]);
  });

  it('ends with the second batch in a row that is slower per request, since one may have met a busy moment', () => {
    expect(sweep((size) => [9, 17, 50, 99][Math.log2(size)] ?? 1000).map(({ size }) => size)).toEqual([1, 2, 4, 8]);
    expect(sweep((size) => [1, 1, 1, 9, 1][Math.log2(size)] ?? 90).map(({ size }) => size)).toEqual([1, 2, 4, 8, 16, 32, 64]);
  });
});

describe('toLatencyTable', () => {
  it('ends at the smallest batch that serves about as much as any, among those in time', () => {
    expect(toLatencyTable([point(1, 10), point(2, 19.8), point(4, 39.6)], limits).maxBatchSize).toBe(1);
    expect(toLatencyTable([point(1, 9), point(2, 17), point(4, 50)], limits).maxBatchSize).toBe(2);
    expect(toLatencyTable([point(1, 32), point(2, 44), point(4, 68), point(8, 116)], limits).maxBatchSize).toBe(4);
  });

  it('keeps batches of one, also of a model that cannot meet the deadline', () => {
    const table = toLatencyTable([point(1, 300)], limits);
    expect([table.maxBatchSize, table.latencyMs(1)]).toEqual([1, 300]);
  });

  it('interpolates between measured sizes', () => {
    const table = toLatencyTable([point(1, 10), point(2, 12), point(4, 20)], limits);
    expect([1, 2, 3, 4].map((size) => table.latencyMs(size))).toEqual([10, 12, 16, 20]);
  });

  it('lowers a figure that a larger batch contradicts', () => {
    const table = toLatencyTable([point(1, 10, 90), point(2, 12, 14), point(4, 20, 22)], limits);
    expect([1, 2, 3, 4].map((size) => table.latencyMs(size))).toEqual([14, 14, 18, 22]);
  });

  it('never falls as batches grow, and says so when asked beyond its end', () => {
    const times = fc.array(fc.record({ medianMs: fc.double({ min: 0.01, max: 200, noNaN: true }), extraMs: fc.double({ min: 0, max: 200, noNaN: true }) }), { minLength: 1, maxLength: 7 });
    fc.assert(
      fc.property(times, (measured) => {
        const table = toLatencyTable(measured.map(({ medianMs, extraMs }, index) => point(2 ** index, medianMs, medianMs + extraMs)), limits);
        for (let size = 2; size <= table.maxBatchSize; size++) expect(table.latencyMs(size)).toBeGreaterThanOrEqual(table.latencyMs(size - 1) - 1e-9);
        expect(() => table.latencyMs(table.maxBatchSize + 1)).toThrow(RangeError);
      }),
    );
  });
});

describe('scaleTable', () => {
  it('multiplies every latency', () => {
    const table = scaleTable(toLatencyTable([point(1, 10), point(2, 12)], limits), 2);
    expect([table.maxBatchSize, table.latencyMs(1), table.latencyMs(2)]).toEqual([2, 20, 24]);
  });
});

describe('summarise', () => {
  it('takes the median and the nearest-rank p99', () => {
    const timesMs = Array.from({ length: 200 }, (_, index) => 200 - index);
    expect(summarise(4, timesMs)).toEqual({ size: 4, medianMs: 100, p99Ms: 198 });
  });
});
