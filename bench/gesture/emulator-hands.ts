/** Hands of Meta's WebXR emulator (npm `iwer`): real joint poses of a Quest hand that no part of training uses. */
import { pinchHandPose } from 'iwer/lib/device/configs/hand/pinch.js';
import { pointHandPose } from 'iwer/lib/device/configs/hand/point.js';
import { relaxedHandPose } from 'iwer/lib/device/configs/hand/relaxed.js';
import { XR_HAND_JOINT_COUNT } from '../../features/hand.ts';
import type { HandCapture } from '../../training/hands/handy-poses.ts';

const FINGERS = ['index-finger', 'middle-finger', 'ring-finger', 'pinky-finger'];
const BONES = ['metacarpal', 'phalanx-proximal', 'phalanx-intermediate', 'phalanx-distal', 'tip'];
const JOINTS = [
  'wrist', 'thumb-metacarpal', 'thumb-phalanx-proximal', 'thumb-phalanx-distal', 'thumb-tip',
  ...FINGERS.flatMap((finger) => BONES.map((bone) => `${finger}-${bone}`)),
];

interface JointPoses {
  readonly jointTransforms: Readonly<Record<string, { readonly offsetMatrix: ArrayLike<number> }>>;
}

/** The emulator's three hand poses, left hands in the frame of its pointing ray, metres. */
export function emulatorHands(): HandCapture[] {
  const poses = { pinch: pinchHandPose, point: pointHandPose, relaxed: relaxedHandPose };
  return Object.entries(poses).map(([name, pose]) => ({ name, handedness: 'left', positions: positionsOf(pose) }));
}

/** The matrices are column-major, so the position is their elements 12 to 14. */
function positionsOf({ jointTransforms }: JointPoses): Float32Array {
  const positions = new Float32Array(XR_HAND_JOINT_COUNT * 3);
  for (const [joint, name] of JOINTS.entries()) {
    const matrix = jointTransforms[name]?.offsetMatrix;
    for (let axis = 0; axis < 3; axis++) positions[joint * 3 + axis] = matrix?.[12 + axis] ?? Number.NaN;
  }
  return positions;
}
