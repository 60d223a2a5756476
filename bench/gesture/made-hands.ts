/** The hands of the example bot: computed, open and closed. */
import { writeWavingPose } from '../../examples/generated-pose.ts';
import { HAND_FLOATS } from '../../protocol/codec/hand.ts';
import { createPoseSample } from '../../protocol/codec/pose-sample.ts';
import { HAND_JOINT_COUNT } from '../../protocol/joints.ts';
import type { HandCapture } from '../../training/hands/handy-poses.ts';

const FLOATS = HAND_FLOATS / HAND_JOINT_COUNT;

export function madeHands(): HandCapture[] {
  return ([['bot, open', 0], ['bot, closed', 1]] as const).map(([name, curl]) => {
    const sample = createPoseSample();
    writeWavingPose(sample, 0, { x: 0, z: 0, curl });
    const positions = Float32Array.from({ length: HAND_JOINT_COUNT * 3 }, (_, at) => sample.hands[HAND_FLOATS + Math.floor(at / 3) * FLOATS + (at % 3)] ?? 0);
    return { name, handedness: 'right', positions };
  });
}
