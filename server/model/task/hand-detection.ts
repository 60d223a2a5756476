/** Hand detection: a JPEG to the regions where hands are, with MediaPipe's palm detector. */
import { LIMITS } from '../../../protocol/limits.ts';
import type { DetectedHand, PictureRegion } from '../../flow.ts';
import { onlyTensor } from './adapter.ts';
import type { TaskAdapter, TaskTensors } from './adapter.ts';
import { ANCHOR_COUNT, PALM_NUMBERS, readPalms, type Palm } from './palms.ts';
import { fromSquare, movedDown, toRegion, uprightAngle, type RegionPlace } from './region.ts';
import { samplePicture } from './sample-picture.ts';
import { squareInput } from './square-input.ts';

const DEFAULT_THRESHOLD = 0.5;
/** From a palm's box to the square about its hand (MediaPipe's palm_detection_detection_to_roi.pbtxt). */
const SCALE = 2.6;
const SHIFT_DOWN = -0.5;
const WRIST = 0;
const MIDDLE_KNUCKLE = 2;

/**
 * The model reads float32 [N, 256, 256, 3] RGB, -1..1, and gives float32 [N, 2944, 19]: see `palms.ts`.
 *
 * @throws CopresenceError SHAPE_MISMATCH when it does not.
 */
export function createHandDetection(tensors: TaskTensors): TaskAdapter {
  const input = squareInput(tensors, [-1, 1]);
  const output = onlyTensor(tensors.outputs, { type: Float32Array, rowShape: [ANCHOR_COUNT, PALM_NUMBERS] });
  const { side } = input;
  const threshold = tensors.manifest.thresholds[output.spec.name] ?? DEFAULT_THRESHOLD;
  return {
    prepare: input.prepare,
    finish(_item, row) {
      const palms = readPalms(output.data, row * output.rowLength, { side, threshold });
      return { task: 'hand-detection', hands: palms.slice(0, LIMITS.handsPerPicture).map((palm) => toHand(palm, input.placeOf(row))) };
    },
    sample: (index) => ({ payload: samplePicture(index), encoding: 'task', part: '' }),
  };
}

function toHand(palm: Palm, place: RegionPlace): DetectedHand {
  return { region: handRegion(palm, place), score: palm.score };
}

/** A square about the whole hand, turned so that the fingers point up in it. */
function handRegion({ numbers }: Palm, place: RegionPlace): PictureRegion {
  const keypoint = (index: number): { x: number; y: number } => fromSquare(place, numbers[4 + index * 2]!, numbers[5 + index * 2]!);
  const angle = uprightAngle(keypoint(WRIST), keypoint(MIDDLE_KNUCKLE));
  const centre = movedDown(fromSquare(place, numbers[0]!, numbers[1]!), SHIFT_DOWN * numbers[3]! * place.side, angle);
  return toRegion(centre, SCALE * Math.max(numbers[2]!, numbers[3]!) * place.side, angle, place.picture);
}
