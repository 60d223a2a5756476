/** Keeps a run apart from what another run has learnt: its figures would be of rows that the other knows by heart. */
import { CopresenceError } from '../../core/errors.ts';
import { cleanSamples } from '../dataset/clean.ts';
import type { Dataset } from '../dataset/dataset.ts';
import type { RunDescription } from './folder.ts';
import { cutSamples } from './prepare.ts';
import type { PreparedData } from './prepare.ts';

/**
 * @param data - as this run has cut it.
 * @param other - a run whose answers are used or compared here.
 * @throws CopresenceError RUN_INVALID when the other run has another data set or other labels; DATASET_LEAKS when it has learnt
 * from samples that measure this one.
 */
export function refuseOtherData(dataset: Dataset, data: Pick<PreparedData, 'labels' | 'samples'>, other: RunDescription): void {
  const { version } = dataset.description;
  if (other.lineage.dataset.version !== version) throw new CopresenceError('RUN_INVALID', `${other.name} learnt from version ${other.lineage.dataset.version}, not ${version}`);
  if (other.labels.join('\n') !== data.labels.join('\n')) throw new CopresenceError('RUN_INVALID', `${other.name} knows other labels: ${other.labels.join(', ')}`);
  refuseLearnt(dataset, data, other);
}

/** The last of these alone. @param other - a run on the same data set. */
export function refuseLearnt(dataset: Dataset, data: Pick<PreparedData, 'samples'>, other: RunDescription): void {
  const learnt = cutSamples(cleanSamples(dataset.samples, dataset.description, other.config.cleaning).samples, other.config).train;
  const known = new Set(learnt.map(({ id }) => id));
  const leaked = [...data.samples.validation, ...data.samples.test].filter(({ id }) => known.has(id)).length;
  if (leaked > 0) throw new CopresenceError('DATASET_LEAKS', `${other.name} learnt from ${leaked} samples that measure this run; give both the same seed and cleaning`);
}
