/** Body pose: a JPEG to 17 keypoints, with a MoveNet-like model. */
import { CopresenceError } from '../../../core/errors.ts';
import { BODY_KEYPOINT_COUNT } from '../../../protocol/joints.ts';
import { Letterbox, placeInSquare } from '../letterbox.ts';
import type { Placement } from '../letterbox.ts';
import { PictureDecoder } from '../picture-decoder.ts';
import { onlyTensor } from './adapter.ts';
import type { TaskAdapter, TaskTensors } from './adapter.ts';
import { clamp } from './region.ts';
import { samplePicture } from './sample-picture.ts';

/**
 * The model reads one uint8 [N, side, side, 3] RGB picture and gives float32 [N, 17, 3]: y, x and score, y and x in
 * 0..1 of the square.
 *
 * @throws CopresenceError SHAPE_MISMATCH when it does not.
 */
export function createBodyPose(tensors: TaskTensors): TaskAdapter {
  const input = onlyTensor(tensors.inputs, { type: Uint8Array, rowShape: [0, 0, 3] });
  const output = onlyTensor(tensors.outputs, { type: Float32Array, rowShape: [BODY_KEYPOINT_COUNT, 3] });
  const [side = 0, width] = input.rowShape;
  if (side !== width) throw new CopresenceError('SHAPE_MISMATCH', `${input.spec.name} is not square`);
  const decoder = new PictureDecoder();
  const letterbox = new Letterbox(side);
  const placements = new Array<Placement>(tensors.capacity);
  return {
    prepare({ payload }, row) {
      const frame = decoder.decode(payload);
      if (frame === undefined) return 'VIDEO_INVALID';
      const placement = placeInSquare(frame, side);
      placements[row] = placement;
      letterbox.draw({ ...frame, target: input.data, offset: row * input.rowLength, side, placement });
      return 'ready';
    },
    finish(_item, row) {
      const placement = placements[row]!;
      return { task: 'body-pose', ...readKeypoints(output.data, row * output.rowLength, side, placement) };
    },
    sample: (index) => ({ payload: samplePicture(index), encoding: 'task', part: '' }),
  };
}

/** Undoes the letterbox: from y, x, score in the square to x, y, score in the picture, clamped to 0..1. */
function readKeypoints(data: Float32Array, from: number, side: number, placement: Placement): { keypoints: number[]; score: number } {
  const keypoints = new Array<number>(BODY_KEYPOINT_COUNT * 3);
  let sum = 0;
  for (let joint = 0; joint < BODY_KEYPOINT_COUNT; joint++) {
    const at = from + joint * 3;
    const score = clamp(data[at + 2]!);
    keypoints[joint * 3] = clamp((data[at + 1]! * side - placement.left) / placement.width);
    keypoints[joint * 3 + 1] = clamp((data[at]! * side - placement.top) / placement.height);
    keypoints[joint * 3 + 2] = score;
    sum += score;
  }
  return { keypoints, score: sum / BODY_KEYPOINT_COUNT };
}
