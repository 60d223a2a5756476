/** Every labelled recording of a folder. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { openRecording } from '../../recording/reader.ts';
import type { Recording } from '../../recording/reader.ts';
import type { LabelledSample, SourceRecord } from './dataset.ts';
import { parseLabels } from './recordings.ts';
import type { LabelInterval } from './recordings.ts';
import type { Collected } from './sources.ts';
import { readFileBytes } from './store.ts';

/** What one recording gave. */
export interface FoundRecording {
  readonly samples: readonly LabelledSample[];
  readonly source: SourceRecord;
  readonly notes: readonly string[];
}

/**
 * Reads each `<name>.mcap` with a `<name>.labels.jsonl` beside it; none where the folder is missing.
 *
 * @throws CopresenceError DATASET_INVALID with the line of a label file, RECORDING_INVALID for a damaged recording.
 */
export async function readLabelledFolder(
  folder: string, read: (recording: Recording, labels: readonly LabelInterval[]) => Promise<Collected>,
): Promise<FoundRecording[]> {
  const found: FoundRecording[] = [];
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.mcap')).sort() : [];
  for (const name of names) {
    const labelsFile = join(folder, name.replace(/\.mcap$/, '.labels.jsonl'));
    if (!existsSync(labelsFile)) continue;
    const labels = parseLabels(new TextDecoder().decode(readFileBytes(labelsFile)), labelsFile);
    const recording = await openRecording(join(folder, name));
    try {
      const { samples, notes } = await read(recording, labels);
      // Sample ids count from the beginning in each recording.
      const own = samples.map((sample) => ({ ...sample, id: `${name} ${sample.id}`.slice(-200) }));
      found.push({ samples: own, source: { name, origin: 'a recording of this server', licence: 'consent to training of those recorded' }, notes: notes.map((note) => `${name}: ${note}`) });
    } finally {
      await recording.close();
    }
  }
  return found;
}
