/** Dynamic gesture: the way of a hand or controller in the last moments to the label of a movement. */
import { decodePathWindow, encodePathWindow, PATH_FEATURE_COUNT, PATH_STEPS, PATH_WINDOW_BYTES, PATH_WINDOW_FLOATS, pathFeatures, SEEN_WIDTH, seenPath } from '../../../features/hand-path.ts';
import { onlyTensor } from './adapter.ts';
import type { TaskAdapter, TaskItem, TaskTensors } from './adapter.ts';
import { isHand, readLabels } from './hand-labels.ts';

/**
 * The model reads float32 [N, PATH_STEPS, PATH_FEATURE_COUNT] and gives float32 [N, labels], a probability each; thresholds as for gestures.
 *
 * @throws CopresenceError SHAPE_MISMATCH when the model's tensors are others, MODEL_INVALID when it has no labels.
 */
export function createDynamicGesture(tensors: TaskTensors): TaskAdapter {
  const input = onlyTensor(tensors.inputs, { type: Float32Array, rowShape: [PATH_STEPS, PATH_FEATURE_COUNT] });
  const saidOf = readLabels(tensors);
  const window = new Float32Array(PATH_WINDOW_FLOATS);
  const path = new Float32Array(PATH_STEPS * SEEN_WIDTH);
  return {
    prepare({ payload, part }, row) {
      if (!isHand(part) || payload.length !== PATH_WINDOW_BYTES) return 'MESSAGE_INVALID';
      if (!decodePathWindow(payload, window)) return 'POSE_NOT_FINITE';
      seenPath(window, path, 0);
      pathFeatures(path, 0, input.data, row * input.rowLength);
      return 'ready';
    },
    finish: ({ part }, row) => ({ task: 'dynamic-gesture', hand: part === 'left' ? 'left' : 'right', ...saidOf(row) }),
    featureCount: input.rowLength,
    features: (row) => ({ data: input.data, offset: row * input.rowLength, length: input.rowLength }),
    sample: sampleWindow,
  };
}

/** Circles in front of the head, of several sizes, either way round. */
function sampleWindow(index: number): TaskItem {
  const window = new Float32Array(PATH_WINDOW_FLOATS);
  window.set([0, 1.6, 0, 0, 1, 0]);
  const radius = 0.05 + 0.02 * (index % 4);
  for (let step = 0; step < PATH_STEPS; step++) {
    const angle = (index % 2 === 0 ? 1 : -1) * step * ((2 * Math.PI) / PATH_STEPS);
    window.set([radius * Math.sin(angle), -0.3 + radius * Math.cos(angle), -0.5], 6 + step * 3);
  }
  return { payload: encodePathWindow(window), encoding: 'task', part: index % 2 === 0 ? 'right' : 'left' };
}
