/** The hand features that serving and training share. */
import fc from 'fast-check';
import { Quaternion, Vector3 } from 'three';
import { describe, expect, it } from 'vitest';
import { HAND_FEATURE_COUNT, LANDMARK_COUNT, LANDMARK_JOINTS, handFeatures, landmarkFeatures } from '../../features/hand.ts';
import type { Handedness } from '../../features/hand.ts';
import { handPositions, mirrored } from '../support/hands.ts';

function featuresOf(positions: Float32Array, handedness: Handedness): Float32Array {
  const target = new Float32Array(HAND_FEATURE_COUNT);
  handFeatures({ positions, handedness, target, offset: 0 });
  return target;
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  return a.reduce((largest, value, at) => Math.max(largest, Math.abs(value - (b[at] ?? Number.NaN))), 0);
}

const unit = fc.double({ min: -1, max: 1, noNaN: true });
const hands = fc
  .tuple(fc.double({ min: -0.2, max: 1.5, noNaN: true }), fc.array(unit, { minLength: 75, maxLength: 75 }))
  .map(([curl, noise]) => handPositions(curl).map((value, at) => value + 0.004 * (noise[at] ?? 0)));
const rotations = fc
  .tuple(unit, unit, unit, unit)
  .filter((parts) => Math.hypot(...parts) > 0.1)
  .map(([x, y, z, w]) => new Quaternion(x, y, z, w).normalize());

function moved(positions: Float32Array, rotation: Quaternion, offset: Vector3, scale: number): Float32Array {
  const result = new Float32Array(positions.length);
  for (let at = 0; at < positions.length; at += 3) {
    const point = new Vector3().fromArray(positions, at).applyQuaternion(rotation).multiplyScalar(scale).add(offset);
    point.toArray(result, at);
  }
  return result;
}

describe('hand features', () => {
  it('do not change when the hand is moved, turned or scaled', () => {
    fc.assert(fc.property(hands, rotations, fc.tuple(unit, unit, unit), fc.double({ min: 0.5, max: 2, noNaN: true }),
      (hand, rotation, [x, y, z], scale) => {
        const other = moved(hand, rotation, new Vector3(x, y, z).multiplyScalar(3), scale);
        expect(largestDifference(featuresOf(hand, 'right'), featuresOf(other, 'right'))).toBeLessThan(1e-3);
      }));
  });

  it('a left hand gives what its mirror image on the right gives', () => {
    fc.assert(fc.property(hands, (hand) => {
      expect(largestDifference(featuresOf(hand, 'right'), featuresOf(mirrored(hand), 'left'))).toBeLessThan(1e-5);
    }));
  });

  it('a curled hand called by the wrong side gives other features, so handedness matters', () => {
    const hand = handPositions(1);
    expect(largestDifference(featuresOf(hand, 'right'), featuresOf(hand, 'left'))).toBeGreaterThan(0.3);
  });

  it('a flat hand has straight fingers and fingertips on the palm\'s side of the wrist, in palm sizes', () => {
    const features = featuresOf(handPositions(0), 'right');
    const bends = features.subarray(60, 75);
    expect(Math.min(...bends.subarray(3))).toBeGreaterThan(0.9);
    expect(features[0]).toBeGreaterThan(0);
    expect(features[HAND_FEATURE_COUNT - 1]).toBe(1);
  });

  it('a picture gives the same features mirrored, and says that depth is unknown', () => {
    fc.assert(fc.property(hands, (hand) => {
      const points = new Float32Array(LANDMARK_COUNT * 3);
      for (const [landmark, joint] of LANDMARK_JOINTS.entries()) {
        points[landmark * 3] = hand[joint * 3] ?? 0;
        points[landmark * 3 + 1] = hand[joint * 3 + 2] ?? 0;
      }
      const seen = new Float32Array(HAND_FEATURE_COUNT);
      const flipped = new Float32Array(HAND_FEATURE_COUNT);
      landmarkFeatures({ points, depthKnown: false, target: seen, offset: 0 });
      landmarkFeatures({ points: mirrored(points), depthKnown: false, target: flipped, offset: 0 });
      expect(largestDifference(seen, flipped)).toBeLessThan(1e-5);
      expect(seen[HAND_FEATURE_COUNT - 1]).toBe(0);
    }));
  });

  it('writes its own row of the target and nothing else', () => {
    const target = new Float32Array(HAND_FEATURE_COUNT * 3).fill(42);
    handFeatures({ positions: handPositions(0.5), handedness: 'right', target, offset: HAND_FEATURE_COUNT });
    expect(target.subarray(0, HAND_FEATURE_COUNT).every((value) => value === 42)).toBe(true);
    expect(target.subarray(HAND_FEATURE_COUNT * 2).every((value) => value === 42)).toBe(true);
    expect(target.subarray(HAND_FEATURE_COUNT, HAND_FEATURE_COUNT * 2)).toEqual(featuresOf(handPositions(0.5), 'right'));
  });

  it.each([
    ['on one point', new Float32Array(75)],
    ['on one line', Float32Array.from({ length: 75 }, (_, at) => Math.floor(at / 3))],
    ['not finite', handPositions(0).map((value, at) => (at === 40 ? Number.NaN : value))],
    ['not finite at the wrist', handPositions(0).map((value, at) => (at === 0 ? Number.POSITIVE_INFINITY : value))],
  ])('a hand whose joints are %s gives zeros', (_, positions) => {
    expect(featuresOf(positions, 'left')).toEqual(new Float32Array(HAND_FEATURE_COUNT));
  });
});
