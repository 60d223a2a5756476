/** Vectors and rotations as plain tuples, for code that reasons about bones. Rotations are unit quaternions xyzw; `multiply(a, b)` turns by b first. */

export type Vector = readonly [x: number, y: number, z: number];
export type Turn = readonly [x: number, y: number, z: number, w: number];

export const NO_TURN: Turn = [0, 0, 0, 1];
/** Below this a direction is noise. */
const TINY = 1e-6;

export function add(a: Vector, b: Vector): Vector {
  return [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
}

export function subtract(a: Vector, b: Vector): Vector {
  return [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
}

export function scale(a: Vector, by: number): Vector {
  return [a[0] * by, a[1] * by, a[2] * by];
}

export function dot(a: Vector, b: Vector): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

export function cross(a: Vector, b: Vector): Vector {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

export function lengthOf(a: Vector): number {
  return Math.hypot(a[0], a[1], a[2]);
}

/** A vector of length 1; `otherwise` when it is too short to have a direction. */
export function direction(a: Vector, otherwise: Vector): Vector {
  const length = lengthOf(a);
  return length < TINY ? otherwise : scale(a, 1 / length);
}

export function multiply(a: Turn, b: Turn): Turn {
  return [
    a[3] * b[0] + a[0] * b[3] + a[1] * b[2] - a[2] * b[1],
    a[3] * b[1] - a[0] * b[2] + a[1] * b[3] + a[2] * b[0],
    a[3] * b[2] + a[0] * b[1] - a[1] * b[0] + a[2] * b[3],
    a[3] * b[3] - a[0] * b[0] - a[1] * b[1] - a[2] * b[2],
  ];
}

export function inverse([x, y, z, w]: Turn): Turn {
  return [-x, -y, -z, w];
}

export function rotate([x, y, z, w]: Turn, v: Vector): Vector {
  const t = scale(cross([x, y, z], v), 2);
  return add(add(v, scale(t, w)), cross([x, y, z], t));
}

/** @param axis - of length 1. */
export function turnAbout(axis: Vector, radians: number): Turn {
  const sine = Math.sin(radians / 2);
  return [axis[0] * sine, axis[1] * sine, axis[2] * sine, Math.cos(radians / 2)];
}

/** The shortest turn from one direction to another. @param from - of length 1, as `to`. */
export function turnBetween(from: Vector, to: Vector): Turn {
  const w = 1 + dot(from, to);
  // Opposite: any axis that stands on it.
  if (w < TINY) return turnAbout(direction(cross(from, Math.abs(from[0]) < 0.9 ? [1, 0, 0] : [0, 1, 0]), [0, 0, 1]), Math.PI);
  const [x, y, z] = cross(from, to);
  return normalised([x, y, z, w]);
}

/** The turn that brings -Z to `along` and Y as near to `up` as that allows: how WebXR's joints are turned. */
export function turnTowards(along: Vector, up: Vector): Turn {
  const back = direction(scale(along, -1), [0, 0, 1]);
  const right = direction(cross(up, back), direction(cross([0, 1, 0.001], back), [1, 0, 0]));
  return turnOfAxes(right, cross(back, right), back);
}

/** A share of a turn, by the shorter way: 0.5 is half of it. */
export function shareOf(turn: Turn, share: number): Turn {
  const [x, y, z, w] = turn[3] < 0 ? [-turn[0], -turn[1], -turn[2], -turn[3]] as const : turn;
  const half = Math.atan2(Math.hypot(x, y, z), w);
  return turnAbout(direction([x, y, z], [0, 1, 0]), 2 * half * share);
}

/** The part of a turn that is about an axis. @param axis - of length 1. */
export function twistAbout(turn: Turn, axis: Vector): Turn {
  const along = dot([turn[0], turn[1], turn[2]], axis);
  if (Math.hypot(along, turn[3]) < TINY) return NO_TURN;
  return normalised([axis[0] * along, axis[1] * along, axis[2] * along, turn[3]]);
}

function normalised([x, y, z, w]: Turn): Turn {
  const length = Math.hypot(x, y, z, w);
  return [x / length, y / length, z / length, w / length];
}

/** From the columns of a rotation matrix (Shepperd 1978). */
function turnOfAxes(x: Vector, y: Vector, z: Vector): Turn {
  const squares = [1 + x[0] - y[1] - z[2], 1 - x[0] + y[1] - z[2], 1 - x[0] - y[1] + z[2], 1 + x[0] + y[1] + z[2]] as const;
  const xy = x[1] + y[0], xz = x[2] + z[0], yz = y[2] + z[1];
  const xw = y[2] - z[1], yw = z[0] - x[2], zw = x[1] - y[0];
  const rows: readonly Turn[] = [[squares[0], xy, xz, xw], [xy, squares[1], yz, yw], [xz, yz, squares[2], zw], [xw, yw, zw, squares[3]]];
  return normalised(rows[squares.indexOf(Math.max(...squares))] ?? NO_TURN);
}
