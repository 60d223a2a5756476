/** Estimates of a stream's period, phase and jitter. */
import { describe, expect, it } from 'vitest';
import { randomNormal, seededRandom } from '../../../../core/random.ts';
import { phaseDifference } from '../../../../server/scheduler/phase/plan-phases.ts';
import { StreamTimes } from '../../../../server/scheduler/phase/stream-estimate.ts';

function arrive(times: StreamTimes, options: { periodMs: number; startMs?: number; frames?: number; jitterMs?: number; skip?: (frame: number) => boolean }): void {
  const { periodMs, startMs = 1000, frames = 40, jitterMs = 0, skip = () => false } = options;
  const random = seededRandom(3);
  for (let frame = 0; frame < frames; frame++) {
    if (skip(frame)) continue;
    const captureMs = startMs + frame * periodMs;
    times.add(captureMs, captureMs + 12 + jitterMs * randomNormal(random));
  }
}

describe('an estimate', () => {
  it('is exact for a stream without jitter, also when frames are missing', () => {
    const times = new StreamTimes();
    arrive(times, { periodMs: 1000 / 30, skip: (frame) => frame % 5 === 3 });
    const estimate = times.estimate();
    expect(estimate?.periodMs).toBeCloseTo(1000 / 30, 6);
    expect(estimate?.jitterMs).toBeCloseTo(0, 6);
    expect(estimate?.delayMs).toBeCloseTo(12, 6);
    expect(phaseDifference(estimate?.arrivalMs ?? NaN, 1012, 1000 / 30)).toBeCloseTo(0, 6);
  });

  it.each([0.5, 1, 2])('finds a jitter of %d ms to within a third', (jitterMs) => {
    const times = new StreamTimes();
    arrive(times, { periodMs: 1000 / 30, jitterMs });
    expect(times.estimate()?.jitterMs).toBeGreaterThan(jitterMs * 0.66);
    expect(times.estimate()?.jitterMs).toBeLessThan(jitterMs * 1.34);
  });

  it('is not moved far by single frames that came very late', () => {
    const times = new StreamTimes();
    for (let frame = 0; frame < 32; frame++) times.add(frame * 33, frame * 33 + (frame === 20 ? 25 : 5));
    expect(times.estimate(33)?.jitterMs).toBeLessThan(0.5);
    expect(phaseDifference(times.estimate(33)?.arrivalMs ?? NaN, 5, 33)).toBeCloseTo(0, 3);
  });

  it('waits for enough frames, begins anew after a gap, and counts two requests of one frame once', () => {
    const times = new StreamTimes();
    arrive(times, { periodMs: 33, frames: 11 });
    arrive(times, { periodMs: 33, frames: 11 });
    expect(times.estimate()).toBeUndefined();
    arrive(times, { periodMs: 33, frames: 40, startMs: 2000 });
    expect(times.estimate()).toBeDefined();
    times.add(9000, 9012);
    expect(times.estimate()).toBeUndefined();
  });

  it('measures against a given period', () => {
    const times = new StreamTimes();
    arrive(times, { periodMs: 34 });
    expect(times.estimate(33)?.jitterMs).toBeGreaterThan(5);
    expect(times.estimate(34)?.jitterMs).toBeCloseTo(0, 6);
  });
});
