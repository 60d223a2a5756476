import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { candidatesOf, CHOSEN, STANDING_STILL } from '../../../bench/prediction/candidates.ts';
import { quantile, score } from '../../../bench/prediction/score.ts';
import { receive, STEADY_LINK } from '../../../bench/prediction/stream.ts';
import { AvatarMotion } from '../../../client/prediction/avatar-motion.ts';
import { continuePose, createMotion, leadMs, type MotionEstimator } from '../../../client/prediction/motion.ts';
import { PartMotion } from '../../../client/prediction/part-motion.ts';
import { writeTurnBetween, writeTurned } from '../../../core/rotation.ts';
import { seededRandom } from '../../../core/random.ts';
import { HAND_FLOATS } from '../../../protocol/codec/hand.ts';
import { createPoseSample } from '../../../protocol/codec/pose-sample.ts';
import { importAFrame } from '../../../sim/import/aframe.ts';
import { packagedRecordings } from '../../../sim/source/package-files.ts';
import { decimal } from '../support/decimals.ts';

const component = decimal({ min: -1, max: 1 });
const quaternion = fc.tuple(component, component, component, component).filter((q) => Math.hypot(...q) > 0.1).map((q) => Float64Array.from(q, (value) => value / Math.hypot(...q)));
const coordinate = decimal({ min: -5, max: 5 });
const pose = fc.tuple(fc.tuple(coordinate, coordinate, coordinate), quaternion).map(([position, turn]) => Float32Array.of(...position, ...turn));
const estimatorOfHead = candidatesOf('head')[CHOSEN]!.estimator;
const FAMILIES = Object.entries(candidatesOf('head')).filter(([name]) => name !== STANDING_STILL);

/** Moves at 1.2, -0.5, 0.3 m/s and turns at 0.4, 1.5, -0.8 rad/s. */
function steadyPose(timeMs: number): Float32Array {
  const into = new Float32Array(7);
  into.set([1.2, -0.5, 0.3].map((speed) => (speed * timeMs) / 1000));
  writeTurned(Float32Array.of(0, 0, 0, 1), 0, Float64Array.of(0.4, 1.5, -0.8), timeMs / 1000, into, 3);
  return into;
}

describe('turns', () => {
  it('lead from one orientation to the other, the shortest way', () => {
    fc.assert(fc.property(quaternion, quaternion, (from, to) => {
      const turn = new Float64Array(3);
      writeTurnBetween(from, 0, to, 0, turn);
      expect(Math.hypot(...turn)).toBeLessThanOrEqual(Math.PI + 1e-9);
      const there = new Float64Array(4);
      writeTurned(from, 0, turn, 1, there, 0);
      expect(Math.abs(there.reduce((dot, value, index) => dot + value * to[index]!, 0))).toBeCloseTo(1, 6);
    }));
  });

  it('add up along one axis', () => {
    fc.assert(fc.property(quaternion, fc.tuple(component, component, component), decimal({ min: 0, max: 2 }), (from, axis, seconds) => {
      const [turn, whole, half] = [Float64Array.from(axis), new Float64Array(4), new Float64Array(4)];
      writeTurned(from, 0, turn, seconds, whole, 0);
      writeTurned(from, 0, turn, seconds / 2, half, 0);
      writeTurned(half, 0, turn, seconds / 2, half, 0);
      for (let index = 0; index < 4; index++) expect(half[index]).toBeCloseTo(whole[index]!, 6);
    }));
  });
});

describe.each(FAMILIES)('the estimator %s', (_name, { estimator }) => {
  it.each([[72, 1e-3], [9, 0.02]])('finds a steady motion at %d Hz, also at uneven times', (rateHz, tolerance) => {
    const random = seededRandom(5);
    const moving = estimator();
    for (let index = 0, timeMs = 0; index < 60; index++, timeMs += (1000 / rateHz) * (0.5 + random.next())) moving.observe(timeMs, steadyPose(timeMs), 0);
    [1.2, -0.5, 0.3].forEach((speed, axis) => expect(Math.abs(moving.motion.velocity[axis]! - speed)).toBeLessThan(Math.max(tolerance, 1e-3)));
    [0.4, 1.5, -0.8].forEach((speed, axis) => expect(Math.abs(moving.motion.turn[axis]! - speed)).toBeLessThan(Math.max(tolerance, 1e-3)));
  });

  it('knows no motion after one pose, nor after it has forgotten', () => {
    const moving = estimator();
    const still = createMotion();
    moving.observe(0, steadyPose(0), 0);
    expect(moving.motion).toEqual(still);
    for (let timeMs = 20; timeMs < 200; timeMs += 20) moving.observe(timeMs, steadyPose(timeMs), 0);
    expect(moving.motion).not.toEqual(still);
    moving.reset();
    moving.observe(1000, steadyPose(1000), 0);
    expect(moving.motion).toEqual(still);
  });

  it('does not care which of q and -q comes', () => {
    const [plain, flipped] = [estimator(), estimator()];
    for (let timeMs = 0; timeMs < 300; timeMs += 14) {
      const at = steadyPose(timeMs);
      plain.observe(timeMs, at, 0);
      flipped.observe(timeMs, timeMs % 28 === 0 ? at : at.map((value, index) => (index < 3 ? value : -value)), 0);
    }
    for (let axis = 0; axis < 3; axis++) expect(flipped.motion.turn[axis]).toBeCloseTo(plain.motion.turn[axis]!, 9);
  });
});

describe('a hand that is shaken and seen nine times a second', () => {
  it.each(FAMILIES)('does not have %s spin faster than it ever did', (_name, { estimator }) => {
    const moving = estimator();
    const shaken = new Float32Array(7);
    const random = seededRandom(3);
    for (let timeMs = 0; timeMs < 60_000; timeMs += random.next() < 0.5 ? 111 : 222) {
      // At most 19 radians a second.
      writeTurned(Float32Array.of(0, 0, 0, 1), 0, Float64Array.of(1.5 * Math.sin((2 * Math.PI * 2 * timeMs) / 1000), 0, 0), 1, shaken, 3);
      moving.observe(timeMs, shaken, 0);
      expect(Math.hypot(...moving.motion.turn)).toBeLessThan(40);
    }
  });
});

describe('a part\'s motion', () => {
  const follow = (estimator: () => MotionEstimator): PartMotion => new PartMotion(estimator());

  it('stays finite, and a predicted pose a pose, whatever comes', () => {
    const steps = fc.array(fc.tuple(fc.integer({ min: 1, max: 400 }), pose), { minLength: 1, maxLength: 30 });
    fc.assert(fc.property(steps, fc.constantFrom(...FAMILIES), decimal({ min: 0, max: 0.1 }), (arrivals, [, { estimator }], leadS) => {
      const moving = follow(estimator);
      const into = new Float32Array(7);
      let timeMs = 0;
      for (const [stepMs, next] of arrivals) {
        moving.observe((timeMs += stepMs), next, 0);
        continuePose(moving.motion, { moveS: leadS, turnS: leadS }, next, into, 0);
        expect(into.every(Number.isFinite)).toBe(true);
        expect(Math.hypot(...into.subarray(3))).toBeCloseTo(1, 5);
      }
    }));
  });

  it('begins anew after a gap, after a jump and after a turn that nobody makes', () => {
    const still = createMotion();
    for (const [stepMs, next] of [[300, steadyPose(500)], [14, steadyPose(214).map((value, index) => value + (index === 0 ? 0.3 : 0))], [14, Float32Array.of(...steadyPose(214).subarray(0, 3), 1, 0, 0, 0)]] as const) {
      const moving = follow(estimatorOfHead);
      for (let timeMs = 0; timeMs <= 200; timeMs += 20) moving.observe(timeMs, steadyPose(timeMs), 0);
      expect(moving.motion).not.toEqual(still);
      moving.observe(200 + stepMs, next, 0);
      expect(moving.motion).toEqual(still);
    }
  });

  it('fades: however long nothing is heard, it is carried no further than its time constant', () => {
    fc.assert(fc.property(decimal({ min: 0, max: 100_000 }), decimal({ min: 1, max: 1000 }), (aheadMs, fadeMs) => {
      expect(leadMs(aheadMs, fadeMs)).toBeLessThanOrEqual(Math.min(aheadMs, fadeMs) + 1e-9);
      expect(leadMs(aheadMs + 1, fadeMs)).toBeGreaterThanOrEqual(leadMs(aheadMs, fadeMs));
    }));
  });
});

describe('an avatar\'s motion', () => {
  it('carries the fingers with the wrist as one piece', () => {
    const motion = new AvatarMotion();
    const sample = createPoseSample();
    sample.valid = sample.tracked = 8;
    const finger = Float64Array.of(0.02, 0.01, -0.09);
    for (let timeMs = 0; timeMs <= 200; timeMs += 14) {
      sample.captureMs = timeMs;
      const wrist = steadyPose(timeMs);
      for (let joint = 0; joint < 25; joint++) sample.hands.set(wrist, joint * 7);
      for (let axis = 0; axis < 3; axis++) sample.hands[7 + axis] = wrist[axis]! + finger[axis]!;
      motion.observe(sample);
    }
    const before = sample.hands.slice();
    motion.advance(sample, 60);
    const distance = (joints: Float32Array): number => Math.hypot(...[0, 1, 2].map((axis) => joints[7 + axis]! - joints[axis]!));
    expect(Math.abs(sample.hands[0]! - before[0]!)).toBeGreaterThan(0.05);
    expect(distance(sample.hands)).toBeCloseTo(Math.hypot(...finger), 5);
    const [was, is] = [new Float64Array(3), new Float64Array(3)];
    writeTurnBetween(before, 3, before, 10, was);
    writeTurnBetween(sample.hands, 3, sample.hands, 10, is);
    expect(Math.hypot(...is)).toBeCloseTo(Math.hypot(...was), 4);
    expect(sample.hands.subarray(HAND_FLOATS).every((value) => value === 0)).toBe(true);
  });

  it('[POS4] does not go on across a reset of the reference space', () => {
    const motion = new AvatarMotion();
    const sample = createPoseSample();
    sample.valid = sample.tracked = 1;
    for (let timeMs = 0; timeMs <= 200; timeMs += 14) {
      sample.captureMs = timeMs;
      sample.spaceEpoch = timeMs < 190 ? 0 : 1;
      sample.rigid.set(steadyPose(timeMs));
      motion.observe(sample);
    }
    const before = sample.rigid.slice();
    motion.advance(sample, 50);
    for (let index = 0; index < 7; index++) expect(sample.rigid[index]).toBeCloseTo(before[index]!, 6);
  });
});

describe('on a recording that it was not tuned on', () => {
  it('what the SDK does errs less than standing still and than a straight line, 50 ms ahead', async () => {
    const path = (await packagedRecordings()).find((name) => name.endsWith('tracked-recording.json')) ?? '';
    const track = importAFrame(await readFile(path, 'utf8'), 'tracked-recording');
    const runs = [{ track, received: receive(track, { rateHz: 36, ...STEADY_LINK }, seededRandom(1)) }];
    for (const [part, parts] of [['head', [0]], ['controllers', [1, 2]]] as const) {
      const [chosen, still, line] = [CHOSEN, STANDING_STILL, 'line'].map((name) => score(runs, parts, candidatesOf(part)[name]!)[1]!);
      for (const what of ['moveMm', 'turnDegrees'] as const) {
        const p95 = quantile(chosen![what], 0.95);
        expect(p95).toBeLessThan(0.5 * quantile(still![what], 0.95));
        expect(p95).toBeLessThan(quantile(line![what], 0.95));
      }
    }
  });
});
