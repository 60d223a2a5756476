/** A folder of recordings as one data set of tracks. */
import { readdirSync } from 'node:fs';
import { basename, dirname, join, sep } from 'node:path';
import { CopresenceError } from '../../core/errors.ts';
import { openRecording } from '../../recording/reader.ts';
import { PARTS } from './dataset.ts';
import type { LabelledSample } from './dataset.ts';
import type { Collected } from './sources.ts';
import { readTracks } from './tracks.ts';

/**
 * The tracks of every recording below a folder, in the order of their names.
 *
 * An import knows nobody's name, and calls everybody the same. So people are told apart by the folder that a recording lies in as well as by their id; and a
 * folder at the top that is called `train`, `validation` or `test` says which part they are for.
 *
 * @throws CopresenceError DATASET_INVALID when there is no recording or no track in them; as `openRecording`.
 */
export async function readTrackFolder(folder: string): Promise<Collected> {
  const files = listFiles(folder);
  const samples: LabelledSample[] = [];
  const notes: string[] = [];
  for (const file of files) {
    const place = dirname(file).split(sep).filter((name) => name !== '.');
    const part = PARTS.find((own) => own === place[0]);
    const people = part === undefined ? place : place.slice(1);
    const recording = await openRecording(join(folder, file));
    try {
      const name = [...people, basename(file, '.mcap')].join('/');
      const read = await readTracks(recording, { name, prefix: people.map((own) => `${own}/`).join(''), part });
      samples.push(...read.samples);
      notes.push(...read.notes);
    } finally {
      await recording.close();
    }
  }
  if (samples.length === 0) throw new CopresenceError('DATASET_INVALID', `${folder}: ${files.length} recordings give no track of a participant who allows training`);
  return { layout: { kind: 'track' }, steps: 1, samples, notes };
}

function listFiles(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.mcap')).sort();
  } catch (cause) {
    throw new CopresenceError('DATASET_INVALID', `cannot read the folder ${folder}`, { cause });
  }
}
