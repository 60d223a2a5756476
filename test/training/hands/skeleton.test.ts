/** Bones relative to their parents, and what is drawn from them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../core/random.ts';
import { jitter } from '../../../training/hands/draw.ts';
import { blend, shapeDistance, toPositions, toSkeleton } from '../../../training/hands/skeleton.ts';
import { handPositions, mirrored } from '../../support/hands.ts';

const curls = fc.double({ min: -0.3, max: 1.4, noNaN: true });
const skeletonOf = (curl: number) => toSkeleton({ positions: handPositions(curl), handedness: 'right' });

function expectClose(actual: Float32Array, expected: Float32Array): void {
  for (const [at, value] of actual.entries()) expect(value).toBeCloseTo(expected[at] ?? Number.NaN, 5);
}

describe('hand skeleton', () => {
  it('a hand taken apart and put together is the same hand, and a left one its mirror image', () => {
    fc.assert(fc.property(curls, (curl) => {
      const positions = handPositions(curl);
      expectClose(toPositions(toSkeleton({ positions, handedness: 'right' })), positions);
      expectClose(toPositions(toSkeleton({ positions: mirrored(positions), handedness: 'left' })), positions);
    }));
  });

  it('a blend starts and ends at its hands and keeps bone lengths on the way', () => {
    const flat = skeletonOf(0);
    const curled = skeletonOf(1.2);
    expectClose(toPositions(blend(flat, curled, 0)), handPositions(0));
    expectClose(toPositions(blend(flat, curled, 1)), handPositions(1.2));
    const half = toSkeleton({ positions: toPositions(blend(flat, curled, 0.5)), handedness: 'right' });
    for (const [joint, length] of half.length.entries()) expect(length).toBeCloseTo(flat.length[joint] ?? 0, 6);
  });

  it('half way between two curls every joint has half of the turn', () => {
    const half = blend(skeletonOf(0), skeletonOf(1.2), 0.5);
    // The fingers fan out, so the turn is not quite in the plane of the bend.
    expect(Math.abs((half.bend[8] ?? 0) - 0.6)).toBeLessThan(0.03);
  });

  it('a finger left out of a blend stays as it is', () => {
    const mixed = toPositions(blend(skeletonOf(0), skeletonOf(1.2), [0, 1, 0, 0, 0]));
    expectClose(mixed.subarray(0, 15), handPositions(0).subarray(0, 15));
    expectClose(mixed.subarray(15, 30), handPositions(1.2).subarray(15, 30));
    expectClose(mixed.subarray(30), handPositions(0).subarray(30));
  });

  it('the distance between shapes is none for a hand of another size and grows with the curl', () => {
    const larger = toSkeleton({ positions: handPositions(0.3).map((value) => value * 1.3), handedness: 'right' });
    expect(shapeDistance(skeletonOf(0.3), larger)).toBeLessThan(1e-3);
    expect(shapeDistance(skeletonOf(0), skeletonOf(0.6))).toBeLessThan(shapeDistance(skeletonOf(0), skeletonOf(1.2)));
  });

  it('a jittered hand is near its origin and the same for the same seed', () => {
    const origin = skeletonOf(0.5);
    const one = jitter(seededRandom(3), origin);
    expect(toPositions(one)).toEqual(toPositions(jitter(seededRandom(3), origin)));
    expect(shapeDistance(one, origin)).toBeGreaterThan(0);
    expect(shapeDistance(one, origin)).toBeLessThan(0.5);
  });
});
