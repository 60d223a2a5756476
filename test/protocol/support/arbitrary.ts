/** Random values of the wire's formats for property tests, and the distances that the specification speaks of. */
import * as fc from 'fast-check';
import { HAND_JOINT_COUNT } from '../../../protocol/joints.ts';

/** Half a millimetre, and what a float32 cannot tell apart at 32 m. */
export const POSITION_TOLERANCE_M = 0.0005 + 0.000002;

export type Quaternion = readonly [number, number, number, number];

/** Unit quaternions: random ones, and the corners where several components are the same. */
export const quaternions: fc.Arbitrary<Quaternion> = fc
  .oneof(
    fc.tuple(signedUnit(), signedUnit(), signedUnit(), signedUnit()),
    fc.tuple(near(0.5), near(0.5), near(0.5), near(0.5)),
    fc.tuple(near(Math.SQRT1_2), near(Math.SQRT1_2), near(0), near(0)),
  )
  .filter((q) => Math.hypot(...q) > 0.01)
  .map((q) => normalise(q));

export const coordinates = fc.double({ min: -32.767, max: 32.767, noNaN: true }).map(Math.fround).filter((metres) => Math.abs(metres) <= 32.767);
export const positions = fc.tuple(coordinates, coordinates, coordinates);

/** Metres, then a quaternion: as float32, since that is what an encoder is given. */
export const poses = fc.tuple(positions, quaternions).map(([position, orientation]) => [...position, ...orientation].map(Math.fround));

const nearPositions = fc.tuple(within(3), within(3), within(3));
const jointOffsets = fc.tuple(within(0.126), fc.double({ min: -0.149, max: 0.104, noNaN: true }), fc.double({ min: -0.224, max: 0.029, noNaN: true }));

/** Hands whose joints are within the range of a byte, anywhere within 3 m. */
export const hands = fc
  .tuple(nearPositions, quaternions, fc.array(fc.tuple(jointOffsets, quaternions), { minLength: HAND_JOINT_COUNT - 1, maxLength: HAND_JOINT_COUNT - 1 }))
  .map(([wrist, orientation, joints]) => [
    [...wrist, ...orientation].map(Math.fround),
    ...joints.map(([offset, turn]) => {
      const moved = rotate(orientation, offset);
      return [...moved.map((value, axis) => value + (wrist[axis] ?? 0)), ...turn].map(Math.fround);
    }),
  ]);

/** Bytes that mean nothing, and bytes that mean something with some of them changed. */
export function damaged(bytes: Uint8Array): fc.Arbitrary<Uint8Array> {
  const change = fc.record({ at: fc.nat(Math.max(0, bytes.length - 1)), to: fc.nat(255) });
  return fc.tuple(fc.array(change, { maxLength: 6 }), fc.nat(bytes.length), fc.uint8Array({ maxLength: 8 })).map(([changes, keep, tail]) => {
    const copy = Uint8Array.from(bytes);
    for (const { at, to } of changes) copy[at] = to;
    return tail.length === 0 ? copy.slice(0, keep) : Uint8Array.from(Buffer.concat([copy, tail]));
  });
}

/** The angle between two orientations, degrees; they need not be of unit length. */
export function angleDegrees(first: readonly number[], second: readonly number[]): number {
  const a = normalise(first);
  const b = normalise(second);
  const dot = a.reduce((sum, value, index) => sum + value * (b[index] ?? NaN), 0);
  const sign = dot < 0 ? -1 : 1;
  const chord = Math.hypot(...a.map((value, index) => value - sign * (b[index] ?? NaN)));
  return (4 * Math.asin(Math.min(1, chord / 2)) * 180) / Math.PI;
}

export function distanceM(a: readonly number[], b: readonly number[]): number {
  return Math.hypot(...a.slice(0, 3).map((value, axis) => value - (b[axis] ?? 0)));
}

/** A pose seen from another: position and orientation in its frame. */
export function relativeTo(frame: readonly number[], pose: readonly number[]): number[] {
  const inverse = conjugate(normalise(frame.slice(3)));
  const offset = pose.slice(0, 3).map((value, axis) => value - (frame[axis] ?? 0));
  return [...rotate(inverse, offset), ...multiply(inverse, pose.slice(3))];
}

function rotate(q: readonly number[], v: readonly number[]): number[] {
  const [x = 0, y = 0, z = 0] = v;
  return multiply(multiply(q, [x, y, z, 0]), conjugate(q)).slice(0, 3);
}

function multiply(a: readonly number[], b: readonly number[]): number[] {
  const [ax = 0, ay = 0, az = 0, aw = 0] = a;
  const [bx = 0, by = 0, bz = 0, bw = 0] = b;
  return [aw * bx + ax * bw + ay * bz - az * by, aw * by - ax * bz + ay * bw + az * bx, aw * bz + ax * by - ay * bx + az * bw, aw * bw - ax * bx - ay * by - az * bz];
}

function conjugate([x = 0, y = 0, z = 0, w = 0]: readonly number[]): number[] {
  return [-x, -y, -z, w];
}

function normalise(q: readonly number[]): Quaternion {
  const length = Math.hypot(...q);
  const [x = 0, y = 0, z = 0, w = 0] = q;
  return [x / length, y / length, z / length, w / length];
}

function signedUnit(): fc.Arbitrary<number> {
  return fc.double({ min: -1, max: 1, noNaN: true });
}

function near(value: number): fc.Arbitrary<number> {
  return fc.tuple(fc.boolean(), within(0.01)).map(([negative, slip]) => (negative ? -value : value) + slip);
}

function within(limit: number): fc.Arbitrary<number> {
  return fc.double({ min: -limit, max: limit, noNaN: true });
}
