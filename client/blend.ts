/** Poses between and beyond two others. Pure kernels over arrays of 7 floats a pose: metres, then a quaternion xyzw. */
import { POSE_FLOATS } from '../protocol/codec/quantise.ts';

/** Below this angle's cosine difference a slerp is a nlerp, and its division would lose all digits. */
const NEARLY_PARALLEL = 0.9995;

/** What is blended: the pose at `fraction` of the way from `from` to `to`; above 1 it goes on beyond `to`. */
export interface Blend {
  /** Read only. */
  readonly from: Float32Array;
  readonly to: Float32Array;
  readonly fraction: number;
}

/**
 * Blends the poses in floats `start`..`end` of both arrays into `into`: positions on the straight line, orientations on
 * the shortest arc at constant speed (slerp).
 *
 * @param into - overwritten in the same range; may be one of the inputs. Unit quaternions in, unit quaternions out.
 */
export function blendPoses(blend: Blend, into: Float32Array, start: number, end: number): void {
  const { from, to, fraction } = blend;
  for (let at = start; at < end; at += POSE_FLOATS) {
    for (let axis = at; axis < at + 3; axis++) into[axis] = from[axis]! + (to[axis]! - from[axis]!) * fraction;
    blendQuaternion(from, to, fraction, into, at + 3);
  }
}

function blendQuaternion(from: Float32Array, to: Float32Array, fraction: number, into: Float32Array, at: number): void {
  const ax = from[at]!, ay = from[at + 1]!, az = from[at + 2]!, aw = from[at + 3]!;
  const bx = to[at]!, by = to[at + 1]!, bz = to[at + 2]!, bw = to[at + 3]!;
  const dot = ax * bx + ay * by + az * bz + aw * bw;
  // q and -q are the same orientation; the nearer of the two gives the short way round.
  const sign = dot < 0 ? -1 : 1;
  const cosine = Math.abs(dot);
  let weightA = 1 - fraction, weightB = fraction;
  if (cosine < NEARLY_PARALLEL) {
    const angle = Math.acos(cosine);
    weightA = Math.sin((1 - fraction) * angle) / Math.sin(angle);
    weightB = Math.sin(fraction * angle) / Math.sin(angle);
  }
  writeUnit(into, at, weightA * ax + sign * weightB * bx, weightA * ay + sign * weightB * by, weightA * az + sign * weightB * bz, weightA * aw + sign * weightB * bw);
}

function writeUnit(into: Float32Array, at: number, x: number, y: number, z: number, w: number): void {
  const length = Math.sqrt(x * x + y * y + z * z + w * w);
  const scale = length > 1e-9 ? 1 / length : 0;
  into[at] = x * scale;
  into[at + 1] = y * scale;
  into[at + 2] = z * scale;
  into[at + 3] = scale === 0 ? 1 : w * scale;
}
