/** What a model of moving hands sees of each step: the hand's shape, and where it has moved and turned since the window began. */
import { HAND_FEATURE_COUNT, handFeatures, XR_HAND_JOINT_COUNT } from './hand.ts';
import type { Handedness } from './hand.ts';

/** The shape, then how far wrist and middle fingertip are from where the wrist was at the first step, x y z each, in metres. */
export const HAND_MOTION_FEATURE_COUNT = HAND_FEATURE_COUNT + 6;

const MIDDLE_TIP = 14;

export interface HandMotionInput {
  /** [steps, 25, 3] metres in one gravity-aligned frame (+Y up), XRHand order. Read only. */
  readonly positions: Float32Array;
  readonly steps: number;
  readonly handedness: Handedness;
  /** Receives `steps * HAND_MOTION_FEATURE_COUNT` floats from `offset`. */
  readonly target: Float32Array;
  readonly offset: number;
}

/** A left hand's motion is mirrored, as its shape is. The frame's yaw stays: who trains turns the data about +Y. */
export function handMotionFeatures({ positions, steps, handedness, target, offset }: HandMotionInput): void {
  const mirror = handedness === 'left' ? -1 : 1;
  const width = XR_HAND_JOINT_COUNT * 3;
  for (let step = 0; step < steps; step++) {
    const at = offset + step * HAND_MOTION_FEATURE_COUNT;
    handFeatures({ positions: positions.subarray(step * width, (step + 1) * width), handedness, target, offset: at });
    for (let axis = 0; axis < 3; axis++) {
      const side = axis === 0 ? mirror : 1;
      const start = positions[axis]!;
      target[at + HAND_FEATURE_COUNT + axis] = side * (positions[step * width + axis]! - start);
      target[at + HAND_FEATURE_COUNT + 3 + axis] = side * (positions[step * width + MIDDLE_TIP * 3 + axis]! - start);
    }
  }
}
