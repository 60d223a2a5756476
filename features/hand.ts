/** Turns one hand into the numbers that the gesture model reads; training and serving share this file. */

export type Handedness = 'left' | 'right';

/** Joints of a WebXR `XRHand`, in its order: wrist, thumb (4), then index, middle, ring and pinky (5 each). */
export const XR_HAND_JOINT_COUNT = 25;

/**
 * Where each of the 21 landmarks that WebXR and MediaPipe have in common lies in the XRHand order: all of its joints
 * but the four finger metacarpals. Landmark order: wrist, then four from base to tip for thumb, index, middle, ring
 * and pinky.
 */
export const LANDMARK_JOINTS: readonly number[] = [
  0, 1, 2, 3, 4, 6, 7, 8, 9, 11, 12, 13, 14, 16, 17, 18, 19, 21, 22, 23, 24,
];
export const LANDMARK_COUNT = LANDMARK_JOINTS.length;

const WRIST = 0;
const THUMB_TIP = 4;
const INDEX_BASE = 5;
const INDEX_TIP = 8;
const MIDDLE_BASE = 9;
const PINKY_BASE = 17;

const COORDINATES = (LANDMARK_COUNT - 1) * 3;
const BENDS = 5 * 3;
const TIP_DISTANCES = 4 + 3 + 5;

/**
 * Floats per hand, in this order: 20 landmarks (wrist apart) x, y, z in the palm's frame in palm sizes; 15 cosines
 * of the bends, three a finger from the base; distances in palm sizes of the thumb's tip to the other four, of
 * neighbouring tips (3) and of all tips to the wrist (5); 1 where depth is known and 0 where it is not.
 */
export const HAND_FEATURE_COUNT = COORDINATES + BENDS + TIP_DISTANCES + 1;

/** What each feature is called in figures, in their order. */
export function handFeatureNames(): string[] {
  const coordinates = Array.from({ length: COORDINATES }, (_, at) => `landmark ${1 + Math.floor(at / 3)} ${'xyz'[at % 3]}`);
  const bends = Array.from({ length: BENDS }, (_, at) => `bend ${at + 1}`);
  const distances = Array.from({ length: TIP_DISTANCES }, (_, at) => `tip distance ${at + 1}`);
  return [...coordinates, ...bends, ...distances, 'depth known'];
}

/** A palm flatter or shorter than this share of its own size has no side: its joints lie on a line or a point. */
const SMALLEST_RATIO = 1e-5;

export interface HandInput {
  /** [25, 3] metres in any frame, XRHand order. Read only. */
  readonly positions: Float32Array;
  readonly handedness: Handedness;
  /** Receives `HAND_FEATURE_COUNT` floats from `offset`; the rest is left alone. */
  readonly target: Float32Array;
  readonly offset: number;
}

export interface LandmarkInput {
  /** [21, 3] in any unit and frame, landmark order, of a right hand. With `depthKnown` false the z are all 0. */
  readonly points: Float32Array;
  /**
   * False for points that a camera saw. Such a picture says neither which hand it shows nor whether it was
   * mirrored; the features do not change with either, because the palm's x axis follows the index finger.
   */
  readonly depthKnown: boolean;
  readonly target: Float32Array;
  readonly offset: number;
}

// Scratch for one call; the functions below are not re-entrant, and need not be.
const rightHand = new Float32Array(LANDMARK_COUNT * 3);
/** The palm's frame: rows x, y, z. */
const axes = new Float64Array(9);

/**
 * The features of one tracked hand.
 *
 * They do not change when the hand is moved, turned or scaled, and a left hand gives what its mirror image on the
 * right gives. A hand without a palm (joints on one point or one line, or not finite) gives zeros.
 *
 * @bound constant time, no allocation.
 */
export function handFeatures(input: HandInput): void {
  const mirror = input.handedness === 'left' ? -1 : 1;
  for (let landmark = 0; landmark < LANDMARK_COUNT; landmark++) {
    const from = LANDMARK_JOINTS[landmark]! * 3;
    rightHand[landmark * 3] = mirror * input.positions[from]!;
    rightHand[landmark * 3 + 1] = input.positions[from + 1]!;
    rightHand[landmark * 3 + 2] = input.positions[from + 2]!;
  }
  writeFeatures(rightHand, true, input.target, input.offset);
}

/** The same features from 21 landmarks, for data that is not a tracked hand. */
export function landmarkFeatures(input: LandmarkInput): void {
  writeFeatures(input.points, input.depthKnown, input.target, input.offset);
}

function writeFeatures(points: Float32Array, depthKnown: boolean, target: Float32Array, offset: number): void {
  const palm = palmSize(points);
  let at = offset;
  if (findPalmAxes(points, palm)) {
    at = writeCoordinates(points, palm, target, at);
    at = writeBends(points, target, at);
    at = writeTipDistances(points, palm, target, at);
    target[at] = depthKnown ? 1 : 0;
  }
  if (at === offset || !allFinite(target, offset, at)) target.fill(0, offset, offset + HAND_FEATURE_COUNT);
}

/** The mean distance from the wrist to the four knuckles. */
function palmSize(points: Float32Array): number {
  let sum = 0;
  for (let knuckle = INDEX_BASE; knuckle <= PINKY_BASE; knuckle += 4) sum += distance(points, WRIST, knuckle);
  return sum / 4;
}

/**
 * Fills `axes`: y from the wrist to the middle knuckle, z out of the palm of a right hand, x towards the index
 * finger's side. False when the palm has no size or no side, or a joint of it is not finite.
 */
function findPalmAxes(points: Float32Array, palm: number): boolean {
  setDifference(3, points, MIDDLE_BASE, WRIST);
  setDifference(0, points, INDEX_BASE, WRIST);
  setDifference(6, points, PINKY_BASE, WRIST);
  setCross(6, 0, 6);
  // The normal is made square to y, so a palm that is not flat still gets a rigid frame.
  const yLength = normalise(3);
  const along = axes[6]! * axes[3]! + axes[7]! * axes[4]! + axes[8]! * axes[5]!;
  for (let axis = 0; axis < 3; axis++) axes[6 + axis] = axes[6 + axis]! - along * axes[3 + axis]!;
  const area = normalise(6);
  setCross(0, 3, 6);
  return yLength > SMALLEST_RATIO * palm && area > SMALLEST_RATIO * palm * palm;
}

function writeCoordinates(points: Float32Array, palm: number, target: Float32Array, offset: number): number {
  let at = offset;
  for (let landmark = 1; landmark < LANDMARK_COUNT; landmark++) {
    const x = points[landmark * 3]! - points[0]!;
    const y = points[landmark * 3 + 1]! - points[1]!;
    const z = points[landmark * 3 + 2]! - points[2]!;
    for (let row = 0; row < 9; row += 3) {
      target[at++] = (axes[row]! * x + axes[row + 1]! * y + axes[row + 2]! * z) / palm;
    }
  }
  return at;
}

function writeBends(points: Float32Array, target: Float32Array, offset: number): number {
  let at = offset;
  for (let base = 1; base < LANDMARK_COUNT; base += 4) {
    target[at++] = bendCosine(points, WRIST, base, base + 1);
    target[at++] = bendCosine(points, base, base + 1, base + 2);
    target[at++] = bendCosine(points, base + 1, base + 2, base + 3);
  }
  return at;
}

function writeTipDistances(points: Float32Array, palm: number, target: Float32Array, offset: number): number {
  let at = offset;
  for (let tip = INDEX_TIP; tip < LANDMARK_COUNT; tip += 4) target[at++] = distance(points, THUMB_TIP, tip) / palm;
  for (let tip = INDEX_TIP; tip < PINKY_BASE; tip += 4) target[at++] = distance(points, tip, tip + 4) / palm;
  for (let tip = THUMB_TIP; tip < LANDMARK_COUNT; tip += 4) target[at++] = distance(points, WRIST, tip) / palm;
  return at;
}

/** The cosine between the bone `from`-`joint` and the bone `joint`-`to`; 1 is straight, and a bone of no length. */
function bendCosine(points: Float32Array, from: number, joint: number, to: number): number {
  let dot = 0;
  for (let axis = 0; axis < 3; axis++) {
    const at = points[joint * 3 + axis]!;
    dot += (at - points[from * 3 + axis]!) * (points[to * 3 + axis]! - at);
  }
  const lengths = distance(points, from, joint) * distance(points, joint, to);
  return lengths === 0 ? 1 : dot / lengths;
}

function distance(points: Float32Array, from: number, to: number): number {
  const x = points[to * 3]! - points[from * 3]!;
  const y = points[to * 3 + 1]! - points[from * 3 + 1]!;
  const z = points[to * 3 + 2]! - points[from * 3 + 2]!;
  return Math.sqrt(x * x + y * y + z * z);
}

function setDifference(row: number, points: Float32Array, to: number, from: number): void {
  for (let axis = 0; axis < 3; axis++) axes[row + axis] = points[to * 3 + axis]! - points[from * 3 + axis]!;
}

/** Sets the row at `into` to row `a` cross row `b`; `into` may be one of them. */
function setCross(into: number, a: number, b: number): void {
  const x = axes[a + 1]! * axes[b + 2]! - axes[a + 2]! * axes[b + 1]!;
  const y = axes[a + 2]! * axes[b]! - axes[a]! * axes[b + 2]!;
  const z = axes[a]! * axes[b + 1]! - axes[a + 1]! * axes[b]!;
  axes[into] = x;
  axes[into + 1] = y;
  axes[into + 2] = z;
}

/** Makes a row a unit vector; returns the length that it had. */
function normalise(row: number): number {
  const length = Math.hypot(axes[row]!, axes[row + 1]!, axes[row + 2]!);
  for (let axis = 0; axis < 3; axis++) axes[row + axis] = axes[row + axis]! / length;
  return length;
}

function allFinite(values: Float32Array, from: number, to: number): boolean {
  for (let index = from; index < to; index++) if (!Number.isFinite(values[index]!)) return false;
  return true;
}
