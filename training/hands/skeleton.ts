/** A right hand as bone directions relative to their parents, so that hands can be bent and blended joint by joint. */
import { XR_HAND_JOINT_COUNT } from '../../features/hand.ts';
import type { HandCapture } from './handy-poses.ts';

/** The parent of each XRHand joint; every finger starts at the wrist. */
export const PARENTS: readonly number[] = [
  -1, 0, 1, 2, 3, 0, 5, 6, 7, 8, 0, 10, 11, 12, 13, 0, 15, 16, 17, 18, 0, 20, 21, 22, 23,
];
/** The finger of each joint: 0 thumb to 4 pinky, -1 the wrist. */
export const FINGERS: readonly number[] = PARENTS.map((_, joint) => (joint === 0 ? -1 : joint < 5 ? 0 : Math.floor(joint / 5)));

/**
 * Bone `j` runs from joint `j`'s parent to joint `j`; row 0 is unused.
 *
 * `bend` and `spread` are the bone's angles in the frame of its parent bone, radians: bend towards the palm and
 * spread towards the pinky of a right hand; both 0 goes straight on. The frames are carried along each finger by the
 * smallest rotation, so a blend of angles always turns a joint the way that a finger turns.
 */
export interface Skeleton {
  /** [25] */
  readonly bend: Float64Array;
  /** [25] */
  readonly spread: Float64Array;
  /** [25] metres. */
  readonly length: Float64Array;
}

type Vector = readonly [number, number, number];
/** Unit, xyzw. */
type Quaternion = readonly [number, number, number, number];

const IDENTITY: Quaternion = [0, 0, 0, 1];
/** WebXR: a bone points along its own -Z. */
const FORWARD: Vector = [0, 0, -1];

export function emptySkeleton(): Skeleton {
  return {
    bend: new Float64Array(XR_HAND_JOINT_COUNT),
    spread: new Float64Array(XR_HAND_JOINT_COUNT),
    length: new Float64Array(XR_HAND_JOINT_COUNT),
  };
}

/** A capture's bones; a left hand is mirrored to the right. */
export function toSkeleton({ positions, handedness }: Pick<HandCapture, 'positions' | 'handedness'>): Skeleton {
  const skeleton = emptySkeleton();
  const frames: Quaternion[] = [IDENTITY];
  const mirror = handedness === 'left' ? -1 : 1;
  for (let joint = 1; joint < XR_HAND_JOINT_COUNT; joint++) {
    const parent = PARENTS[joint]!;
    const bone: Vector = [
      mirror * (positions[joint * 3]! - positions[parent * 3]!),
      positions[joint * 3 + 1]! - positions[parent * 3 + 1]!,
      positions[joint * 3 + 2]! - positions[parent * 3 + 2]!,
    ];
    const length = Math.hypot(...bone);
    const [x, y, z] = rotate(conjugate(frames[parent]!), bone);
    skeleton.length[joint] = length;
    skeleton.bend[joint] = Math.atan2(-y, -z);
    skeleton.spread[joint] = Math.asin(Math.max(-1, Math.min(1, x / length)));
    frames.push(childFrame(frames[parent]!, skeleton, joint));
  }
  return skeleton;
}

/** Joint positions of a right hand with its wrist at the origin, [25, 3] metres in XRHand order. */
export function toPositions(skeleton: Skeleton): Float32Array {
  const positions = new Float32Array(XR_HAND_JOINT_COUNT * 3);
  const frames: Quaternion[] = [IDENTITY];
  for (let joint = 1; joint < XR_HAND_JOINT_COUNT; joint++) {
    const parent = PARENTS[joint]!;
    const direction = rotate(frames[parent]!, localDirection(skeleton, joint));
    for (let axis = 0; axis < 3; axis++) {
      positions[joint * 3 + axis] = positions[parent * 3 + axis]! + direction[axis]! * skeleton.length[joint]!;
    }
    frames.push(childFrame(frames[parent]!, skeleton, joint));
  }
  return positions;
}

/**
 * The hand between two hands, joint by joint along the shortest turn of each bone.
 *
 * @param share - 0 gives `from`, 1 gives `to`; per finger when a list.
 */
export function blend(from: Skeleton, to: Skeleton, share: number | readonly number[]): Skeleton {
  const blended = emptySkeleton();
  for (let joint = 1; joint < XR_HAND_JOINT_COUNT; joint++) {
    const own = typeof share === 'number' ? share : share[FINGERS[joint]!]!;
    const direction = slerp(localDirection(from, joint), localDirection(to, joint), own);
    blended.bend[joint] = Math.atan2(-direction[1], -direction[2]);
    blended.spread[joint] = Math.asin(Math.max(-1, Math.min(1, direction[0])));
    blended.length[joint] = from.length[joint]! + own * (to.length[joint]! - from.length[joint]!);
  }
  return blended;
}

/**
 * How far two hands are apart: the mean angle between their bones, radians, of the finger where it is largest.
 * Palm bones (the root bones of the four fingers) do not count.
 */
export function shapeDistance(a: Skeleton, b: Skeleton): number {
  const sums = [0, 0, 0, 0, 0];
  for (let joint = 1; joint < XR_HAND_JOINT_COUNT; joint++) {
    const finger = FINGERS[joint]!;
    const inFinger = joint - FIRST_JOINTS[finger]!;
    if (finger > 0 && inFinger < 2) continue;
    sums[finger] = sums[finger]! + angleBetween(localDirection(a, joint), localDirection(b, joint));
  }
  return Math.max(...sums.map((sum, finger) => sum / (finger === 0 ? 4 : 3)));
}

/** The first joint of each finger. */
const FIRST_JOINTS = [1, 5, 10, 15, 20];

function localDirection(skeleton: Skeleton, joint: number): Vector {
  const bend = skeleton.bend[joint]!;
  const spread = skeleton.spread[joint]!;
  return [Math.sin(spread), -Math.sin(bend) * Math.cos(spread), -Math.cos(bend) * Math.cos(spread)];
}

function childFrame(parent: Quaternion, skeleton: Skeleton, joint: number): Quaternion {
  return multiply(parent, smallestRotation(FORWARD, localDirection(skeleton, joint)));
}

/** The smallest rotation that takes unit vector `from` to `to`. */
function smallestRotation(from: Vector, to: Vector): Quaternion {
  const [x, y, z] = cross(from, to);
  const w = 1 + dot(from, to);
  const length = Math.hypot(x, y, z, w);
  // A bone folded right back on its parent has no smallest rotation; fingers cannot do that, so any will do.
  if (length < 1e-9) return [1, 0, 0, 0];
  return [x / length, y / length, z / length, w / length];
}

function slerp(from: Vector, to: Vector, share: number): Vector {
  const angle = angleBetween(from, to);
  if (angle < 1e-6) return from;
  const a = Math.sin((1 - share) * angle) / Math.sin(angle);
  const b = Math.sin(share * angle) / Math.sin(angle);
  return [a * from[0] + b * to[0], a * from[1] + b * to[1], a * from[2] + b * to[2]];
}

function angleBetween(a: Vector, b: Vector): number {
  return Math.acos(Math.max(-1, Math.min(1, dot(a, b))));
}

function dot(a: Vector, b: Vector): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

function cross(a: Vector, b: Vector): Vector {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

function conjugate([x, y, z, w]: Quaternion): Quaternion {
  return [-x, -y, -z, w];
}

function multiply(a: Quaternion, b: Quaternion): Quaternion {
  const [ax, ay, az, aw] = a;
  const [bx, by, bz, bw] = b;
  return [
    aw * bx + ax * bw + ay * bz - az * by,
    aw * by - ax * bz + ay * bw + az * bx,
    aw * bz + ax * by - ay * bx + az * bw,
    aw * bw - ax * bx - ay * by - az * bz,
  ];
}

function rotate(rotation: Quaternion, [x, y, z]: Vector): Vector {
  const [rx, ry, rz] = multiply(multiply(rotation, [x, y, z, 0]), conjugate(rotation));
  return [rx, ry, rz];
}
