/** The figures of drift against values that are published or computed by hand. */
import { describe, expect, it } from 'vitest';
import { randomNormal, seededRandom } from '../../core/random.ts';
import { binOf, COLUMN_BINS, countBins, quantileBins, sharesOf } from '../../features/bins.ts';
import { chiSquareQuantile, distanceByChance, halveBins, independentSamples, indexByChance, kolmogorovSmirnov, kolmogorovTail, normalQuantile, populationStabilityIndex } from '../../features/drift.ts';

const normals = (seed: number, count: number, mean = 0): number[] => {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => mean + randomNormal(random));
};

describe('the population stability index', () => {
  it('is what a pocket calculator says', () => {
    // (0.6 - 0.5) ln(0.6 / 0.5) + (0.4 - 0.5) ln(0.4 / 0.5) = 0.1 * 0.1823216 + 0.1 * 0.2231436.
    expect(populationStabilityIndex([0.5, 0.5], [0.6, 0.4])).toBeCloseTo(0.04054651, 8);
    // 0.1 ln 2 + (-0.1) ln(0.3 / 0.4) + 0 + 0 = 0.0693147 + 0.0287682.
    expect(populationStabilityIndex([0.1, 0.4, 0.3, 0.2], [0.2, 0.3, 0.3, 0.2])).toBeCloseTo(0.0980829, 7);
    expect(populationStabilityIndex([0.25, 0.75], [0.25, 0.75])).toBe(0);
    // An empty bin counts as 0.0001: (0.5 - 0.0001) ln(0.5 / 0.0001), and (0.5 - 1) ln(0.5 / 1).
    expect(populationStabilityIndex([0, 1], [0.5, 0.5])).toBeCloseTo(0.4999 * Math.log(5000) + 0.5 * Math.LN2, 8);
  });

  it('of two samples of one distribution passes its bound by chance as often as the bound says', () => {
    const edges = [-1.28, -0.84, -0.52, -0.25, 0, 0.25, 0.52, 0.84, 1.28];
    const of = (seed: number, count: number): number[] => sharesOf(countBins(edges, normals(seed, count)));
    const passed = Array.from({ length: 1000 }, (_, run) => populationStabilityIndex(of(run, 400), of(run + 5000, 600)) > indexByChance(10, 400, 600, 0.05));
    const share = passed.filter(Boolean).length / passed.length;
    expect(share).toBeGreaterThan(0.03);
    expect(share).toBeLessThan(0.07);
  });

  it('has its bound from chi-square quantiles, which are those of the tables', () => {
    // Upper tail, from the NIST/SEMATECH e-Handbook, 1.3.6.7.4.
    for (const [degrees, alpha, value] of [[9, 0.05, 16.919], [9, 0.01, 21.666], [9, 0.001, 27.877], [4, 0.05, 9.488], [20, 0.01, 37.566]] as const) {
      expect(Math.abs(chiSquareQuantile(degrees, alpha) / value - 1)).toBeLessThan(0.01);
    }
    for (const [alpha, value] of [[0.05, 1.6449], [0.01, 2.3263], [0.001, 3.0902], [1e-5, 4.2649]] as const) expect(normalQuantile(alpha)).toBeCloseTo(value, 2);
  });
});

describe('the Kolmogorov-Smirnov test', () => {
  it('finds the distance that can be seen on paper', () => {
    // Of {1, 2, 3, 4} and {3, 4, 5, 6} half lie below 3, and none.
    const edges = [1, 2, 3, 4, 5];
    expect(kolmogorovSmirnov(sharesOf(countBins(edges, [1, 2, 3, 4])), sharesOf(countBins(edges, [3, 4, 5, 6])))).toBeCloseTo(0.5, 12);
    expect(kolmogorovSmirnov([0.2, 0.8], [0.2, 0.8])).toBe(0);
  });

  it('has the critical values of the tables', () => {
    // Smirnov 1948, large samples: 1.36, 1.63 and 1.95 for 5 %, 1 % and 0.1 %; the digits behind by solving 2 exp(-2 x^2) = alpha.
    expect(kolmogorovTail(1.3581)).toBeCloseTo(0.05, 4);
    expect(kolmogorovTail(1.6276)).toBeCloseTo(0.01, 4);
    expect(kolmogorovTail(1.9495)).toBeCloseTo(0.001, 5);
    expect(kolmogorovTail(0.5)).toBeCloseTo(0.9639, 4);
    expect(kolmogorovTail(0.1)).toBe(1);
  });

  it('calls alike what is alike, and different what differs', () => {
    const bins = quantileBins(normals(1, 2000));
    const distance = (values: number[]): number => kolmogorovSmirnov(bins.shares, sharesOf(countBins(bins.edges, values)));
    expect(distanceByChance(distance(normals(2, 500)), 500, 2000)).toBeGreaterThan(0.01);
    expect(distanceByChance(distance(normals(3, 500, 0.5)), 500, 2000)).toBeLessThan(1e-6);
  });
});

describe('samples of few people', () => {
  it('are worth few samples', () => {
    expect(independentSamples(100, 100)).toBe(100);
    // 1 + (10 - 1) * 0.1 = 1.9.
    expect(independentSamples(1000, 100, 0.1)).toBeCloseTo(1000 / 1.9, 9);
    expect(independentSamples(1_000_000, 5, 0.3)).toBeLessThan(17);
    expect(independentSamples(1_000_000, 5, 0)).toBe(1_000_000);
    expect(independentSamples(0, 0)).toBe(0);
  });
});

describe('bins', () => {
  it('take an edge into the bin below it', () => {
    expect([-1, 0, 0.5, 1, 2].map((value) => binOf([0, 1], value))).toEqual([0, 0, 1, 1, 2]);
    expect(binOf([], 3)).toBe(0);
  });

  it('of quantiles hold about the same share each', () => {
    const { edges, shares } = quantileBins(normals(4, 4000));
    expect(edges).toHaveLength(COLUMN_BINS - 1);
    expect(Math.min(...shares)).toBeGreaterThan(0.04);
    expect(Math.max(...shares)).toBeLessThan(0.06);
    expect(halveBins(shares)).toHaveLength(10);
    expect(halveBins(shares).reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 12);
  });

  it('of a number that is always the same have it to itself, so that any other is seen', () => {
    for (const value of [7, 0, 0.123456, -71.2345, 7.12001, 1e-4]) {
      const { edges, shares } = quantileBins([value, value, value]);
      expect(shares, String(value)).toEqual([0, 1, 0]);
      for (const other of [value - 0.02 * Math.abs(value) - 0.001, value + 0.02 * Math.abs(value) + 0.001]) expect(populationStabilityIndex(halveBins(shares), sharesOf(countBins(edges, [other])))).toBeGreaterThan(9);
    }
    expect(quantileBins([0, 0, 1, 1]).shares).toEqual([0, 0.5, 0, 0.5, 0]);
    // Half of them one value, the rest spread.
    const mixed = quantileBins([...new Array<number>(2000).fill(0), ...normals(5, 2000)]);
    expect(Math.max(...mixed.shares)).toBeCloseTo(0.5, 1);
    expect(mixed.edges.length).toBeLessThan(2 * COLUMN_BINS);
    expect(halveBins([0.2, 0.3, 0.5])).toEqual([0.2, 0.3, 0.5]);
  });
});
