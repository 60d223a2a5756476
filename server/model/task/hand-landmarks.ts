/** Hand landmarks: a region of a JPEG to the 21 landmarks of the hand in it, with MediaPipe's hand model. */
import type { PictureRegion } from '../../flow.ts';
import type { TaskAdapter, TaskTensors } from './adapter.ts';
import { clamp, landmarksInPicture, movedDown, toRegion, uprightAngle, worldInPicture } from './region.ts';
import type { PictureSize, Point } from './region.ts';
import { samplePicture } from './sample-picture.ts';
import { floatOutput, squareInput } from './square-input.ts';

const LANDMARKS = 21;
/** From the landmarks to the square in the next picture (MediaPipe's hand_landmark_landmarks_to_roi.pbtxt). */
const SCALE = 2;
const SHIFT_DOWN = -0.1;
/** The landmarks that move little with the fingers: wrist, thumb base, and the first two joints of each finger. */
const STEADY = [0, 1, 2, 3, 5, 6, 9, 10, 13, 14, 17, 18];
const WRIST = 0;
const INDEX_MIDDLE_JOINT = 6;
const MIDDLE_MIDDLE_JOINT = 10;
const RING_MIDDLE_JOINT = 14;

/**
 * The model reads float32 [N, side, side, 3] RGB, 0..1, and gives float32 `landmarks` [N, 63] in pixels of the square,
 * `world` [N, 63] in metres, `presence` [N, 1] and `handedness` [N, 1], both 0..1.
 *
 * @throws CopresenceError SHAPE_MISMATCH when it does not.
 */
export function createHandLandmarks(tensors: TaskTensors): TaskAdapter {
  const input = squareInput(tensors, [0, 1]);
  const landmarks = floatOutput(tensors.outputs, 'landmarks', LANDMARKS * 3);
  const world = floatOutput(tensors.outputs, 'world', LANDMARKS * 3);
  const presence = floatOutput(tensors.outputs, 'presence', 1);
  const handedness = floatOutput(tensors.outputs, 'handedness', 1);
  const { side } = input;
  return {
    prepare: input.prepare,
    finish(_item, row) {
      const place = input.placeOf(row);
      const from = row * LANDMARKS * 3;
      const number = (index: number): number => landmarks[from + index]! / side;
      const found = landmarksInPicture(place, (landmark) => [number(landmark * 3), number(landmark * 3 + 1), number(landmark * 3 + 2)], LANDMARKS);
      return {
        task: 'hand-landmarks',
        // Of a picture that is not mirrored, as was seen on photographs; MediaPipe's own documents speak of mirrored ones.
        hand: handedness[row]! > 0.5 ? 'right' : 'left',
        presence: clamp(presence[row]!),
        landmarks: found,
        world: worldInPicture(place, world, from, LANDMARKS),
        next: nextRegion(found, place.picture),
      };
    },
    sample: (index) => ({ payload: samplePicture(index), encoding: 'task', region: { centreX: 0.5, centreY: 0.5, side: 0.5, angle: 0.3 * index }, part: '' }),
  };
}

/** Where the hand will be looked for in the next picture: a square about its steady landmarks, fingers up. */
export function nextRegion(landmarks: readonly number[], picture: PictureSize): PictureRegion {
  const point = (index: number): Point => ({ x: landmarks[index * 3]! * picture.width, y: landmarks[index * 3 + 1]! * picture.height });
  const angle = uprightAngle(point(WRIST), middle(middle(point(INDEX_MIDDLE_JOINT), point(RING_MIDDLE_JOINT)), point(MIDDLE_MIDDLE_JOINT)));
  const cos = Math.cos(angle), sin = Math.sin(angle);
  const along = STEADY.map((index) => point(index)).map(({ x, y }) => ({ right: x * cos + y * sin, down: -x * sin + y * cos }));
  const right = rangeOf(along.map((place) => place.right));
  const down = rangeOf(along.map((place) => place.down));
  const centre = { x: right.middle * cos - down.middle * sin, y: right.middle * sin + down.middle * cos };
  return toRegion(movedDown(centre, SHIFT_DOWN * down.size, angle), SCALE * Math.max(right.size, down.size), angle, picture);
}

function middle(one: Point, other: Point): Point {
  return { x: (one.x + other.x) / 2, y: (one.y + other.y) / 2 };
}

function rangeOf(values: readonly number[]): { readonly middle: number; readonly size: number } {
  const low = Math.min(...values), high = Math.max(...values);
  return { middle: (low + high) / 2, size: high - low };
}
