/** The search for the knee, and comparisons. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { randomNormal, seededRandom } from '../../../core/random.ts';
import { blocksOf, compareSeries } from '../../../sim/load/compare.ts';
import { bracketOf, kneeOf, nextProbe, type Probe } from '../../../sim/load/knee.ts';

function search(kept: (headsets: number) => boolean, from: number, most = 100_000): Probe[] {
  const probes: Probe[] = [];
  for (let next = nextProbe(probes, { from, most, tolerance: 0.05 }); next !== undefined; next = nextProbe(probes, { from, most, tolerance: 0.05 })) {
    probes.push({ headsets: next, kept: kept(next) });
    if (probes.length > 60) throw new Error('a search without end');
  }
  return probes;
}

describe('the search for the knee', () => {
  it('brackets any knee to the tolerance, from wherever it begins, in few probes', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 50_000 }), fc.integer({ min: 1, max: 5000 }), (knee, from) => {
      const probes = search((headsets) => headsets <= knee, from);
      const { kept, broken } = bracketOf(probes);
      expect(kept).toBeLessThanOrEqual(knee);
      expect(broken).toBeGreaterThan(knee);
      expect(broken - kept === 1 || broken / kept <= 1.05).toBe(true);
      expect(probes.length).toBeLessThan(26);
    }));
  });

  it('ends where nothing is kept, and where nothing breaks', () => {
    expect(bracketOf(search(() => false, 100))).toEqual({ kept: 0, broken: 1 });
    expect(bracketOf(search(() => true, 100, 1000))).toEqual({ kept: 1000, broken: Infinity });
  });

  it('ends however chance answers', () => {
    fc.assert(fc.property(fc.integer(), (seed) => {
      const random = seededRandom(seed);
      search(() => random.next() < 0.5, 100);
    }));
  });

  it('of one search has the bracket as its interval, and of several what they differ by too', () => {
    expect(kneeOf([{ kept: 100, broken: 104 }], { most: 1e6 }).interval.map(Math.round)).toEqual([100, 104]);
    const { headsets, interval } = kneeOf([{ kept: 90, broken: 94 }, { kept: 100, broken: 104 }, { kept: 112, broken: 116 }], { most: 1e6 });
    expect(headsets).toBe(102);
    expect(interval[0]).toBeLessThan(80);
    expect(interval[1]).toBeGreaterThan(128);
  });

  it('holds the true mean about 95 times of 100', () => {
    const random = seededRandom(7);
    let held = 0;
    for (let round = 0; round < 500; round++) {
      const knees = Array.from({ length: 5 }, () => 1000 * Math.exp(0.1 * randomNormal(random)));
      const { interval } = kneeOf(knees.map((knee) => ({ kept: knee, broken: knee })), { most: 1e6 });
      if (interval[0] <= 1000 && interval[1] >= 1000) held++;
    }
    expect(held / 500).toBeGreaterThan(0.92);
    expect(held / 500).toBeLessThan(0.98);
  });
});

describe('a comparison', () => {
  const noisy = (seed: number, middle: number): number[] => {
    const random = seededRandom(seed);
    return Array.from({ length: 20 }, () => middle * (1 + 0.05 * randomNormal(random)));
  };
  const compare = (a: number, b: number, higherIsBetter = false, seed = 1) =>
    compareSeries({ measure: 'm', a, b, higherIsBetter, seriesA: noisy(seed, a), seriesB: noisy(seed + 1000, b) });

  it('calls a difference that stands out of the noise by its direction', () => {
    expect([compare(10, 12).verdict, compare(10, 8).verdict, compare(10, 12, true).verdict, compare(10, 8, true).verdict]).toEqual(['worse', 'better', 'better', 'worse']);
    expect(compare(10, 12).noise).toBeLessThan(0.06);
  });

  it('calls two runs of the same different in at most about 5 of 100 cases', () => {
    const called = Array.from({ length: 400 }, (_, seed) => compare(10, 10, false, seed).verdict).filter((verdict) => verdict !== 'no difference shown');
    expect(called.length / 400).toBeLessThan(0.08);
  });

  it('of few seconds says that they are too few', () => {
    expect(compareSeries({ measure: 'm', a: 1, b: 2, higherIsBetter: false, seriesA: [1, 1], seriesB: [2, 2] }).verdict).toBe('too little to tell');
  });

  it('gathers whole blocks of seconds only', () => {
    expect(blocksOf([[3, 1], [4, 2], [5, 3], [6, 9], [7, 9]])).toEqual([2]);
  });
});
