/** What a model of movement sees, and what it makes of it: known answers. */
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../core/random.ts';
import { writeTurned } from '../../core/rotation.ts';
import { MOTION_AXES, MOTION_FEATURE_COUNT, MotionWindow } from '../../features/motion-window.ts';
import { randomAxes } from '../../training/prediction/windows.ts';

const VELOCITY = [0.3, -0.2, 0.5];
const TURN = Float64Array.of(0.4, 1.1, -0.6);
const HORIZONS_MS = [50, 100, 150];

/** Moving and turning evenly. */
function steadyPose(timeMs: number): Float32Array {
  const pose = Float32Array.of(1, 1.6, 2, 0, 0, 0, 1);
  for (let axis = 0; axis < 3; axis++) pose[axis]! += (VELOCITY[axis]! * timeMs) / 1000;
  writeTurned(Float32Array.of(0, 0, 0, 1), 0, TURN, timeMs / 1000, pose, 3);
  return pose;
}

function windowOf(timesMs: readonly number[], poseAt = steadyPose, steps = 6): MotionWindow {
  const window = new MotionWindow(steps);
  for (const timeMs of timesMs) window.observe(timeMs, poseAt(timeMs), 0);
  return window;
}

const UNEVEN_MS = [0, 11, 25, 60, 71, 140, 152];
const features = (window: MotionWindow, axes?: Float64Array): Float32Array => {
  const target = new Float32Array(MOTION_AXES * window.steps * MOTION_FEATURE_COUNT);
  window.writeFeatures('hand', target, 0, axes);
  return target;
};
const residual = (window: MotionWindow, later: Float32Array, aheadMs: number): Float32Array => {
  const target = new Float32Array(MOTION_AXES);
  window.writeResidual(later, aheadMs, target, { at: 0, stride: 1 });
  return target;
};

describe('a window of poses', () => {
  it('leaves nothing to learn of a movement that goes on as it was, at any rate', () => {
    const window = windowOf(UNEVEN_MS);
    for (const aheadMs of HORIZONS_MS) for (const value of residual(window, steadyPose(152 + aheadMs), aheadMs)) expect(value).toBeCloseTo(0, 4);
    const rows = features(window);
    for (let row = 0; row < MOTION_AXES * window.steps; row++) {
      const [isThere, , mean, step] = rows.subarray(row * MOTION_FEATURE_COUNT);
      expect(isThere).toBe(1);
      expect(mean).toBeCloseTo(0, 4);
      expect(step).toBeCloseTo(0, 3);
    }
  });

  it('goes on to where a steady movement leads when nothing is added, and stands on its newest pose at 0 ms whatever is', () => {
    const window = windowOf(UNEVEN_MS);
    const into = new Float32Array(7);
    window.continue({ values: new Float32Array(18), at: 0, horizonsMs: HORIZONS_MS }, 70, into, 0);
    steadyPose(222).forEach((value, index) => expect(into[index]).toBeCloseTo(value, 4));
    window.continue({ values: new Float32Array(18).fill(3), at: 0, horizonsMs: HORIZONS_MS }, 0, into, 0);
    steadyPose(152).forEach((value, index) => expect(into[index]).toBeCloseTo(value, 5));
  });

  it('is led to what happened by the very residual of it', () => {
    const bent = (timeMs: number): Float32Array => steadyPose(timeMs + 0.002 * timeMs * timeMs);
    const window = windowOf(UNEVEN_MS, bent);
    const values = new Float32Array(MOTION_AXES * HORIZONS_MS.length);
    HORIZONS_MS.forEach((aheadMs, index) => window.writeResidual(bent(152 + aheadMs), aheadMs, values, { at: index, stride: HORIZONS_MS.length }));
    for (const aheadMs of HORIZONS_MS) {
      const into = new Float32Array(7);
      window.continue({ values, at: 0, horizonsMs: HORIZONS_MS }, aheadMs, into, 0);
      bent(152 + aheadMs).forEach((value, index) => expect(into[index]).toBeCloseTo(value, 4));
    }
  });

  it('does not care where it is, and in turned axes sees the same speeds', () => {
    const moved = windowOf(UNEVEN_MS, (timeMs) => steadyPose(timeMs).map((value, index) => (index < 3 ? value + 7 : value)));
    features(moved).forEach((value, at) => expect(value).toBeCloseTo(features(windowOf(UNEVEN_MS))[at]!, 3));
    const turned = features(windowOf(UNEVEN_MS), randomAxes(seededRandom(1)));
    const line = (rows: Float32Array): number => Math.hypot(...[0, 1, 2].map((axis) => rows[axis * 6 * MOTION_FEATURE_COUNT + 5]!));
    expect(line(turned)).toBeCloseTo(Math.hypot(...VELOCITY), 4);
    expect(turned[5]).not.toBeCloseTo(VELOCITY[0]!, 2);
  });

  it('marks poses that are not there yet, forgets all on a reset, and keeps only the newest', () => {
    const short = windowOf([0, 20, 40]);
    expect(Array.from({ length: 6 }, (_, step) => features(short)[step * MOTION_FEATURE_COUNT])).toEqual([0, 0, 0, 0, 1, 1]);
    short.reset();
    short.observe(60, steadyPose(60), 0);
    expect(short.isReady).toBe(false);
    expect(features(short).every((value) => value === 0)).toBe(true);
    const long = windowOf(Array.from({ length: 40 }, (_, index) => index * 10));
    expect(features(long)[1]).toBeCloseTo(0.6, 5);
  });
});
