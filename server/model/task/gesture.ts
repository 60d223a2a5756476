/** Gesture: one hand, tracked by a headset or seen by a camera, to a label, with a classifier over hand features. */
import { CAMERA_HAND_BYTES, decodeCameraHand } from '../../../features/camera-hand.ts';
import { HAND_FEATURE_COUNT, LANDMARK_COUNT, handFeatures, landmarkFeatures } from '../../../features/hand.ts';
import { HAND_BYTES, HAND_FLOATS, decodeHand, encodeHand } from '../../../protocol/codec/hand.ts';
import { HAND_JOINT_COUNT } from '../../../protocol/joints.ts';
import { onlyTensor } from './adapter.ts';
import type { TaskAdapter, TaskItem, TaskTensors } from './adapter.ts';
import { isHand, readLabels } from './hand-labels.ts';

const POSE_FLOATS = HAND_FLOATS / HAND_JOINT_COUNT;

/**
 * The model reads float32 [N, HAND_FEATURE_COUNT] and gives float32 [N, labels], a probability each. A payload is a
 * hand of the wire or, of another length, one of features/camera-hand.ts.
 *
 * @throws CopresenceError SHAPE_MISMATCH when the model's tensors are others, MODEL_INVALID when it has no labels.
 */
export function createGesture(tensors: TaskTensors): TaskAdapter {
  const input = onlyTensor(tensors.inputs, { type: Float32Array, rowShape: [HAND_FEATURE_COUNT] });
  const saidOf = readLabels(tensors);
  const joints = new Float32Array(HAND_FLOATS);
  const positions = new Float32Array(HAND_JOINT_COUNT * 3);
  const landmarks = new Float32Array(LANDMARK_COUNT * 3);
  return {
    prepare({ payload, part }, row) {
      if (!isHand(part)) return 'MESSAGE_INVALID';
      const target = { target: input.data, offset: row * input.rowLength };
      if (payload.length === CAMERA_HAND_BYTES) {
        if (!decodeCameraHand(payload, landmarks)) return 'MESSAGE_INVALID';
        landmarkFeatures({ points: landmarks, depthKnown: false, ...target });
        return 'ready';
      }
      if (payload.length !== HAND_BYTES) return 'MESSAGE_INVALID';
      if (!decodeHand(payload, 0, joints)) return 'POSE_NOT_FINITE';
      copyPositions(joints, positions);
      handFeatures({ positions, handedness: part, ...target });
      return 'ready';
    },
    finish: ({ payload, part }, row) => ({
      task: 'gesture', source: payload.length === CAMERA_HAND_BYTES ? 'camera' : 'tracking', hand: part === 'left' ? 'left' : 'right', ...saidOf(row),
    }),
    featureCount: input.rowLength,
    features: (row) => ({ data: input.data, offset: row * input.rowLength, length: input.rowLength }),
    sample: sampleHand,
  };
}

function copyPositions(joints: Float32Array, positions: Float32Array): void {
  for (let joint = 0; joint < HAND_JOINT_COUNT; joint++) {
    for (let axis = 0; axis < 3; axis++) positions[joint * 3 + axis] = joints[joint * POSE_FLOATS + axis]!;
  }
}

/** A flat hand in front of the head, fingers more or less spread. */
function sampleHand(index: number): TaskItem {
  const joints = new Float32Array(HAND_FLOATS);
  const spread = 0.01 * (1 + (index % 4));
  for (let joint = 0; joint < HAND_JOINT_COUNT; joint++) {
    // The thumb has one joint fewer than the fingers, so counting from the wrist falls short by one.
    const finger = joint === 0 ? 2 : Math.floor((joint < 5 ? joint - 1 : joint) / 5);
    const along = joint === 0 ? 0 : joint < 5 ? joint : joint % 5;
    joints.set([0.2 + (finger - 2) * (0.02 + spread * along * 0.2), 1.2, -0.3 - along * 0.035, 0, 0, 0, 1], joint * POSE_FLOATS);
  }
  const payload = new Uint8Array(HAND_BYTES);
  encodeHand(joints, 0, payload, 0);
  return { payload, encoding: 'task', part: index % 2 === 0 ? 'right' : 'left' };
}
