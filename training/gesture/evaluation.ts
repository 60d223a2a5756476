/** Measures a gesture model on data that its training never saw. */
import { seededRandom } from '../../core/random.ts';
import { classificationReport, expectedCalibrationError } from '../evaluate/classification.ts';
import type { ClassificationReport } from '../evaluate/classification.ts';
import type { Classifier, Decision } from './classifier.ts';
import type { GestureData } from './data.ts';
import { emulatorHands } from './emulator-hands.ts';
import { GESTURES, NONE, NONE_INDEX } from './gestures.ts';
import type { Gesture, Role } from './gestures.ts';
import type { HandCapture } from './handy-poses.ts';
import { captureSamples, joinSamples } from './samples.ts';
import type { SampleSet } from './samples.ts';
import { shapeDistance, toSkeleton } from './skeleton.ts';

/** What the model says of one named hand. */
export interface NamedDecision {
  readonly name: string;
  readonly given: Gesture;
  /** Of the best class, whether or not it passed the threshold. */
  readonly score: number;
}

/** A handshape that training never saw, and the gesture that it is most like. */
export interface UnseenDecision extends NamedDecision {
  readonly nearest: Role;
  /** Degrees: the mean angle between the bones of the finger that differs most, to the nearest training capture. */
  readonly distanceDegrees: number;
}

/** A handshape nearer than this to a gesture differs from it by less than two captures of one gesture may. */
export const LOOK_ALIKE_DEGREES = 20;

export interface Evaluation {
  /** Right-hand captures, augmented. */
  readonly tracked: ClassificationReport;
  /** Right-hand captures as they are. */
  readonly captures: ClassificationReport;
  /** Held-out blocks of camera frames. */
  readonly frames: ClassificationReport;
  /** Right-hand captures with each joint's coordinates off by a normal deviation. */
  readonly robustness: readonly { readonly noiseMm: number; readonly accuracy: number }[];
  /** Handshapes that training never saw: what each was called, and the share called `none`. */
  readonly unseen: readonly UnseenDecision[];
  readonly unseenRejected: number;
  /** The share of those that are no look-alike of a gesture. */
  readonly distinctRejected: number;
  /** The same, each with 2 mm of noise, many times. */
  readonly unseenRejectedNoisy: number;
  readonly emulator: readonly NamedDecision[];
  /** Expected calibration error of the best score on the augmented right-hand captures, before the threshold. */
  readonly calibrationError: number;
}

const NOISE_MM = [0, 2, 4, 8];
const DRAWS = 50;
const MILLIMETRE = 0.001;

/** Runs the model over every held-out set; the same seed draws the same noise. */
export async function evaluate(
  classifier: Classifier,
  { data, threshold, seed }: { data: GestureData; threshold: number; seed: number },
): Promise<Evaluation> {
  const report = (set: SampleSet): Promise<ClassificationReport> => reportOn(classifier, set, threshold);
  const robustness = [];
  for (const noiseMm of NOISE_MM) {
    const { accuracy } = await report(noisy(data.knownCaptures, noiseMm, seed));
    robustness.push({ noiseMm, accuracy });
  }
  const unseen = await nameUnseen(classifier, data, threshold);
  return {
    tracked: await report(data.trackedTest),
    captures: await report(noisy(data.knownCaptures, 0, seed)),
    frames: await report(data.framesTest),
    robustness,
    unseen,
    unseenRejected: rejectedShare(unseen),
    distinctRejected: rejectedShare(unseen.filter(({ distanceDegrees }) => distanceDegrees >= LOOK_ALIKE_DEGREES)),
    unseenRejectedNoisy: (await report(noisy(data.unseenCaptures, 2, seed))).accuracy,
    emulator: await nameHands(classifier, emulatorHands(), threshold),
    calibrationError: await calibrationErrorOn(classifier, data.trackedTest),
  };
}

/** The classification report of one set; rows below the threshold count as `none`. */
export async function reportOn(classifier: Classifier, set: SampleSet, threshold: number): Promise<ClassificationReport> {
  const decisions = await classifier.classify(set, threshold);
  return classificationReport({
    labels: GESTURES,
    actual: set.classes,
    predicted: decisions.map((decision) => decision.gesture),
  });
}

/** What the model calls each of some captured hands. */
export async function nameHands(
  classifier: Classifier,
  hands: readonly HandCapture[],
  threshold: number,
): Promise<NamedDecision[]> {
  const decisions = await classifier.classify(captureSamples(seededRandom(0), hands, 0), threshold);
  return hands.map(({ name }, index) => {
    const { gesture, score }: Decision = decisions[index] ?? { gesture: NONE_INDEX, score: 0 };
    return { name, given: GESTURES[gesture] ?? 'none', score };
  });
}

async function nameUnseen(classifier: Classifier, data: GestureData, threshold: number): Promise<UnseenDecision[]> {
  const named = await nameHands(classifier, data.unseenCaptures, threshold);
  return named.map((decision, index) => {
    return { ...decision, ...nearestGesture(data, data.unseenCaptures[index]) };
  });
}

function nearestGesture(
  { prototypes }: GestureData,
  capture: HandCapture | undefined,
): Pick<UnseenDecision, 'nearest' | 'distanceDegrees'> {
  let nearest: Role = NONE;
  let smallest = Number.POSITIVE_INFINITY;
  for (const { role, skeleton } of prototypes) {
    if (role === NONE || capture === undefined) continue;
    const distance = shapeDistance(toSkeleton(capture), skeleton);
    if (distance >= smallest) continue;
    smallest = distance;
    nearest = role;
  }
  return { nearest, distanceDegrees: (smallest * 180) / Math.PI };
}

function rejectedShare(decisions: readonly NamedDecision[]): number {
  return decisions.filter(({ given }) => given === NONE).length / decisions.length;
}

function noisy(captures: readonly HandCapture[], noiseMm: number, seed: number): SampleSet {
  const random = seededRandom(seed);
  const draws = noiseMm === 0 ? 1 : DRAWS;
  return joinSamples(Array.from({ length: draws }, () => captureSamples(random, captures, noiseMm * MILLIMETRE)));
}

async function calibrationErrorOn(classifier: Classifier, set: SampleSet): Promise<number> {
  const decisions = await classifier.classify(set, 0);
  const correct = decisions.map((decision, row) => decision.gesture === set.classes[row]);
  return expectedCalibrationError(decisions.map((decision) => decision.score), correct);
}
