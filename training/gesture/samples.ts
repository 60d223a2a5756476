/** Turns captures and camera frames into the rows that the network learns from and is tested on. */
import { CopresenceError } from '../../core/errors.ts';
import type { Random } from '../../core/random.ts';
import { randomBetween, randomNormal } from '../../core/random.ts';
import {
  HAND_FEATURE_COUNT, LANDMARK_COUNT, LANDMARK_JOINTS, handFeatures, landmarkFeatures,
} from '../../features/hand.ts';
import { gestureHand, noneHand } from './augment.ts';
import type { Prototype } from './augment.ts';
import { GESTURES, KINIVI_GESTURES, NONE, NONE_INDEX, roleOf } from './gestures.ts';
import type { HandCapture } from './handy-poses.ts';
import type { KeypointFrame } from './kinivi-keypoints.ts';
import { toPositions, toSkeleton } from './skeleton.ts';
import type { Skeleton } from './skeleton.ts';

/** Rows for a classifier. */
export interface SampleSet {
  /** [count, HAND_FEATURE_COUNT] */
  readonly features: Float32Array;
  /** [count] indices into GESTURES. */
  readonly classes: Uint8Array;
  readonly count: number;
}

/** The captures of one hand that training may use. */
export function prototypesOf(captures: readonly HandCapture[]): Prototype[] {
  const prototypes = captures.map((capture) => ({
    role: roleOf(capture.name),
    name: capture.name,
    skeleton: toSkeleton(capture),
  }));
  for (const gesture of GESTURES) {
    if (prototypes.every((prototype) => prototype.role !== gesture)) {
      throw new CopresenceError('DATASET_INVALID', `no capture shows ${gesture}`);
    }
  }
  return prototypes;
}

export interface PoseSampleOptions {
  readonly perGesture: number;
  readonly none: number;
  /** Deviation of each joint's coordinates, metres; drawn anew for each hand from 0 to this. */
  readonly noise: number;
  /** Whether the rows are what a headset gives, or what a camera would see of the same hands. */
  readonly view: 'tracked' | 'camera';
}

/** Draws augmented hands from prototypes, which must hold none that are `unseen`. */
export function poseSamples(random: Random, prototypes: readonly Prototype[], options: PoseSampleOptions): SampleSet {
  const rows: Row[] = [];
  for (const [index, gesture] of GESTURES.entries()) {
    const count = gesture === NONE ? options.none : options.perGesture;
    for (let made = 0; made < count; made++) {
      const hand = gesture === NONE ? noneHand(random, prototypes) : gestureHand(random, prototypes, gesture);
      rows.push({ features: handRow(random, hand, options), gesture: index });
    }
  }
  return toSampleSet(rows);
}

function handRow(random: Random, hand: Skeleton, { noise, view }: PoseSampleOptions): Float32Array {
  const positions = toPositions(hand);
  const deviation = randomBetween(random, 0, noise);
  for (let at = 0; at < positions.length; at++) positions[at] = positions[at]! + randomNormal(random) * deviation;
  return view === 'tracked' ? trackedRow({ positions, handedness: 'right' }) : cameraRow(random, positions);
}

/** Rows of a hand that has no palm, which is all zeros; it shows no gesture. */
export function emptyHands(count: number): SampleSet {
  return {
    features: new Float32Array(count * HAND_FEATURE_COUNT),
    classes: new Uint8Array(count).fill(NONE_INDEX),
    count,
  };
}

/** The captures themselves, with `noise` metres of deviation on each coordinate. */
export function captureSamples(random: Random, captures: readonly HandCapture[], noise: number): SampleSet {
  return toSampleSet(captures.map((capture) => {
    const positions = capture.positions.map((coordinate) => coordinate + randomNormal(random) * noise);
    const role = roleOf(capture.name);
    const gesture = role === 'unseen' ? NONE_INDEX : GESTURES.indexOf(role);
    return { features: trackedRow({ positions, handedness: capture.handedness }), gesture };
  }));
}

function trackedRow({ positions, handedness }: Pick<HandCapture, 'positions' | 'handedness'>): Float32Array {
  const target = new Float32Array(HAND_FEATURE_COUNT);
  handFeatures({ positions, handedness, target, offset: 0 });
  return target;
}

/** How far a camera may stand off the palm's normal; its distance in metres. */
const CONE = (50 * Math.PI) / 180;
const CAMERA_DISTANCE = [0.35, 1] as const;

/** What a camera in front of or behind the palm sees: a perspective picture of the 21 landmarks. */
function cameraRow(random: Random, positions: Float32Array): Float32Array {
  const across = randomBetween(random, -CONE, CONE);
  const along = randomBetween(random, -CONE, CONE);
  const side = random.next() < 0.5 ? 1 : -1;
  const away = randomBetween(random, ...CAMERA_DISTANCE);
  const points = new Float32Array(LANDMARK_COUNT * 3);
  for (const [landmark, joint] of LANDMARK_JOINTS.entries()) {
    const x = positions[joint * 3]!;
    const y = positions[joint * 3 + 1]!;
    const z = positions[joint * 3 + 2]!;
    // The wrist's frame has y out of the back of the hand: turn about z, then about x, and look along y.
    const turnedX = x * Math.cos(across) - y * Math.sin(across);
    const height = x * Math.sin(across) + y * Math.cos(across);
    const turnedZ = z * Math.cos(along) - height * Math.sin(along);
    const depth = away + side * (z * Math.sin(along) + height * Math.cos(along));
    points[landmark * 3] = turnedX / depth;
    points[landmark * 3 + 1] = turnedZ / depth;
  }
  return flatRow(points);
}

/** Camera frames as rows; every label must be one of the four. @throws CopresenceError DATASET_INVALID otherwise. */
export function frameSamples(frames: readonly KeypointFrame[]): SampleSet {
  return toSampleSet(frames.map((frame) => ({ features: flatRow(frame.points), gesture: frameClass(frame) })));
}

/** How far the copies of a camera frame are stretched along one direction, and moved by noise in units of the hand. */
const STRETCH = 0.15;
const FRAME_NOISE = 0.015;

/** Camera frames and `copies` of each as seen from a little aside: stretched along a random direction, with noise. */
export function augmentedFrames(random: Random, frames: readonly KeypointFrame[], copies: number): SampleSet {
  const copied = frames.flatMap((frame) =>
    Array.from({ length: copies }, () => ({ label: frame.label, points: stretched(random, frame.points) })));
  return frameSamples([...frames, ...copied]);
}

function stretched(random: Random, points: Float32Array): Float32Array {
  const direction = randomBetween(random, 0, Math.PI);
  const [x, y] = [Math.cos(direction), Math.sin(direction)];
  const stretch = randomBetween(random, -STRETCH, STRETCH);
  const result = new Float32Array(points.length);
  for (let at = 0; at < points.length; at += 3) {
    const along = (points[at]! * x + points[at + 1]! * y) * stretch;
    result[at] = points[at]! + along * x + randomNormal(random) * FRAME_NOISE;
    result[at + 1] = points[at + 1]! + along * y + randomNormal(random) * FRAME_NOISE;
  }
  return result;
}

function frameClass({ label }: KeypointFrame): number {
  const gesture = KINIVI_GESTURES[label];
  if (gesture === undefined) throw new CopresenceError('DATASET_INVALID', `no gesture is called ${label}`);
  return GESTURES.indexOf(gesture);
}

function flatRow(points: Float32Array): Float32Array {
  const target = new Float32Array(HAND_FEATURE_COUNT);
  landmarkFeatures({ points, depthKnown: false, target, offset: 0 });
  return target;
}

interface Row {
  readonly features: Float32Array;
  readonly gesture: number;
}

function toSampleSet(rows: readonly Row[]): SampleSet {
  const features = new Float32Array(rows.length * HAND_FEATURE_COUNT);
  for (const [index, row] of rows.entries()) features.set(row.features, index * HAND_FEATURE_COUNT);
  return { features, classes: Uint8Array.from(rows, (row) => row.gesture), count: rows.length };
}

/** The rows of several sets, one after the other. */
export function joinSamples(sets: readonly SampleSet[]): SampleSet {
  const count = sets.reduce((sum, set) => sum + set.count, 0);
  const joined = { features: new Float32Array(count * HAND_FEATURE_COUNT), classes: new Uint8Array(count), count };
  let row = 0;
  for (const set of sets) {
    joined.features.set(set.features, row * HAND_FEATURE_COUNT);
    joined.classes.set(set.classes, row);
    row += set.count;
  }
  return joined;
}
