/**
 * Turns as vectors: the logarithm and the exponential of unit quaternions.
 *
 * A rotation vector's direction is the axis and its length the angle, so that the turns of a steady motion add up like
 * distances. All are about the axes of the session's space: `b = exp(turn) * a`.
 */

/** Quaternions xyzw inside a larger array. */
export type Quaternions = Float32Array | Float64Array;

/** Below this sine of half an angle the angle and its sine are the same to all digits that count. */
const TINY = 1e-7;

/**
 * Writes the shortest turn that leads from one orientation to another.
 *
 * @param into - radians, 3 floats from `at`; at most pi long.
 */
export function writeTurnBetween(from: Quaternions, fromAt: number, to: Quaternions, toAt: number, into: Float64Array, at = 0): void {
  const ax = from[fromAt]!, ay = from[fromAt + 1]!, az = from[fromAt + 2]!, aw = from[fromAt + 3]!;
  const bx = to[toAt]!, by = to[toAt + 1]!, bz = to[toAt + 2]!, bw = to[toAt + 3]!;
  // b * conjugate(a)
  const w = bw * aw + bx * ax + by * ay + bz * az;
  const x = bx * aw - bw * ax - by * az + bz * ay;
  const y = by * aw - bw * ay - bz * ax + bx * az;
  const z = bz * aw - bw * az - bx * ay + by * ax;
  const sine = Math.sqrt(x * x + y * y + z * z);
  // q and -q are one orientation: of both turns the one below a half is meant.
  const scale = sine < TINY ? (w < 0 ? -2 : 2) : (2 * Math.atan2(w < 0 ? -sine : sine, Math.abs(w))) / sine;
  into[at] = x * scale;
  into[at + 1] = y * scale;
  into[at + 2] = z * scale;
}

/**
 * Writes an orientation turned by `seconds` of a turn a second.
 *
 * @param turn - radians a second, 3 floats. Read only.
 * @param into - a unit quaternion from `intoAt`; may be the one that is turned.
 */
export function writeTurned(from: Quaternions, fromAt: number, turn: Float64Array, seconds: number, into: Quaternions, intoAt: number): void {
  const rate = Math.sqrt(turn[0]! * turn[0]! + turn[1]! * turn[1]! + turn[2]! * turn[2]!);
  const half = (rate * seconds) / 2;
  const scale = Math.abs(half) < TINY ? seconds / 2 : Math.sin(half) / rate;
  const tx = turn[0]! * scale, ty = turn[1]! * scale, tz = turn[2]! * scale, tw = Math.cos(half);
  const qx = from[fromAt]!, qy = from[fromAt + 1]!, qz = from[fromAt + 2]!, qw = from[fromAt + 3]!;
  const x = tw * qx + tx * qw + ty * qz - tz * qy;
  const y = tw * qy + ty * qw + tz * qx - tx * qz;
  const z = tw * qz + tz * qw + tx * qy - ty * qx;
  const w = tw * qw - tx * qx - ty * qy - tz * qz;
  const length = 1 / Math.sqrt(x * x + y * y + z * z + w * w);
  into[intoAt] = x * length;
  into[intoAt + 1] = y * length;
  into[intoAt + 2] = z * length;
  into[intoAt + 3] = w * length;
}
