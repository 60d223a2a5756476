/** A hand that a camera saw, as the gesture model gets it: the x and y of its landmarks, without their depth. */
import { LANDMARK_COUNT } from './hand.ts';

/** x and y of each landmark as float32, little-endian. */
export const CAMERA_HAND_BYTES = LANDMARK_COUNT * 2 * 4;

/**
 * Encodes a hand's landmarks.
 *
 * Depth is left out: it is what a camera guesses worst, and the gesture model was trained on such hands without it.
 *
 * @param world - [21, 3] metres, y down, MediaPipe's order. Read only.
 */
export function encodeCameraHand(world: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(CAMERA_HAND_BYTES);
  const view = new DataView(bytes.buffer);
  for (let landmark = 0; landmark < LANDMARK_COUNT; landmark++) {
    view.setFloat32(landmark * 8, world[landmark * 3] ?? 0, true);
    view.setFloat32(landmark * 8 + 4, -(world[landmark * 3 + 1] ?? 0), true);
  }
  return bytes;
}

/**
 * Decodes what `encodeCameraHand` wrote, for `landmarkFeatures` with the depth unknown.
 *
 * @param points - [21, 3] is overwritten; y up, z 0.
 * @returns false when a number is not finite.
 */
export function decodeCameraHand(bytes: Uint8Array, points: Float32Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let landmark = 0; landmark < LANDMARK_COUNT; landmark++) {
    points[landmark * 3] = view.getFloat32(landmark * 8, true);
    points[landmark * 3 + 1] = view.getFloat32(landmark * 8 + 4, true);
    points[landmark * 3 + 2] = 0;
  }
  return points.every(Number.isFinite);
}
