/** What a model of dynamic gestures sees: the way of a fingertip or controller in the last moments, as its owner sees it. Training and serving share this file. */

/** A window is so many places, so many milliseconds apart: nine tenths of a second from the first to the last, in which a circle is drawn once or nearly. */
export const PATH_STEPS = 16;
export const PATH_STEP_MS = 60;
export const PATH_SPAN_MS = (PATH_STEPS - 1) * PATH_STEP_MS;

/**
 * Floats of a window: where the head is at its end, x y z in session space; the head's up axis; then each place, x y z from the
 * head of that moment, so that who walks does not seem to wave. Metres, little-endian on their way to a worker.
 */
export const PATH_WINDOW_FLOATS = 6 + PATH_STEPS * 3;
export const PATH_WINDOW_BYTES = PATH_WINDOW_FLOATS * 4;

/** Numbers of one place as it is seen: right and up, metres. */
export const SEEN_WIDTH = 2;
/** Of each step: place, step and turn, as `pathFeatures` has them. */
export const PATH_FEATURE_COUNT = 6;

/** A path no further from its middle than this is hardly one: it is not made larger, so that a trembling hand stays small. */
const SMALLEST_RADIUS_M = 0.015;
/** From here on (18 degrees from straight up or down) gravity says nothing of what is up in what one sees. */
const STEEP = 0.95;

export function encodePathWindow(floats: Float32Array): Uint8Array {
  const bytes = new Uint8Array(PATH_WINDOW_BYTES);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < PATH_WINDOW_FLOATS; at++) view.setFloat32(at * 4, floats[at]!, true);
  return bytes;
}

/** @param floats - [PATH_WINDOW_FLOATS] is overwritten. @returns false when a number is not finite. */
export function decodePathWindow(bytes: Uint8Array, floats: Float32Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < PATH_WINDOW_FLOATS; at++) floats[at] = view.getFloat32(at * 4, true);
  return floats.every(Number.isFinite);
}

const right = new Float64Array(3);
const up = new Float64Array(3);
const sight = new Float64Array(3);

/**
 * A window as its owner sees it: on the plane across the line from the head to the middle of the path.
 *
 * So it does not change with where they stand and which way they face, and clockwise is what they see as clockwise, whichever hand
 * it is. Up is against gravity, or where they look straight up or down, what is up for their head.
 *
 * @param window - [PATH_WINDOW_FLOATS]. Read only.
 * @param target - receives [PATH_STEPS, SEEN_WIDTH] metres right and up, from `offset`.
 * @bound constant time, no allocation.
 */
export function seenPath(window: Float32Array, target: Float32Array | Float64Array, offset: number): void {
  sight.fill(0);
  for (let step = 0; step < PATH_STEPS; step++) for (let axis = 0; axis < 3; axis++) sight[axis]! += window[6 + step * 3 + axis]!;
  // A hand on the head's own place is seen from nowhere: any direction is as good.
  if (!normalise(sight)) sight.set([0, 0, -1]);
  const isSteep = Math.abs(sight[1]!) > STEEP;
  up.set(isSteep ? window.subarray(3, 6) : [0, 1, 0]);
  if (!setCross(right, sight, up)) setCross(right, sight, Math.abs(sight[0]!) < 0.5 ? [1, 0, 0] : [0, 1, 0]);
  setCross(up, right, sight);
  for (let step = 0; step < PATH_STEPS; step++) {
    const at = 6 + step * 3;
    target[offset + step * SEEN_WIDTH] = along(window, at, right);
    target[offset + step * SEEN_WIDTH + 1] = along(window, at, up);
  }
}

/**
 * The features of a path: of each step, in this order, right and up from the path's middle in its own size; the same of the way since the step
 * before; and how that way turns against the way before it, as sine and cosine, counted by how long both are.
 *
 * They do not change when the path is moved or made larger, as long as it is no trembling.
 *
 * @param path - [PATH_STEPS, SEEN_WIDTH] metres from `from`. Read only.
 * @param target - receives [PATH_STEPS, PATH_FEATURE_COUNT] floats from `offset`.
 * @bound constant time, no allocation.
 */
export function pathFeatures(path: ArrayLike<number>, from: number, target: Float32Array, offset: number): void {
  const x = (step: number): number => path[from + step * SEEN_WIDTH]!;
  const y = (step: number): number => path[from + step * SEEN_WIDTH + 1]!;
  let middleX = 0;
  let middleY = 0;
  for (let step = 0; step < PATH_STEPS; step++) {
    middleX += x(step) / PATH_STEPS;
    middleY += y(step) / PATH_STEPS;
  }
  let square = 0;
  for (let step = 0; step < PATH_STEPS; step++) square += ((x(step) - middleX) ** 2 + (y(step) - middleY) ** 2) / PATH_STEPS;
  const scale = 1 / Math.max(SMALLEST_RADIUS_M, Math.sqrt(square));
  let beforeX = 0;
  let beforeY = 0;
  for (let step = 0; step < PATH_STEPS; step++) {
    const at = offset + step * PATH_FEATURE_COUNT;
    const wayX = step === 0 ? 0 : (x(step) - x(step - 1)) * scale;
    const wayY = step === 0 ? 0 : (y(step) - y(step - 1)) * scale;
    // Below a tenth of the path's size a step has no direction to speak of.
    const weight = 1 / Math.max(0.01, Math.hypot(wayX, wayY) * Math.hypot(beforeX, beforeY));
    target[at] = (x(step) - middleX) * scale;
    target[at + 1] = (y(step) - middleY) * scale;
    target[at + 2] = wayX;
    target[at + 3] = wayY;
    target[at + 4] = (beforeX * wayY - beforeY * wayX) * weight;
    target[at + 5] = (beforeX * wayX + beforeY * wayY) * weight;
    beforeX = wayX;
    beforeY = wayY;
  }
}

/** What each feature is called in figures, in their order. */
export function pathFeatureNames(): string[] {
  return Array.from({ length: PATH_STEPS }, (_, step) => ['right', 'up', 'way right', 'way up', 'turn', 'straight'].map((name) => `${name} ${step + 1}`)).flat();
}

function along(window: Float32Array, at: number, axis: Float64Array): number {
  return window[at]! * axis[0]! + window[at + 1]! * axis[1]! + window[at + 2]! * axis[2]!;
}

/** Sets a unit vector across both. @returns false, with it undefined, when they have one direction. */
function setCross(target: Float64Array, a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  target[0] = a[1]! * b[2]! - a[2]! * b[1]!;
  target[1] = a[2]! * b[0]! - a[0]! * b[2]!;
  target[2] = a[0]! * b[1]! - a[1]! * b[0]!;
  return normalise(target);
}

/** @returns false when it has no length to speak of. */
function normalise(vector: Float64Array): boolean {
  const length = Math.hypot(vector[0]!, vector[1]!, vector[2]!);
  if (!(length > 1e-6)) return false;
  for (let axis = 0; axis < 3; axis++) vector[axis] = vector[axis]! / length;
  return true;
}
