/** Gathers everything that the gesture model learns from and is tested on, with nothing shared between the two. */
import { join } from 'node:path';
import { seededRandom } from '../../core/random.ts';
import type { Prototype } from './augment.ts';
import { roleOf } from './gestures.ts';
import { readHandyPoses } from './handy-poses.ts';
import type { HandCapture } from './handy-poses.ts';
import { readKiniviKeypoints, splitKeypoints } from './kinivi-keypoints.ts';
import { augmentedFrames, emptyHands, frameSamples, joinSamples, poseSamples, prototypesOf } from './samples.ts';
import type { SampleSet } from './samples.ts';

export interface GestureData {
  /** The left-hand captures that training draws from. */
  readonly prototypes: readonly Prototype[];
  /** Left-hand captures, augmented: as a headset tracks them, and as a camera would see them. */
  readonly trackedTrain: SampleSet;
  readonly cameraTrain: SampleSet;
  readonly trackedValidation: SampleSet;
  /** Camera frames, split by contiguous blocks; those for training are augmented. */
  readonly framesTrain: SampleSet;
  readonly framesValidation: SampleSet;
  readonly framesTest: SampleSet;
  /** Right-hand captures, augmented. */
  readonly trackedTest: SampleSet;
  /** Right-hand captures of the model's classes, and of handshapes that training never saw on either hand. */
  readonly knownCaptures: readonly HandCapture[];
  readonly unseenCaptures: readonly HandCapture[];
}

const MILLIMETRE = 0.001;
/** Enough for the network to learn that a hand without joints shows nothing. */
const EMPTY_HANDS = 50;

/**
 * Reads the data sets and draws the samples; the same seed gives the same samples.
 *
 * @param folder - holds `handyjs-hand-poses` and `kinivi-hand-keypoints`.
 * @throws CopresenceError DATASET_INVALID with the file and line of what is missing or malformed.
 */
export function loadGestureData(folder: string, seed: number): GestureData {
  const captures = readHandyPoses(join(folder, 'handyjs-hand-poses'));
  const frames = splitKeypoints(readKiniviKeypoints(join(folder, 'kinivi-hand-keypoints')));
  const known = captures.filter((capture) => roleOf(capture.name) !== 'unseen');
  const left = prototypesOf(known.filter((capture) => capture.handedness === 'left'));
  const right = prototypesOf(known.filter((capture) => capture.handedness === 'right'));
  const tracked = { view: 'tracked', noise: 6 * MILLIMETRE } as const;
  const camera = { view: 'camera', noise: 3 * MILLIMETRE } as const;
  return {
    prototypes: left,
    trackedTrain: joinSamples([
      poseSamples(seededRandom(seed), left, { ...tracked, perGesture: 800, none: 5000 }),
      emptyHands(EMPTY_HANDS),
    ]),
    cameraTrain: poseSamples(seededRandom(seed + 1), left, { ...camera, perGesture: 400, none: 1500 }),
    trackedValidation: poseSamples(seededRandom(seed + 2), left, { ...tracked, perGesture: 60, none: 300 }),
    framesTrain: augmentedFrames(seededRandom(seed + 4), frames.train, 2),
    framesValidation: frameSamples(frames.validation),
    framesTest: frameSamples(frames.test),
    trackedTest: poseSamples(seededRandom(seed + 3), right, { ...tracked, perGesture: 100, none: 500 }),
    knownCaptures: known.filter((capture) => capture.handedness === 'right'),
    unseenCaptures: captures.filter(({ handedness, name }) => handedness === 'right' && roleOf(name) === 'unseen'),
  };
}
