/** Draws further hands from the bones of captured ones: samples of every label, hands that show nothing, and what a camera sees of them. */
import { CopresenceError } from '../../core/errors.ts';
import { randomBetween, randomNormal, seededRandom } from '../../core/random.ts';
import type { Random } from '../../core/random.ts';
import { XR_HAND_JOINT_COUNT } from '../../features/hand.ts';
import type { LabelledSample } from '../dataset/dataset.ts';
import { cameraView } from './camera-view.ts';
import { gestureHand, noneHand } from './draw.ts';
import type { HandPool, Touch } from './draw.ts';
import { toPositions, toSkeleton } from './skeleton.ts';
import type { Skeleton } from './skeleton.ts';

/** All but the noise as tracked by a headset; counts of 0 draw nothing. */
export interface DrawingOptions {
  /** Hands of each label. */
  readonly drawn: number;
  /** Hands that show nothing: another handshape, between two captures, with fingers of several, or a gesture done wrong. */
  readonly drawnNone: number;
  /** Of those as tracked, the share that is a gesture with one or two fingers done wrong. */
  readonly nearMisses: number;
  /** How far hands differ from the captures; 1 as people do. */
  readonly variation: number;
  /** The largest deviation of a joint's coordinates, metres; each hand has its own from 0 to this. */
  readonly drawnNoise: number;
  /** So many camera views of a label for each of its drawn hands, 0..1, of hands of their own with half of the noise. */
  readonly views: number;
  /** Hands without joints, which show nothing. */
  readonly empty: number;
  /** Hands of each label for a validation part that has too few captures, five times as many that show nothing. */
  readonly drawnValidation: number;
  /** The id of a sample that is a hand at rest: people mix it into what they do. */
  readonly rest: string;
  readonly touches: Readonly<Record<string, Touch>>;
}

export const NO_DRAWING: DrawingOptions = {
  drawn: 0, drawnNone: 0, nearMisses: 0, variation: 1, drawnNoise: 0, views: 0, empty: 0, drawnValidation: 0, rest: '', touches: {},
};

/** Views of hands that show nothing, at most, for each of a label: seen without depth, most handshapes can look like some other. */
const NONE_IN_VIEWS = 1;
/** Hands that show nothing in a validation part, for each that shows a label. */
const NONE_IN_VALIDATION = 5;
/** The same whatever a tuning tries, so that trials are judged on the same hands. Noise in metres. */
const IN_VALIDATION = { variation: 1, nearMisses: 0.25, drawnNoise: 0.006 };

/**
 * What is added to a training part: hands as tracked, then as cameras see them, then empty ones.
 *
 * @param train - only its tracked hands are drawn from; left hands are mirrored, so that all drawn hands are right ones.
 * @param none - the label of those that show nothing.
 * @throws CopresenceError CONFIG_INVALID when there is nothing to draw from, or no sample of the id `rest`.
 */
export function drawHands(train: readonly LabelledSample[], options: DrawingOptions, none: string, random: Random): LabelledSample[] {
  if (options.drawn + options.drawnNone + options.empty === 0) return [];
  const pool = poolOf(train, options, none);
  const counts = { perLabel: options.drawn, none: options.drawnNone };
  const seen = Math.round(options.views * options.drawn);
  const views = { perLabel: seen, none: Math.min(Math.round(options.views * options.drawnNone), NONE_IN_VIEWS * seen) };
  const empty = Array.from({ length: options.empty }, (_, index): LabelledSample => ({
    id: `empty~${index + 1}`, participant: 'drawn', label: none, handedness: 'right', values: new Array<number>(XR_HAND_JOINT_COUNT * 3).fill(0),
  }));
  return [
    ...drawFrom(random, pool, { ...counts, noise: options.drawnNoise, view: 'tracked' }),
    // A camera cannot tell a near miss: what is done wrong may lie in the depth.
    ...drawFrom(random, { ...pool, nearMisses: 0 }, { ...views, noise: options.drawnNoise / 2, view: 'camera' }),
    ...empty,
  ];
}

/** The same for a validation part: other hands, by another chance, of the captures that training draws from. */
export function drawValidation(train: readonly LabelledSample[], options: DrawingOptions, none: string, seed: number): LabelledSample[] {
  if (options.drawnValidation === 0) return [];
  const pool = poolOf(train, { ...options, ...IN_VALIDATION }, none);
  const drawn = drawFrom(seededRandom(seed), pool, { perLabel: options.drawnValidation, none: NONE_IN_VALIDATION * options.drawnValidation, noise: IN_VALIDATION.drawnNoise, view: 'tracked' });
  return drawn.map((sample) => ({ ...sample, id: `validation-${sample.id}`, group: 'drawn' }));
}

function poolOf(train: readonly LabelledSample[], options: DrawingOptions, none: string): HandPool {
  const captures = train.filter(({ view, values }) => view !== 'camera' && values?.every((value) => value !== null));
  if (captures.every(({ label }) => label === none)) throw new CopresenceError('CONFIG_INVALID', 'augmentation draws hands from tracked ones, and the training part has none that shows a label');
  const skeletonOf = ({ values, handedness }: LabelledSample): Skeleton => toSkeleton({ positions: Float32Array.from(values ?? [], Number), handedness: handedness ?? 'right' });
  const resting = captures.find(({ id }) => id === options.rest);
  if (options.rest !== '' && resting === undefined) throw new CopresenceError('CONFIG_INVALID', `augmentation.rest: no tracked hand of the training part has the id ${options.rest}`);
  const { touches, variation, nearMisses } = options;
  return {
    prototypes: captures.map((sample) => ({ label: sample.label, skeleton: skeletonOf(sample) })),
    none, touches, variation, nearMisses, rest: resting && skeletonOf(resting),
  };
}

interface DrawRequest {
  readonly perLabel: number;
  readonly none: number;
  /** Metres. */
  readonly noise: number;
  readonly view: 'tracked' | 'camera';
}

function drawFrom(random: Random, pool: HandPool, { perLabel, none, noise, view }: DrawRequest): LabelledSample[] {
  const labels = [...new Set(pool.prototypes.map(({ label }) => label))].filter((label) => label !== pool.none).sort();
  return [...labels, pool.none].flatMap((label) => Array.from({ length: label === pool.none ? none : perLabel }, (_, index): LabelledSample => {
    const hand = label === pool.none ? noneHand(random, pool) : gestureHand(random, pool, label);
    const positions = noisyPositions(random, hand, noise);
    return {
      id: `${view}-${label}~${index + 1}`, participant: 'drawn', label, handedness: 'right', view,
      values: view === 'camera' ? cameraView(random, positions) : Array.from(positions),
    };
  }));
}

/** A hand as a tracker gives it. @param noise - metres, the largest deviation. @returns [25, 3] metres. */
export function noisyPositions(random: Random, hand: Skeleton, noise: number): Float32Array {
  const positions = toPositions(hand);
  const deviation = randomBetween(random, 0, noise);
  return positions.map((coordinate) => coordinate + randomNormal(random) * deviation);
}
