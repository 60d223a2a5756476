import { describe, expect, it } from 'vitest';
import { LatencyDrift } from '../../../server/model/latency-drift.ts';

/** Batches every 100 ms from `fromMs` to `untilMs`; gives the times at which the factor changed. */
function observe(drift: LatencyDrift, fromMs: number, untilMs: number, ratio: (index: number) => number): number[] {
  const changes: number[] = [];
  for (let nowMs = fromMs, index = 0; nowMs < untilMs; nowMs += 100, index++) if (drift.observe(nowMs, ratio(index))) changes.push(nowMs);
  return changes;
}

describe('LatencyDrift', () => {
  it('learns within 5 s that batches take twice as long, and within 5 s that they do no more', () => {
    const drift = new LatencyDrift(0);
    expect(observe(drift, 0, 10_000, () => 0.9)).toEqual([]);
    const [slowerMs] = observe(drift, 10_000, 20_000, () => 2);
    expect(slowerMs).toBeLessThanOrEqual(15_000);
    expect(drift.factor).toBe(2);
    const [fasterMs] = observe(drift, 20_000, 30_000, () => 0.9);
    expect(fasterMs).toBeLessThanOrEqual(25_000);
    expect(drift.factor).toBe(0.9);
  });

  it('is not moved by one outlier in a span', () => {
    expect(observe(new LatencyDrift(0), 0, 30_000, (index) => (index % 25 === 0 ? 50 : 0.9))).toEqual([]);
  });

  it('is not moved by one outlier among the few batches of a slow stream', () => {
    const drift = new LatencyDrift(0);
    for (let index = 0; index < 8; index++) expect(drift.observe(2000 + index, index === 3 ? 20 : 0.9)).toBe(false);
    expect(drift.factor).toBe(1);
  });

  it('waits for enough batches before it judges', () => {
    const drift = new LatencyDrift(0);
    for (let index = 0; index < 7; index++) expect(drift.observe(10_000 + index, 3)).toBe(false);
    expect(drift.observe(10_008, 3)).toBe(true);
  });
});
