/** Takes out what a model must not learn from, and says of each sample why. */
import { createHash } from 'node:crypto';
import { XR_HAND_JOINT_COUNT } from '../../features/hand.ts';
import { PARENTS } from '../hands/skeleton.ts';
import type { LabelledSample, SampleLayout } from './dataset.ts';
import { valuesPerStep } from './dataset.ts';
import { countBy } from './store.ts';
import { refuseTracks } from './track.ts';

export const REMOVAL_REASONS = ['empty', 'too-much-missing', 'invalid-joints', 'duplicate', 'contradiction', 'outlier', 'rare-label'] as const;
export type RemovalReason = (typeof REMOVAL_REASONS)[number];

export interface CleaningOptions {
  /** A sample with a larger share of missing values is removed; gaps of the others are filled over time, or when a model is fitted. */
  readonly maxMissingShare: number;
  /** Root mean square of a sample's robust z-scores within its label, from which it is an outlier; Infinity keeps all. */
  readonly outlierScore: number;
  /** A label with fewer samples cannot be split into three parts. */
  readonly minPerLabel: number;
}

export const DEFAULT_CLEANING: CleaningOptions = { maxMissingShare: 0.2, outlierScore: 8, minPerLabel: 3 };

export interface CleaningReport {
  readonly seen: number;
  readonly kept: number;
  readonly removed: readonly { readonly id: string; readonly reason: RemovalReason }[];
  readonly byReason: Readonly<Record<string, number>>;
  /** Missing values that were filled from the steps before and after. */
  readonly filledValues: number;
}

/**
 * Cleans samples in this order: empty, missing, invalid joints, filling over time, duplicates and contradictions, outliers,
 * rare labels. Of equal samples with one label the first stays; with different labels none does, since nobody knows which is right.
 *
 * @throws CopresenceError CONFIG_INVALID for tracks.
 */
export function cleanSamples(
  samples: readonly LabelledSample[], shape: { layout: SampleLayout; steps: number }, options: CleaningOptions = DEFAULT_CLEANING,
): { readonly samples: LabelledSample[]; readonly report: CleaningReport } {
  refuseTracks(shape.layout);
  const reasons = new Map<string, RemovalReason>();
  let filledValues = 0;
  let kept = samples.flatMap((sample) => {
    const reason = unusable(sample, shape.layout, options);
    if (reason !== undefined) {
      reasons.set(sample.id, reason);
      return [];
    }
    const filled = fillOverTime(sample, valuesPerStep(shape.layout), shape.steps);
    filledValues += filled.count;
    return [filled.sample];
  });
  const drop = (found: ReadonlyMap<string, RemovalReason>): void => {
    for (const [id, reason] of found) reasons.set(id, reason);
    kept = kept.filter(({ id }) => !found.has(id));
  };
  drop(findDuplicates(kept));
  if (shape.layout.kind !== 'text') drop(findOutliers(kept, options.outlierScore));
  const counts = countBy(kept.map(({ label }) => label));
  drop(new Map(kept.filter(({ label }) => (counts[label] ?? 0) < options.minPerLabel).map(({ id }) => [id, 'rare-label'])));
  const removed = [...reasons].map(([id, reason]) => ({ id, reason }));
  return {
    samples: kept,
    report: { seen: samples.length, kept: kept.length, removed, byReason: countBy(removed.map(({ reason }) => reason)), filledValues },
  };
}

function unusable({ values, text, view }: LabelledSample, layout: SampleLayout, options: CleaningOptions): RemovalReason | undefined {
  if (layout.kind === 'text') return text === undefined || text.trim() === '' ? 'empty' : undefined;
  if (values === undefined || values.every((value) => value === null)) return 'empty';
  const missing = values.filter((value) => value === null).length;
  if (missing > options.maxMissingShare * values.length) return 'too-much-missing';
  if (layout.kind === 'hand' && view !== 'camera' && !values.every((_, at) => at % HAND !== 0 || handIsPossible(values.slice(at, at + HAND)))) return 'invalid-joints';
  return undefined;
}

const HAND = XR_HAND_JOINT_COUNT * 3;
/** Metres: no bone of a hand is longer, a palm (wrist to middle knuckle) is no shorter. */
const LONGEST_BONE = 0.15;
const SHORTEST_PALM = 0.02;
const MIDDLE_KNUCKLE = 11;

/** Missing joints say nothing against a hand; present ones must be where a hand's could be. */
function handIsPossible(values: readonly (number | null)[]): boolean {
  const palm = boneLength(values, 0, MIDDLE_KNUCKLE);
  if (palm !== undefined && palm < SHORTEST_PALM) return false;
  return PARENTS.every((parent, joint) => parent < 0 || (boneLength(values, parent, joint) ?? 0) <= LONGEST_BONE);
}

function boneLength(values: readonly (number | null)[], from: number, to: number): number | undefined {
  let square = 0;
  for (let axis = 0; axis < 3; axis++) {
    const a = values[from * 3 + axis];
    const b = values[to * 3 + axis];
    if (a === null || b === null || a === undefined || b === undefined) return undefined;
    square += (a - b) ** 2;
  }
  return Math.sqrt(square);
}

/** A gap takes the straight line between the steps around it, at the ends the nearest step's value. */
function fillOverTime(sample: LabelledSample, width: number, steps: number): { sample: LabelledSample; count: number } {
  const { values } = sample;
  if (steps < 2 || values === undefined || !values.includes(null)) return { sample, count: 0 };
  const filled = [...values];
  let count = 0;
  for (let column = 0; column < width; column++) {
    const known = Array.from({ length: steps }, (_, step) => step).filter((step) => typeof values[step * width + column] === 'number');
    if (known.length === 0) continue;
    for (let step = 0; step < steps; step++) {
      if (values[step * width + column] !== null) continue;
      const after = known.find((other) => other > step) ?? known.at(-1) ?? 0;
      const before = known.findLast((other) => other < step) ?? after;
      const [low, high] = [Number(values[before * width + column]), Number(values[after * width + column])];
      filled[step * width + column] = before === after ? low : low + ((high - low) * (step - before)) / (after - before);
      count++;
    }
  }
  return { sample: { ...sample, values: filled }, count };
}

function findDuplicates(samples: readonly LabelledSample[]): Map<string, RemovalReason> {
  const groups = new Map<string, LabelledSample[]>();
  for (const sample of samples) {
    const key = sample.text === undefined ? `${sample.handedness} ${digestOfValues(sample.values ?? [])}` : sample.text.trim().replace(/\s+/g, ' ').toLowerCase();
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [sample]);
    else group.push(sample);
  }
  const found = new Map<string, RemovalReason>();
  for (const [first, ...others] of groups.values()) {
    if (first === undefined || others.length === 0) continue;
    const contradicts = others.some(({ label }) => label !== first.label);
    if (contradicts) found.set(first.id, 'contradiction');
    for (const { id } of others) found.set(id, contradicts ? 'contradiction' : 'duplicate');
  }
  return found;
}

/** Equal values (0 and -0 are), equal text; a gap is unlike every number. Short, since there is one for each of up to a million samples. */
export function digestOfValues(values: readonly (number | null)[]): string {
  return createHash('sha256').update(Float64Array.from(values, (value) => (value ?? Number.NaN) + 0)).digest('base64');
}

/** A label with fewer samples has no spread to speak of. */
const MIN_FOR_OUTLIERS = 8;
/** Of a normal distribution, deviations per median absolute deviation (Iglewicz and Hoaglin 1993, "How to Detect and Handle Outliers"). */
const MAD_TO_DEVIATION = 1.4826;
/** One wild value among many columns must count, but not without bound. */
const LARGEST_SCORE = 100;

function findOutliers(samples: readonly LabelledSample[], limit: number): Map<string, RemovalReason> {
  const found = new Map<string, RemovalReason>();
  // Numbers of a camera mean something else than those of a tracker.
  const kindOf = ({ label, view }: LabelledSample): string => `${view === 'camera' ? 'camera' : 'tracked'} ${label}`;
  for (const kind of new Set(samples.map(kindOf))) {
    const own = samples.filter((sample) => kindOf(sample) === kind);
    if (own.length < MIN_FOR_OUTLIERS) continue;
    const width = own[0]?.values?.length ?? 0;
    const squares = new Float64Array(own.length);
    let columns = 0;
    for (let column = 0; column < width; column++) {
      const values = own.map((sample) => sample.values?.[column] ?? Number.NaN);
      const middle = median(values);
      const spread = MAD_TO_DEVIATION * median(values.map((value) => Math.abs(value - middle)));
      if (!(spread > 0)) continue;
      columns++;
      values.forEach((value, row) => {
        if (!Number.isNaN(value)) squares[row]! += Math.min(LARGEST_SCORE, Math.abs(value - middle) / spread) ** 2;
      });
    }
    own.forEach(({ id }, row) => {
      if (columns > 0 && Math.sqrt(squares[row]! / columns) > limit) found.set(id, 'outlier');
    });
  }
  return found;
}

/** Of the numbers among them; NaN where there is none. */
export function median(values: readonly number[]): number {
  // Of a typed array the sort is by number, and several times as fast.
  const sorted = Float64Array.from(values.filter((value) => !Number.isNaN(value))).sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? Number.NaN) : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}
