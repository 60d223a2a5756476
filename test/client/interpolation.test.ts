import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_EXTRAPOLATION_MS, SampleBuffer } from '../../client/interpolation.ts';
import { MAX_SPEED_M_PER_S } from '../../client/prediction/part-motion.ts';
import { blendPoses } from '../../client/blend.ts';
import { createPoseSample, type PoseSample } from '../../protocol/codec/pose-sample.ts';
import { decimal } from './support/decimals.ts';

const coordinate = decimal({ min: -5, max: 5 });
const component = decimal({ min: -1, max: 1 });
const orientation = fc.tuple(component, component, component, component).filter((q) => Math.hypot(...q) > 0.1).map((q) => q.map((value) => value / Math.hypot(...q)));
const pose = fc.tuple(fc.tuple(coordinate, coordinate, coordinate), orientation).map(([position, quaternion]) => new Float32Array([...position, ...quaternion]));
const fraction = decimal({ min: 0, max: 1 });

function sampleOf(captureMs: number, head: ArrayLike<number>, changes: Partial<PoseSample> = {}): PoseSample {
  const sample = createPoseSample();
  Object.assign(sample, { captureMs, valid: 1, tracked: 1, ...changes });
  sample.rigid.set(head);
  return sample;
}

function at(x: number): number[] {
  return [x, 0, 0, 0, 0, 0, 1];
}

function angleBetween(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const dot = Math.abs(a[3]! * b[3]! + a[4]! * b[4]! + a[5]! * b[5]! + a[6]! * b[6]!);
  return 2 * Math.acos(Math.min(1, dot));
}

describe('blending', () => {
  it('gives unit quaternions and positions on the line between both', () => {
    fc.assert(fc.property(pose, pose, fraction, (from, to, part) => {
      const into = new Float32Array(7);
      blendPoses({ from, to, fraction: part }, into, 0, 7);
      expect(Math.hypot(into[3]!, into[4]!, into[5]!, into[6]!)).toBeCloseTo(1, 5);
      for (let axis = 0; axis < 3; axis++) expect(into[axis]).toBeCloseTo(from[axis]! + part * (to[axis]! - from[axis]!), 4);
    }));
  });

  it('turns the shortest way at constant speed', () => {
    fc.assert(fc.property(pose, pose, fraction, (from, to, part) => {
      const into = new Float32Array(7);
      blendPoses({ from, to, fraction: part }, into, 0, 7);
      const whole = angleBetween(from, to);
      expect(whole).toBeLessThanOrEqual(Math.PI + 1e-3);
      expect(Math.abs(angleBetween(from, into) - part * whole)).toBeLessThan(0.01);
    }));
  });
});

describe('a sample buffer', () => {
  it('knows nothing before the first sample', () => {
    expect(new SampleBuffer().sampleAt(0, createPoseSample())).toBe('none');
  });

  it('gives a sample back exactly at its own time', () => {
    fc.assert(fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 900 }), { minLength: 1, maxLength: 24 }), (times) => {
      const buffer = new SampleBuffer();
      times.sort((a, b) => a - b).forEach((timeMs, index) => expect(buffer.add(sampleOf(timeMs, at(index)))).toBe(true));
      const into = createPoseSample();
      times.forEach((timeMs, index) => {
        buffer.sampleAt(timeMs, into);
        expect(into.rigid[0]).toBeCloseTo(index, 4);
      });
    }));
  });

  it('never leaves the range of its samples between them, and is finite at any time, whatever came', () => {
    const arrivals = fc.array(fc.tuple(fc.integer({ min: 0, max: 3000 }), pose), { minLength: 1, maxLength: 60 });
    fc.assert(fc.property(arrivals, fc.integer({ min: -500, max: 4000 }), (samples, askMs) => {
      const buffer = new SampleBuffer();
      for (const [captureMs, head] of samples) buffer.add(sampleOf(captureMs, head));
      const into = createPoseSample();
      const source = buffer.sampleAt(askMs, into);
      expect(buffer.length).toBeLessThanOrEqual(32);
      expect(into.rigid.every(Number.isFinite)).toBe(true);
      if (source === 'interpolated') for (let axis = 0; axis < 3; axis++) {
        const values = samples.map(([, head]) => head[axis]!);
        expect(into.rigid[axis]).toBeGreaterThanOrEqual(Math.min(...values) - 1e-4);
        expect(into.rigid[axis]).toBeLessThanOrEqual(Math.max(...values) + 1e-4);
      }
    }));
  });

  it('moves without a jump through samples and past the last one', () => {
    const buffer = new SampleBuffer();
    for (let index = 0; index < 10; index++) buffer.add(sampleOf(index * 28, at(Math.sin(index / 3))));
    const into = createPoseSample();
    let before = Number.NaN;
    for (let timeMs = 0; timeMs < 500; timeMs++) {
      buffer.sampleAt(timeMs, into);
      if (timeMs > 0) expect(Math.abs(into.rigid[0]! - before)).toBeLessThan(0.013);
      before = into.rigid[0]!;
    }
  });

  it('goes on with the motion for 100 ms, then stands still and says so', () => {
    const buffer = new SampleBuffer();
    for (let timeMs = 0; timeMs <= 200; timeMs += 20) buffer.add(sampleOf(timeMs, at(timeMs / 1000)));
    const into = createPoseSample();
    expect(buffer.sampleAt(250, into)).toBe('extrapolated');
    expect(into.rigid[0]).toBeCloseTo(0.25, 2);
    expect(buffer.sampleAt(200 + MAX_EXTRAPOLATION_MS, into)).toBe('extrapolated');
    const last = into.rigid.slice();
    expect(last[0]).toBeCloseTo(0.3, 1);
    for (const serverMs of [200 + MAX_EXTRAPOLATION_MS + 1, 5000]) {
      expect(buffer.sampleAt(serverMs, into)).toBe('held');
      expect(into.rigid).toEqual(last);
    }
  });

  it('never carries anybody further than the fastest that counts as a motion goes in 100 ms, whatever came', () => {
    const walk = fc.array(fc.tuple(fc.integer({ min: 1, max: 260 }), pose), { minLength: 1, maxLength: 40 });
    fc.assert(fc.property(walk, fc.integer({ min: 1, max: 3000 }), (steps, aheadMs) => {
      const buffer = new SampleBuffer();
      let timeMs = 0;
      for (const [stepMs, head] of steps) buffer.add(sampleOf((timeMs += stepMs), head));
      const [newest, into] = [createPoseSample(), createPoseSample()];
      buffer.sampleAt(timeMs, newest);
      buffer.sampleAt(timeMs + aheadMs, into);
      const way = Math.hypot(...[0, 1, 2].map((axis) => into.rigid[axis]! - newest.rigid[axis]!));
      expect(way).toBeLessThanOrEqual((MAX_SPEED_M_PER_S * MAX_EXTRAPOLATION_MS) / 1000);
    }));
  });

  it('says of somebody that they are held who stands between two samples that are too far apart', () => {
    const buffer = new SampleBuffer();
    buffer.add(sampleOf(0, at(0)));
    buffer.add(sampleOf(1000, at(1)));
    const into = createPoseSample();
    expect([buffer.sampleAt(500, into), into.rigid[0]]).toEqual(['held', 0]);
    expect(buffer.sampleAt(900, into)).toBe('interpolated');
  });

  it('does not continue a jump', () => {
    const buffer = new SampleBuffer();
    buffer.add(sampleOf(0, at(0)));
    buffer.add(sampleOf(20, at(3)));
    const into = createPoseSample();
    expect(buffer.sampleAt(60, into)).toBe('extrapolated');
    expect(into.rigid[0]).toBe(3);
  });

  it('[POS4] does not blend across a reset of the reference space', () => {
    const buffer = new SampleBuffer();
    buffer.add(sampleOf(0, at(0)));
    buffer.add(sampleOf(20, at(1), { spaceEpoch: 1 }));
    const into = createPoseSample();
    expect(buffer.sampleAt(10, into)).toBe('held');
    expect(into.rigid[0]).toBe(0);
    buffer.sampleAt(20, into);
    expect(into.rigid[0]).toBe(1);
  });

  it('takes no sample that is older than its newest, unless time itself went back', () => {
    const buffer = new SampleBuffer();
    expect(buffer.add(sampleOf(10_000, at(1)))).toBe(true);
    expect(buffer.add(sampleOf(9_990, at(2)))).toBe(false);
    expect(buffer.add(sampleOf(10_000, at(2)))).toBe(false);
    expect(buffer.add(sampleOf(100, at(3)))).toBe(true);
    expect(buffer.length).toBe(1);
  });

  it('shows a part that only one of two samples has as the earlier one says', () => {
    const buffer = new SampleBuffer();
    buffer.add(sampleOf(0, at(0), { valid: 3, tracked: 3 }));
    buffer.add(sampleOf(20, at(0), { valid: 1, tracked: 1 }));
    const into = createPoseSample();
    buffer.sampleAt(10, into);
    expect(into.valid).toBe(3);
    buffer.sampleAt(30, into);
    expect(into.valid).toBe(1);
  });
});
