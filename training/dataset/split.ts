/** Cuts a data set by participant, so that nobody is on two sides, with the labels in the same shares everywhere. */
import { CopresenceError } from '../../core/errors.ts';
import { seededRandom, shuffle } from '../../core/random.ts';
import { digestOfValues } from './clean.ts';
import { PARTS } from './dataset.ts';
import type { LabelledSample, Part } from './dataset.ts';

export type Parts = Readonly<Record<Part, readonly LabelledSample[]>>;

const SHARES: Readonly<Record<Part, number>> = { train: 0.7, validation: 0.15, test: 0.15 };

/**
 * The parts as the source has cut them, else 70 / 15 / 15 % by participant and label.
 *
 * @param mayLack - parts that need not have every label, since they are added to.
 * @throws CopresenceError DATASET_LEAKS when the source's parts share a participant or a sample; DATASET_INVALID when a part
 * lacks a label or only some samples name a part.
 */
export function splitSamples(samples: readonly LabelledSample[], seed: number, mayLack: readonly Part[] = []): Parts {
  const cut = samples.filter(({ part }) => part !== undefined).length;
  if (cut > 0 && cut < samples.length) throw new CopresenceError('DATASET_INVALID', `${cut} of ${samples.length} samples name a part; all or none must`);
  const places = cut > 0 ? samples.map(({ part }) => PARTS.indexOf(part ?? 'train')) : dealGroups(samples, PARTS.map((part) => SHARES[part]), seed);
  const of = (index: number): LabelledSample[] => samples.filter((_, at) => places[at] === index);
  const parts = { train: of(0), validation: of(1), test: of(2) };
  refuseLeaks(parts);
  requireLabels(parts, mayLack);
  return parts;
}

/**
 * Folds by participant and label: each is the test part once, the one after it the validation part, the rest is for training.
 *
 * @param folds - 3 or more.
 * @throws CopresenceError DATASET_INVALID when a training part lacks a label, or a fold is empty.
 */
export function foldSamples(samples: readonly LabelledSample[], folds: number, seed: number): Parts[] {
  const places = dealGroups(samples, Array.from({ length: folds }, () => 1 / folds), seed);
  const labels = new Set(samples.map(({ label }) => label));
  return Array.from({ length: folds }, (_, fold) => {
    const next = (fold + 1) % folds;
    const of = (wanted: (place: number) => boolean): LabelledSample[] => samples.filter((_sample, at) => wanted(places[at]!));
    const parts = { train: of((place) => place !== fold && place !== next), validation: of((place) => place === next), test: of((place) => place === fold) };
    const known = new Set(parts.train.map(({ label }) => label));
    const missing = [...labels].find((label) => !known.has(label));
    if (missing !== undefined) throw new CopresenceError('DATASET_INVALID', `no sample of ${missing} in the training part of fold ${fold + 1}: its samples come from too few participants`);
    if (parts.validation.length === 0 || parts.test.length === 0) throw new CopresenceError('DATASET_INVALID', `fewer participants than ${folds} folds`);
    refuseLeaks(parts);
    return parts;
  });
}

/**
 * Deals whole participants, the largest first, each to the part that it leaves nearest to its share of every label (as
 * scikit-learn's StratifiedGroupKFold).
 *
 * @returns [samples] the place of each in `shares`.
 */
function dealGroups(samples: readonly LabelledSample[], shares: readonly number[], seed: number): number[] {
  const labels = [...new Set(samples.map(({ label }) => label))].sort();
  const labelAt = new Map(labels.map((label, index) => [label, index]));
  const counts = new Map<string, number[]>();
  const totals = labels.map(() => 0);
  for (const { participant, label } of samples) {
    const own = counts.get(participant) ?? labels.map(() => 0);
    const at = labelAt.get(label) ?? 0;
    own[at]! += 1;
    totals[at]! += 1;
    counts.set(participant, own);
  }
  // The shuffle decides among groups of one size; the sort is stable.
  const order = shuffle(seededRandom(seed), [...counts.keys()].sort()).sort((a, b) => sum(counts.get(b)) - sum(counts.get(a)));
  const filled = shares.map(() => labels.map(() => 0));
  const placeOf = new Map<string, number>();
  for (const participant of order) {
    const own = counts.get(participant) ?? [];
    const costs = shares.map((share, part) => labels.reduce((cost, _, at) => {
      const wanted = share * totals[at]!;
      const before = (filled[part]![at]! - wanted) / Math.max(wanted, 1e-9);
      const after = (filled[part]![at]! + own[at]! - wanted) / Math.max(wanted, 1e-9);
      return cost + (after ** 2 - before ** 2) * share;
    }, 0));
    const best = costs.indexOf(Math.min(...costs));
    own.forEach((count, at) => (filled[best]![at]! += count));
    placeOf.set(participant, best);
  }
  return samples.map(({ participant }) => placeOf.get(participant) ?? 0);
}

function refuseLeaks(parts: Parts): void {
  const seen = { participant: new Map<string, Part>(), content: new Map<string, Part>() };
  for (const part of PARTS) {
    for (const { participant, id, values, text } of parts[part]) {
      const content = text ?? digestOfValues(values ?? []);
      const other = seen.participant.get(participant) ?? part;
      const twin = seen.content.get(content) ?? part;
      if (other !== part) throw new CopresenceError('DATASET_LEAKS', `participant ${participant} is in ${other} and in ${part}`);
      if (twin !== part) throw new CopresenceError('DATASET_LEAKS', `sample ${id} of ${part} is in ${twin} too`);
      seen.participant.set(participant, part);
      seen.content.set(content, part);
    }
  }
}

function requireLabels(parts: Parts, mayLack: readonly Part[]): void {
  const labels = new Set(PARTS.flatMap((part) => parts[part].map(({ label }) => label)));
  for (const part of PARTS.filter((own) => !mayLack.includes(own))) {
    const own = new Set(parts[part].map(({ label }) => label));
    for (const label of labels) {
      if (own.has(label)) continue;
      const detail = `no sample of ${label} in the ${part} part: its samples come from too few participants`;
      throw new CopresenceError('DATASET_INVALID', detail);
    }
  }
}

function sum(values: readonly number[] | undefined): number {
  return (values ?? []).reduce((total, value) => total + value, 0);
}
