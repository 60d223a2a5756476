/** Body pose: a JPEG to 17 keypoints, with a MoveNet-like model. */
import jpegTurbo from '@julusian/jpeg-turbo';
import { CopresenceError } from '../../../core/errors.ts';
import { randomInt, seededRandom } from '../../../core/random.ts';
import { BODY_KEYPOINT_COUNT } from '../../../protocol/joints.ts';
import { Letterbox, placeInSquare } from '../letterbox.ts';
import type { Placement } from '../letterbox.ts';
import { PictureDecoder } from '../picture-decoder.ts';
import { onlyTensor } from './adapter.ts';
import type { TaskAdapter, TaskTensors } from './adapter.ts';

const SAMPLE_WIDTH = 640;
const SAMPLE_HEIGHT = 480;

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

function clamp(value: number): number {
  return Math.min(1, Math.max(0, value));
}

/** A 640x480 JPEG of blocks and grain that takes about as many bytes, and as long to decode, as a camera's. */
function samplePicture(index: number): Uint8Array {
  const random = seededRandom(index + 1);
  const shades = Uint8Array.from({ length: 20 * 15 * 3 }, () => randomInt(random, 224));
  const pixels = Buffer.alloc(SAMPLE_WIDTH * SAMPLE_HEIGHT * 3);
  for (let y = 0, at = 0; y < SAMPLE_HEIGHT; y++) {
    for (let x = 0; x < SAMPLE_WIDTH; x++, at += 3) {
      const block = ((y >> 5) * 20 + (x >> 5)) * 3;
      const grain = randomInt(random, 32);
      for (let channel = 0; channel < 3; channel++) pixels[at + channel] = shades[block + channel]! + grain;
    }
  }
  return jpegTurbo.compressSync(pixels, { format: jpegTurbo.FORMAT_RGB, width: SAMPLE_WIDTH, height: SAMPLE_HEIGHT, quality: 75 });
}
