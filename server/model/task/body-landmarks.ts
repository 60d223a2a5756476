/** Body landmarks: a region of a JPEG to the 33 landmarks of the body in it, with BlazePose. */
import type { TaskAdapter, TaskTensors } from './adapter.ts';
import { clamp, fromSquare, landmarksInPicture, sigmoid, toRegion, uprightAngle, worldInPicture } from './region.ts';
import { samplePicture } from './sample-picture.ts';
import { floatOutput, squareInput } from './square-input.ts';

const LANDMARKS = 33;
/** The model gives six more, of which the first two say where the body is: its middle, and a point on a circle about it. */
const ALL_LANDMARKS = 39;
const MIDDLE = 33;
const RIM = 34;
/** x, y, z, and the logits of visibility and presence. */
const NUMBERS = 5;
/** From the circle's diameter to the square's side (MediaPipe's pose_landmarks_to_roi.pbtxt). */
const SCALE = 1.25;

/**
 * The model reads float32 [N, side, side, 3] RGB, 0..1, and gives float32 `landmarks` [N, 195] in pixels of the square,
 * `world` [N, 117] in metres and `presence` [N, 1], 0..1 (Bazarevsky et al. 2020, "BlazePose").
 *
 * @throws CopresenceError SHAPE_MISMATCH when it does not.
 */
export function createBodyLandmarks(tensors: TaskTensors): TaskAdapter {
  const input = squareInput(tensors, [0, 1]);
  const landmarks = floatOutput(tensors.outputs, 'landmarks', ALL_LANDMARKS * NUMBERS);
  const world = floatOutput(tensors.outputs, 'world', ALL_LANDMARKS * 3);
  const presence = floatOutput(tensors.outputs, 'presence', 1);
  const { side } = input;
  return {
    prepare: input.prepare,
    finish(_item, row) {
      const place = input.placeOf(row);
      const from = row * ALL_LANDMARKS * NUMBERS;
      const number = (landmark: number, index: number): number => landmarks[from + landmark * NUMBERS + index]!;
      const share = (landmark: number, index: number): number => number(landmark, index) / side;
      const points = landmarksInPicture(place, (landmark) => [share(landmark, 0), share(landmark, 1), share(landmark, 2)], LANDMARKS);
      const inPicture = (landmark: number): { x: number; y: number } => fromSquare(place, share(landmark, 0), share(landmark, 1));
      const centre = inPicture(MIDDLE), rim = inPicture(RIM);
      const diameter = 2 * Math.hypot(rim.x - centre.x, rim.y - centre.y);
      return {
        task: 'body-landmarks',
        presence: clamp(presence[row]!),
        landmarks: withVisibility(points, (landmark) => sigmoid(number(landmark, 3))),
        world: worldInPicture(place, world, row * ALL_LANDMARKS * 3, LANDMARKS),
        next: toRegion(centre, SCALE * diameter, uprightAngle(centre, rim), place.picture),
      };
    },
    sample: (index) => ({ payload: samplePicture(index), encoding: 'task', part: '' }),
  };
}

function withVisibility(points: readonly number[], visibility: (landmark: number) => number): number[] {
  return Array.from({ length: LANDMARKS }, (_, landmark) => [...points.slice(landmark * 3, landmark * 3 + 3), visibility(landmark)]).flat();
}
