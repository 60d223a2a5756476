/** Brings together what a model is retrained on: labelled recordings of those who allow it, and a data set that is there already. */
import { CopresenceError } from '../../core/errors.ts';
import type { Dataset } from '../dataset/dataset.ts';
import { readLabelledFolder } from '../dataset/labelled-folder.ts';
import { readLabelledPaths } from '../dataset/recorded-paths.ts';
import { readLabelledHands } from '../dataset/recordings.ts';
import { makeDataset, openDataset } from '../dataset/store.ts';

export interface Material {
  readonly model: string;
  readonly recordings?: string | undefined;
  readonly base?: string | undefined;
  readonly heldOut: Dataset;
}

/**
 * The data set of one retraining. Whoever is in the held-out set is left out, so that it stays one that nobody has learnt from.
 *
 * @throws CopresenceError DATASET_INVALID when nothing is left or the layouts differ, RECORDING_INVALID for a damaged recording.
 */
export async function collectMaterial({ model, recordings, base, heldOut }: Material): Promise<Dataset> {
  const { layout, steps } = heldOut.description;
  const before = base === undefined ? undefined : openDataset(base);
  if (before !== undefined && !isSame([before.description.layout, before.description.steps], [layout, steps])) throw new CopresenceError('DATASET_INVALID', `${base} and the held-out set have other layouts or steps`);
  if (recordings !== undefined && layout.kind !== 'hand' && layout.kind !== 'path') throw new CopresenceError('DATASET_INVALID', 'recordings give hands and their paths; the held-out set holds something else');
  const found = recordings === undefined ? [] : await readLabelledFolder(recordings, layout.kind === 'path' ? readLabelledPaths : (recording, labels) => readLabelledHands(recording, labels, steps));
  const strangers = new Set(heldOut.samples.map(({ participant }) => participant));
  const samples = [...(before?.samples ?? []), ...found.flatMap((own) => own.samples)].filter(({ participant }) => !strangers.has(participant));
  return makeDataset({ name: model, layout, steps, samples, sources: [...(before?.description.sources ?? []), ...found.map(({ source }) => source)], history: ['collected for a retraining'] });
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
