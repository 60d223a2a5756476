/** Where a participant points with: an index fingertip or a controller, read out of an encoded pose sample without decoding the rest. */
import { JOINT_BYTES, readJointPosition } from './hand.ts';
import { decodePose } from './pose.ts';
import { handOffset, PART_BITS, poseSampleBytes } from './pose-sample.ts';
import { POSE_BYTES, POSE_FLOATS } from './quantise.ts';

/** `index-finger-tip` in the order of HAND_JOINTS. */
const INDEX_TIP = 9;

export interface Pointing {
  /** Position, then the up axis, metres of session space. */
  readonly head: Float32Array;
  readonly point: Float32Array;
}

export function createPointing(): Pointing {
  return { head: new Float32Array(6), point: new Float32Array(3) };
}

const pose = new Float32Array(POSE_FLOATS);

/**
 * Reads the head and what one side points with: the fingertip where the hand is tracked, else the controller.
 *
 * @param bytes - a sample that `checkPoseSample` accepted, from 0. Read only.
 * @param into - overwritten.
 * @returns what `point` is of; undefined, with `into` undefined too, where the head or both others are missing. No allocation.
 */
export function readPointing(bytes: Uint8Array, side: 'left' | 'right', into: Pointing): 'hand' | 'controller' | undefined {
  const valid = bytes[4]!;
  if ((valid & PART_BITS.head) === 0 || !decodePose(bytes, poseSampleBytes(0), pose, 0)) return undefined;
  const x = pose[3]!, y = pose[4]!, z = pose[5]!, w = pose[6]!;
  into.head[0] = pose[0]!;
  into.head[1] = pose[1]!;
  into.head[2] = pose[2]!;
  // The second column of the rotation.
  into.head[3] = 2 * (x * y - w * z);
  into.head[4] = 1 - 2 * (x * x + z * z);
  into.head[5] = 2 * (y * z + w * x);
  const hand = handOffset(valid, side);
  if (hand !== undefined) {
    if (!decodePose(bytes, hand, pose, 0)) return undefined;
    readJointPosition(bytes, hand + POSE_BYTES + (INDEX_TIP - 1) * JOINT_BYTES, pose, into.point);
    return 'hand';
  }
  const bit = side === 'left' ? PART_BITS.leftController : PART_BITS.rightController;
  if ((valid & bit) === 0 || !decodePose(bytes, poseSampleBytes(valid & (bit - 1)), pose, 0)) return undefined;
  into.point.set(pose.subarray(0, 3));
  return 'controller';
}
