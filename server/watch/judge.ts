/** Judges what was seen of a model version in one window: a pure function of counts. */
import { ownValue } from '../../core/own-value.ts';
import { distanceByChance, halveBins, independentSamples, indexByChance, kolmogorovSmirnov, populationStabilityIndex, PSI_LARGE, PSI_SMALL } from '../../features/drift.ts';
import { sharesOf } from '../../features/bins.ts';
import type { WatchReference } from '../watch-flow.ts';

/** What a version was asked and said since its window began. */
export interface LookCounts {
  readonly samples: number;
  /** Whose samples they are, by number. */
  readonly people: number;
  /** As in `Looks`. */
  readonly columns: ArrayLike<number>;
  readonly confidence: ArrayLike<number>;
  readonly labels: Readonly<Record<string, number>>;
}

/** How the requests of sessions ended since the window began. */
export interface OutcomeCounts {
  readonly answered: number;
  readonly failed: number;
  readonly late: number;
}

/** What can go wrong with a version in service. */
export const TROUBLES = ['input-drift', 'confidence-drift', 'label-drift', 'failures', 'lateness'] as const;
export type Trouble = (typeof TROUBLES)[number];

/** `large` is to be acted on; from `small` on it is worth a look; `unknown`: too little was seen, or nothing to hold it against. */
export type Level = 'unknown' | 'none' | 'small' | 'large';

export interface Finding {
  readonly trouble: Trouble;
  readonly level: Level;
  /** The population stability index, of inputs the highest; of failures and lateness their share. */
  readonly value: number;
  /** The Kolmogorov-Smirnov distance, of inputs that of the column with the highest index. */
  readonly distance?: number;
  /** Of inputs: columns that have shifted, and the five with the highest index. */
  readonly shifted?: number;
  readonly worst?: readonly { readonly name: string; readonly value: number }[];
}

/** How often chance alone may call a version's inputs, or its confidences, or its labels shifted: once in so many windows. */
const ALPHA = 0.01;
const MAX_FAILED = 0.05;
const MAX_LATE = 0.1;
const WORST_COLUMNS = 5;
/** Of the standard normal distribution, one-sided 99 %. */
const Z = 2.326;

/** @param reference - of training, or what the version did at first. @param labelled - for the labels, where another one has them. */
export function judgeLooks(counts: LookCounts, reference: WatchReference, labelled = reference.outputs): Finding[] {
  return [judgeInputs(counts, reference.inputs), judgeConfidence(counts, reference.outputs), judgeLabels(counts, labelled)];
}

export function judgeOutcomes({ answered, failed, late }: OutcomeCounts): Finding[] {
  return [judgeShare('failures', failed, answered + failed, MAX_FAILED), judgeShare('lateness', late, answered + late, MAX_LATE)];
}

function nothing(trouble: Trouble): Finding {
  return { trouble, level: 'unknown', value: 0 };
}

/** With many columns one or the other lies far off by chance, so each is held against its part of the chance (Bonferroni). */
function judgeInputs(counts: LookCounts, inputs: WatchReference['inputs']): Finding {
  const { columns } = counts;
  if (inputs === undefined || columns.length === 0) return nothing('input-drift');
  let offset = 0;
  const seen = inputs.columns.map(({ name, shares, likeness }) => {
    const own = sharesOf(Array.from({ length: shares.length }, (_, bin) => columns[offset + bin] ?? 0));
    offset += shares.length;
    return { name, ...compare(shares, own, { ...worthOf(counts, inputs, likeness), alpha: ALPHA / inputs.columns.length, ordered: true }) };
  });
  const worst = seen.filter(({ level }) => level !== 'none').sort((left, right) => right.value - left.value);
  const shifted = worst.filter(({ level }) => level === 'large').length;
  const first = [...seen].sort((left, right) => right.value - left.value)[0];
  return {
    trouble: 'input-drift', level: shifted > 0 ? 'large' : worst.length > 0 ? 'small' : 'none', value: first?.value ?? 0, distance: first?.distance ?? 0,
    shifted, worst: worst.slice(0, WORST_COLUMNS).map(({ name, value }) => ({ name, value })),
  };
}

function judgeConfidence(counts: LookCounts, outputs: WatchReference['outputs']): Finding {
  if (outputs === undefined) return nothing('confidence-drift');
  return { trouble: 'confidence-drift', ...compare(outputs.confidence, sharesOf(counts.confidence), { ...worthOf(counts, outputs, outputs.confidenceLikeness), alpha: ALPHA, ordered: true }) };
}

function judgeLabels(counts: LookCounts, outputs: WatchReference['outputs']): Finding {
  const { labels } = counts;
  const expected = outputs?.labels;
  const names = [...new Set([...Object.keys(expected ?? {}), ...Object.keys(labels)])];
  if (outputs === undefined || expected === undefined || names.length < 2) return nothing('label-drift');
  const { level, value } = compare(names.map((name) => ownValue(expected, name) ?? 0), sharesOf(names.map((name) => ownValue(labels, name) ?? 0)), { ...worthOf(counts, outputs, outputs.labelLikeness), alpha: ALPHA, ordered: false });
  return { trouble: 'label-drift', level, value };
}

/** Independent samples of the window, and of the reference. */
function worthOf({ samples, people }: LookCounts, reference: { readonly samples: number; readonly participants: number }, likeness: number | undefined): { worth: number; from: number } {
  return { worth: independentSamples(samples, people, likeness), from: independentSamples(reference.samples, reference.participants, likeness) };
}

interface Comparison {
  /** Independent samples of the window, and of the reference. */
  readonly worth: number;
  readonly from: number;
  readonly alpha: number;
  /** Whether the bins have an order, without which there is no cumulative distribution. */
  readonly ordered: boolean;
}

/** A shift counts when it is large enough to matter and one of the two tests, each with half of the chance, says that it is none. */
function compare(expected: readonly number[], actual: readonly number[], { worth, from, alpha, ordered }: Comparison): { level: Exclude<Level, 'unknown'>; value: number; distance: number } {
  const [before, now] = ordered ? [halveBins(expected), halveBins(actual)] : [expected, actual];
  const value = populationStabilityIndex(before, now);
  const distance = ordered ? kolmogorovSmirnov(expected, actual) : 0;
  const part = ordered ? alpha / 2 : alpha;
  const isShift = value > indexByChance(before.length, worth, from, part) || (ordered && distanceByChance(distance, worth, from) < part);
  return { level: isShift && value >= PSI_LARGE ? 'large' : isShift && value >= PSI_SMALL ? 'small' : 'none', value, distance };
}

/** Large when the share is above its bound with 99 % confidence (Wilson 1927), none again when it is below half of it. */
function judgeShare(trouble: Trouble, count: number, total: number, bound: number): Finding {
  if (total === 0) return nothing(trouble);
  const share = count / total;
  const centre = share + (Z * Z) / (2 * total);
  const spread = Z * Math.sqrt((share * (1 - share)) / total + (Z * Z) / (4 * total * total));
  const lowest = (centre - spread) / (1 + (Z * Z) / total);
  return { trouble, level: lowest > bound ? 'large' : share < bound / 2 ? 'none' : 'small', value: share };
}
