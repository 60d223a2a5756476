/** The hands that gesture models are held against: the same for every version, drawn by one seed. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomNormal, seededRandom } from '../../core/random.ts';
import type { Random } from '../../core/random.ts';
import { HAND_FEATURE_COUNT, handFeatures, landmarkFeatures } from '../../features/hand.ts';
import type { Handedness } from '../../features/hand.ts';
import { viewPoints } from '../../training/hands/camera-view.ts';
import { gestureHand, noneHand } from '../../training/hands/draw.ts';
import type { HandPool } from '../../training/hands/draw.ts';
import { noisyPositions } from '../../training/hands/grow.ts';
import { readHandyPoses } from '../../training/hands/handy-poses.ts';
import type { HandCapture } from '../../training/hands/handy-poses.ts';
import { readKeypoints, splitKeypoints } from '../../training/hands/keypoints.ts';
import { shapeDistance, toSkeleton } from '../../training/hands/skeleton.ts';

/** Hands with what they show. */
export interface HandSet {
  /** [count, HAND_FEATURE_COUNT] */
  readonly features: Float32Array;
  /** [count] */
  readonly labels: readonly string[];
}

/** A handshape that training never saw, and the gesture that it is most like. */
export interface UnseenHand extends HandCapture {
  readonly nearest: string;
  /** Mean angle between the bones of the finger that differs most, to the nearest training capture. */
  readonly distanceDegrees: number;
}

export interface TestHands {
  /** Right-hand captures, drawn anew as other people would hold them. */
  readonly drawn: HandSet;
  /** Right-hand captures of the model's labels. */
  readonly captures: readonly HandCapture[];
  /** Held-out blocks of camera frames. */
  readonly frames: HandSet;
  readonly unseen: readonly UnseenHand[];
}

export const NONE = 'none';
const FOLDER = join(import.meta.dirname, '../../training/gesture');
export const POSE_NAMES = JSON.parse(readFileSync(join(FOLDER, 'hand-poses.json'), 'utf8')) as Readonly<Record<string, string>>;
const FRAME_NAMES = JSON.parse(readFileSync(join(FOLDER, 'keypoints.json'), 'utf8')) as Readonly<Record<string, string>>;

/** In the order in which version 1 was measured: the draws follow each other. */
const ORDER = ['open-palm', 'fist', 'point', 'peace', 'three', 'four', 'ok', 'pinch', 'thumb', 'rock', 'love', 'call-me'];
const SEED = 10;
const PER_LABEL = 100;
const WITHOUT_LABEL = 500;
const NOISE = 0.006;
const TOUCHES = { ok: { relax: 0.5, together: false }, pinch: { relax: 1, together: true } };

/** @param folder - holds `handyjs-hand-poses` and `kinivi-hand-keypoints`. @throws CopresenceError DATASET_INVALID as the readers. */
export function readTestHands(folder: string): TestHands {
  const all = readHandyPoses(join(folder, 'handyjs-hand-poses'));
  const right = all.filter(({ handedness }) => handedness === 'right');
  const captures = right.filter(({ name }) => POSE_NAMES[name] !== undefined);
  const learnt = all.filter(({ handedness, name }) => handedness === 'left' && (POSE_NAMES[name] ?? NONE) !== NONE);
  const frames = splitKeypoints(readKeypoints(join(folder, 'kinivi-hand-keypoints'))).filter(({ part }) => part === 'test').map(({ frame }) => frame);
  return {
    drawn: drawnHands(captures),
    captures,
    frames: handSet(frames.map(({ points, label }) => ({ features: cameraFeatures(points), label: FRAME_NAMES[label] ?? NONE }))),
    unseen: right.filter(({ name }) => POSE_NAMES[name] === undefined).map((capture) => ({ ...capture, ...nearestOf(capture, learnt) })),
  };
}

function drawnHands(captures: readonly HandCapture[]): HandSet {
  const prototypes = captures.map((capture) => ({ label: POSE_NAMES[capture.name] ?? NONE, skeleton: toSkeleton(capture) }));
  const rest = captures.find(({ name }) => name === 'rest');
  const pool: HandPool = { prototypes, none: NONE, rest: rest && toSkeleton(rest), touches: TOUCHES, variation: 1, nearMisses: 0 };
  const random = seededRandom(SEED);
  return handSet([...ORDER, NONE].flatMap((label) => Array.from({ length: label === NONE ? WITHOUT_LABEL : PER_LABEL }, () => {
    const hand = label === NONE ? noneHand(random, pool) : gestureHand(random, pool, label);
    return { features: trackedFeatures(noisyPositions(random, hand, NOISE), 'right'), label };
  })));
}

function nearestOf(capture: HandCapture, learnt: readonly HandCapture[]): Pick<UnseenHand, 'nearest' | 'distanceDegrees'> {
  const own = toSkeleton(capture);
  const [first] = learnt.map((other) => ({ nearest: POSE_NAMES[other.name] ?? NONE, distanceDegrees: (shapeDistance(own, toSkeleton(other)) * 180) / Math.PI })).sort((a, b) => a.distanceDegrees - b.distanceDegrees);
  return first ?? { nearest: NONE, distanceDegrees: Number.NaN };
}

/** Captures with a normal deviation of `noise` metres on each coordinate. */
export function noisyCaptures(random: Random, captures: readonly HandCapture[], noise: number): HandSet {
  return handSet(captures.map(({ name, handedness, positions }) => ({
    features: trackedFeatures(positions.map((coordinate) => coordinate + randomNormal(random) * noise), handedness), label: POSE_NAMES[name] ?? NONE,
  })));
}

/** @param positions - [25, 3] metres. */
export function trackedFeatures(positions: Float32Array, handedness: Handedness): Float32Array {
  const target = new Float32Array(HAND_FEATURE_COUNT);
  handFeatures({ positions, handedness, target, offset: 0 });
  return target;
}

/** @param points - [21, 2], y up. */
export function cameraFeatures(points: readonly number[]): Float32Array {
  const target = new Float32Array(HAND_FEATURE_COUNT);
  landmarkFeatures({ points: viewPoints(points), depthKnown: false, target, offset: 0 });
  return target;
}

export function handSet(rows: readonly { readonly features: Float32Array; readonly label: string }[]): HandSet {
  const features = new Float32Array(rows.length * HAND_FEATURE_COUNT);
  rows.forEach((row, index) => features.set(row.features, index * HAND_FEATURE_COUNT));
  return { features, labels: rows.map(({ label }) => label) };
}

export function joinSets(sets: readonly HandSet[]): HandSet {
  const features = new Float32Array(sets.reduce((sum, set) => sum + set.features.length, 0));
  let at = 0;
  for (const set of sets) {
    features.set(set.features, at);
    at += set.features.length;
  }
  return { features, labels: sets.flatMap(({ labels }) => labels) };
}
