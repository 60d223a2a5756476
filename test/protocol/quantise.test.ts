import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodePose, encodePose } from '../../protocol/codec/pose.ts';
import { fromTicks, packQuaternion, POSE_BYTES, readUint32, TICKS_PER_MS, toTicks, unpackQuaternion, writeUint32 } from '../../protocol/codec/quantise.ts';
import { angleDegrees, POSITION_TOLERANCE_M, poses, quaternions } from './support/arbitrary.ts';

const HOURS_MS = 3_600_000;
/** The time after which the ticks of the wire go round. */
const WRAP_MS = 2 ** 32 / TICKS_PER_MS;

function unpack(packed: number): number[] {
  const floats = new Float32Array(4);
  unpackQuaternion(packed, floats, 0);
  return [...floats];
}

describe('orientations', () => {
  test('[NUM5] an orientation comes back within 0.2 degrees', () => {
    fc.assert(
      fc.property(quaternions, (q) => {
        expect(angleDegrees(q, unpack(packQuaternion(...q)))).toBeLessThanOrEqual(0.2);
      }),
      { numRuns: 20_000 },
    );
  });

  test('[NUM5] the corner where plain rounding reaches 0.27 degrees is within 0.2 too', () => {
    const corner = [0.498851, 0.498851, 0.498851, 0.503432] as const;
    expect(angleDegrees(corner, unpack(packQuaternion(...corner)))).toBeLessThanOrEqual(0.2);
    expect(angleDegrees([0.5, 0.5, 0.5, 0.5], unpack(packQuaternion(0.5, 0.5, 0.5, 0.5)))).toBeLessThanOrEqual(0.2);
  });

  test('[NUM3] a quaternion and its negative are the same bits', () => {
    fc.assert(
      fc.property(quaternions, ([x, y, z, w]) => {
        const there = unpack(packQuaternion(x, y, z, w));
        const back = unpack(packQuaternion(-x, -y, -z, -w));
        expect(angleDegrees(there, back)).toBeLessThanOrEqual(0.4);
      }),
    );
    expect(packQuaternion(0.1, -0.2, 0.3, -0.9)).toBe(packQuaternion(-0.1, 0.2, -0.3, 0.9));
  });

  test('[NUM4] any 32 bits are a unit quaternion', () => {
    fc.assert(
      fc.property(fc.nat(0xffffffff), (packed) => {
        expect(Math.hypot(...unpack(packed))).toBeCloseTo(1, 6);
      }),
      { numRuns: 5000 },
    );
  });

  test('[NUM3] numbers that are no orientation give 32 bits, and zero the identity', () => {
    const wild = fc.oneof(fc.double(), fc.constantFrom(NaN, Infinity, -Infinity, 0, 3.4e38, 1e-40));
    fc.assert(
      fc.property(wild, wild, wild, wild, (x, y, z, w) => {
        const packed = packQuaternion(x, y, z, w);
        expect(Number.isInteger(packed) && packed >= 0 && packed <= 0xffffffff).toBe(true);
      }),
    );
    expect(unpack(packQuaternion(0, 0, 0, 0))).toEqual([0, 0, 0, 1]);
  });
});

describe('poses', () => {
  test('[POS3] a position comes back within 0.5 mm an axis and an orientation within 0.2 degrees', () => {
    fc.assert(
      fc.property(poses, (pose) => {
        const bytes = new Uint8Array(POSE_BYTES);
        const floats = new Float32Array(7);
        encodePose(Float32Array.from(pose), 0, bytes, 0);
        expect(decodePose(bytes, 0, floats, 0)).toBe(true);
        for (let axis = 0; axis < 3; axis++) expect(Math.abs((floats[axis] ?? NaN) - (pose[axis] ?? NaN))).toBeLessThanOrEqual(POSITION_TOLERANCE_M);
        expect(angleDegrees(pose.slice(3), [...floats.subarray(3)])).toBeLessThanOrEqual(0.2);
      }),
      { numRuns: 5000 },
    );
  });
});

describe('times', () => {
  test('[NUM1] a time comes back to 1/32 ms when it is within 37 hours of a known one, over the wrap too', () => {
    const times = fc.oneof(
      fc.double({ min: -3 * WRAP_MS, max: 3 * WRAP_MS, noNaN: true }),
      fc.tuple(fc.integer({ min: -2, max: 2 }), fc.double({ min: -1000, max: 1000, noNaN: true })).map(([turns, aside]) => turns * WRAP_MS + aside),
    );
    const apart = fc.double({ min: -37 * HOURS_MS, max: 37 * HOURS_MS, noNaN: true });
    fc.assert(
      fc.property(times, apart, (timeMs, apartMs) => {
        const bytes = new Uint8Array(4);
        writeUint32(bytes, 0, toTicks(timeMs));
        expect(Math.abs(fromTicks(readUint32(bytes, 0), timeMs + apartMs) - timeMs)).toBeLessThanOrEqual(1 / 32);
      }),
      { numRuns: 5000 },
    );
  });

  test('[NUM1] ticks are whole and below 2^32', () => {
    fc.assert(
      fc.property(fc.double({ min: -1e12, max: 1e12, noNaN: true }), (timeMs) => {
        const ticks = toTicks(timeMs);
        expect(Number.isInteger(ticks) && ticks >= 0 && ticks < 2 ** 32).toBe(true);
      }),
    );
  });
});
