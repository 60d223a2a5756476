/** Brings together what a model is retrained on: labelled recordings of those who allow it, and a data set that is there already. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { CopresenceError } from '../../core/errors.ts';
import { openRecording } from '../../recording/reader.ts';
import type { Dataset, LabelledSample, SourceRecord } from '../dataset/dataset.ts';
import { parseLabels, readLabelledHands } from '../dataset/recordings.ts';
import { makeDataset, openDataset, readFileBytes } from '../dataset/store.ts';

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
  if (recordings !== undefined && layout.kind !== 'hand') throw new CopresenceError('DATASET_INVALID', 'recordings give hands; the held-out set holds something else');
  const found = recordings === undefined ? [] : await readRecordings(recordings, steps);
  const strangers = new Set(heldOut.samples.map(({ participant }) => participant));
  const samples = [...(before?.samples ?? []), ...found.flatMap((own) => own.samples)].filter(({ participant }) => !strangers.has(participant));
  return makeDataset({ name: model, layout, steps, samples, sources: [...(before?.description.sources ?? []), ...found.map(({ source }) => source)], history: ['collected for a retraining'] });
}

interface FoundRecording {
  readonly samples: readonly LabelledSample[];
  readonly source: SourceRecord;
}

async function readRecordings(folder: string, steps: number): Promise<FoundRecording[]> {
  const found: FoundRecording[] = [];
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.mcap')).sort() : [];
  for (const name of names) {
    const labelsFile = join(folder, name.replace(/\.mcap$/, '.labels.jsonl'));
    if (!existsSync(labelsFile)) continue;
    const labels = parseLabels(new TextDecoder().decode(readFileBytes(labelsFile)), labelsFile);
    const recording = await openRecording(join(folder, name));
    try {
      const { samples } = await readLabelledHands(recording, labels, steps);
      // Sample ids count from the beginning in each recording.
      found.push({ samples: samples.map((sample) => ({ ...sample, id: `${name} ${sample.id}`.slice(-200) })), source: { name, origin: 'a recording of this server', licence: 'consent to training of those recorded' } });
    } finally {
      await recording.close();
    }
  }
  return found;
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
