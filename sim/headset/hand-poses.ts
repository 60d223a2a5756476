/**
 * Hand poses that were measured on a headset: how each joint of a left hand stands to the joint before it.
 *
 * They are the poses of iwer's emulated Quest hand; a folder of further recordings can add to them.
 */
import { pinchHandPose } from 'iwer/lib/device/configs/hand/pinch.js';
import { pointHandPose } from 'iwer/lib/device/configs/hand/point.js';
import { relaxedHandPose } from 'iwer/lib/device/configs/hand/relaxed.js';
import { Matrix4, Quaternion, Vector3 } from 'three';
import { HAND_FLOATS } from '../../protocol/codec/hand.ts';
import { HAND_JOINT_COUNT, HAND_JOINTS } from '../../protocol/joints.ts';
import { POSE_FLOATS } from '../../protocol/codec/quantise.ts';

/** One pose of a left hand. */
export interface HandPose {
  readonly name: string;
  /** [25, 7]: each joint in the space of its parent, metres and unit quaternions xyzw; the wrist is the identity. */
  readonly local: Float32Array;
}

/** The joint that each joint hangs on, by index; the wrist's own is itself. */
export const PARENTS: readonly number[] = HAND_JOINTS.map((joint, index) => (joint === 'wrist' || joint.endsWith('-metacarpal') ? 0 : index - 1));

/** The poses that come with iwer. */
export function measuredHandPoses(): HandPose[] {
  const poses = [['relaxed', relaxedHandPose], ['pinch', pinchHandPose], ['point', pointHandPose]] as const;
  return poses.map(([name, { jointTransforms }]) => {
    const joints = new Float32Array(HAND_FLOATS);
    HAND_JOINTS.forEach((joint, index) => writeMatrix(Array.from(jointTransforms[joint].offsetMatrix), joints, index * POSE_FLOATS));
    return { name, local: toLocal(joints) };
  });
}

const matrix = new Matrix4();
const position = new Vector3();
const orientation = new Quaternion();
const scale = new Vector3();

function writeMatrix(elements: number[], into: Float32Array, at: number): void {
  matrix.fromArray(elements).decompose(position, orientation, scale);
  position.toArray(into, at);
  orientation.normalize().toArray(into, at + 3);
}

const parentPosition = new Vector3();
const parentInverse = new Quaternion();

/** Joints in any one space to joints in their parents' spaces. @param joints - [25, 7]. Read only. */
export function toLocal(joints: Float32Array): Float32Array {
  const local = new Float32Array(HAND_FLOATS);
  local[6] = 1;
  for (let joint = 1; joint < HAND_JOINT_COUNT; joint++) {
    const at = joint * POSE_FLOATS;
    const parentAt = PARENTS[joint]! * POSE_FLOATS;
    parentPosition.fromArray(joints, parentAt);
    parentInverse.fromArray(joints, parentAt + 3).conjugate();
    position.fromArray(joints, at).sub(parentPosition).applyQuaternion(parentInverse).toArray(local, at);
    orientation.fromArray(joints, at + 3).premultiply(parentInverse).toArray(local, at + 3);
  }
  return local;
}

const across = new Vector3();
const along = new Vector3();
const up = new Vector3();

/**
 * A pose of which only the joints' places are known: each joint is turned so that its -z points to the next one and its
 * x across the hand, as WebXR has it.
 *
 * @param name - what the pose is called.
 * @param positionsM - 25 points in the wrist's space, metres, of a left hand.
 */
export function handPoseFromPositions(name: string, positionsM: readonly (readonly [number, number, number])[]): HandPose {
  const joints = new Float32Array(HAND_FLOATS);
  joints[6] = 1;
  for (let joint = 1; joint < HAND_JOINT_COUNT; joint++) {
    const at = joint * POSE_FLOATS;
    const isTip = HAND_JOINTS[joint]!.endsWith('-tip');
    const [from, to] = isTip ? [joint - 1, joint] : [joint, joint + 1];
    along.fromArray(positionsM[from]!).sub(position.fromArray(positionsM[to]!)).normalize();
    up.crossVectors(along, across.set(1, 0, 0)).normalize();
    across.crossVectors(up, along);
    joints.set(positionsM[joint]!, at);
    orientation.setFromRotationMatrix(matrix.makeBasis(across, up, along)).toArray(joints, at + 3);
  }
  return { name, local: toLocal(joints) };
}
