/** `sim convert`: other formats to MCAP, and MCAP to other formats. */
import { stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { CopresenceError } from '../../core/errors.ts';
import { copyRecording } from '../../recording/copy.ts';
import type { RecordedKind, RecordingItem } from '../../recording/format.ts';
import type { RecordingWritable } from '../../recording/mcap-output.ts';
import { openRecording } from '../../recording/reader.ts';
import { toCsv } from '../export/csv.ts';
import { toIwer } from '../export/iwer.ts';
import { detectFormat, importFile, INPUT_FORMATS, type InputFormat } from '../import/formats.ts';
import { ONLY_PARTICIPANT, type Imported } from '../import/imported.ts';
import { importedItems, writeImported, type ImportedItem } from '../import/write-recording.ts';
import { count } from '../report/numbers.ts';
import { compressorOf, numberOf, OUTPUT_HELP, OUTPUT_OPTIONS, outputFile, readArguments, textOf, wordOf, type Values } from './arguments.ts';
import { EXIT, type SimCommand } from './command.ts';
import { showShare, type ShareProgress } from './share-progress.ts';

const OUTPUT_FORMATS = ['mcap', 'iwer', 'csv'] as const;
type OutputFormat = (typeof OUTPUT_FORMATS)[number];
const BY_EXTENSION: Readonly<Record<string, OutputFormat>> = { '.mcap': 'mcap', '.json': 'iwer', '.csv': 'csv' };

const POSES: ReadonlySet<RecordedKind> = new Set(['pose']);

const OPTIONS = {
  ...OUTPUT_OPTIONS, from: { type: 'string' }, to: { type: 'string' }, unit: { type: 'string' }, participant: { type: 'string' }, 'allow-training': { type: 'boolean', default: false }, as: { type: 'string' }, generated: { type: 'boolean', default: false },
} as const;

export const convert: SimCommand = {
  help: `Usage: copresence-sim convert <in> <out> [options]

Reads A-Frame's motion capture, iwer's ActionRecorder, BVH, head traces and poses as CSV, and MCAP; writes MCAP, iwer's format and CSV.

  --from <format>      ${INPUT_FORMATS.join(', ')} (by how the file begins)
  --to <format>        ${OUTPUT_FORMATS.join(', ')} (by its name: .mcap, .json, .csv)
  --unit <m>           for BVH: metres that one unit is (by the skeleton's height)
  --participant <id>   for iwer, which has one: whom (who has most poses)
  --generated          note that a program made the movement, which else counts as measured
  --as <id>            what the participant of a format with one is called (import-0): who trains with several imports tells people apart by it
  --allow-training     note that the licence of what is imported allows to train models with it
${OUTPUT_HELP}`,
  async run(args) {
    const { values, paths: [from = '', to = ''] } = readArguments(args, OPTIONS, ['<in>', '<out>']);
    const output = wordOf(values, 'to', OUTPUT_FORMATS) ?? BY_EXTENSION[extname(to).toLowerCase()];
    if (output === undefined) throw new CopresenceError('CONFIG_INVALID', `--to has to say what ${to} is: ${OUTPUT_FORMATS.join(', ')}`);
    const unitM = numberOf(values, 'unit', { least: 1e-6, most: 1000 });
    const input = wordOf(values, 'from', INPUT_FORMATS) ?? (await detectFormat(from));
    const progress = showShare(process.stderr, 'Converting');
    try {
      await (input === 'mcap' ? convertRecording(from, to, output, values, progress) : importTo({ from, to, input, output, unitM }, values));
      return EXIT.ok;
    } finally {
      progress.end();
    }
  },
};

async function convertRecording(from: string, to: string, output: OutputFormat, values: Values, progress: ShareProgress): Promise<void> {
  const recording = await openRecording(from);
  try {
    const onProgress = (share: number): void => progress.update(share);
    if (output !== 'mcap') return await exportTo(() => recording.items({ kinds: POSES, onProgress }), to, output, values);
    const copied = await copyRecording(recording, await outputFile(to, values), { compressor: await compressorOf(values), onProgress });
    say(`  ${count(copied)} items in ${to}`);
  } finally {
    await recording.close();
  }
}

interface ImportJob {
  readonly from: string;
  readonly to: string;
  readonly input: Exclude<InputFormat, 'mcap'>;
  readonly output: OutputFormat;
  readonly unitM: number | undefined;
}

async function importTo({ from, to, input, output, unitM }: ImportJob, values: Values): Promise<void> {
  const read = await importFile(from, input, { unitM });
  const imported = calledAs(values['generated'] === true ? { ...read, source: 'generated' } : read, textOf(values, 'as'));
  for (const note of imported.notes) process.stderr.write(`  Note: ${note}\n`);
  // The nearest to when it was recorded that a file can say.
  const started = { wallMs: Math.round((await stat(from)).mtimeMs), serverMs: 0 };
  const training = values['allow-training'] === true;
  if (output === 'mcap') {
    const written = await writeImported(imported, { writable: await outputFile(to, values), started, training, compressor: await compressorOf(values) });
    return say(`  ${count(written)} poses in ${to}`);
  }
  const items = (): AsyncIterable<RecordingItem> => onlyItems(importedItems(imported, { serverMs: 0 }));
  await exportTo(items, to, output, values);
}

function calledAs(imported: Imported, participantId: string | undefined): Imported {
  if (participantId === undefined) return imported;
  return {
    ...imported,
    async *poses() {
      for await (const pose of imported.poses()) yield pose.participantId === ONLY_PARTICIPANT ? { ...pose, participantId } : pose;
    },
  };
}

async function* onlyItems(imported: AsyncIterable<ImportedItem>): AsyncGenerator<RecordingItem, void, void> {
  for await (const { item } of imported) yield item;
}

/** @param poses - begins anew with each call. */
async function exportTo(poses: () => AsyncIterable<RecordingItem>, to: string, output: Exclude<OutputFormat, 'mcap'>, values: Values): Promise<void> {
  const participant = output === 'iwer' ? await chooseParticipant(poses(), textOf(values, 'participant')) : undefined;
  const counted = { poses: 0 };
  const items = counting(poses(), participant, counted);
  await writeText(output === 'csv' ? toCsv(items) : toIwer(items), await outputFile(to, values));
  say(`  ${count(counted.poses)} poses${participant === undefined ? '' : ` of ${participant}`} in ${to}; pictures, chat and results are not in that format`);
}

async function chooseParticipant(items: AsyncIterable<RecordingItem>, wanted: string | undefined): Promise<string> {
  const poses = new Map<string, number>();
  for await (const { participantId } of items) poses.set(participantId, (poses.get(participantId) ?? 0) + 1);
  const ids = [...poses].sort(([, a], [, b]) => b - a).map(([id]) => id);
  if (wanted !== undefined && !poses.has(wanted)) throw new CopresenceError('CONFIG_INVALID', `--participant ${wanted} has no poses in the recording: ${ids.join(', ')}`);
  const chosen = wanted ?? ids[0];
  if (chosen === undefined) throw new CopresenceError('RECORDING_INVALID', 'nobody in the recording has poses');
  return chosen;
}

/** Of one participant, or of all. */
async function* counting(items: AsyncIterable<RecordingItem>, participant: string | undefined, counted: { poses: number }): AsyncGenerator<RecordingItem, void, void> {
  for await (const item of items) {
    if (participant !== undefined && item.participantId !== participant) continue;
    counted.poses++;
    yield item;
  }
}

/** Text is gathered into blocks of this size: a write for each line would take longer than making it. */
const BLOCK_CHARACTERS = 256 * 1024;

/** What was written before an error is kept. */
async function writeText(text: AsyncIterable<string>, file: RecordingWritable): Promise<void> {
  const encoder = new TextEncoder();
  let block = '';
  try {
    for await (const piece of text) {
      block += piece;
      if (block.length < BLOCK_CHARACTERS) continue;
      await file.write(encoder.encode(block));
      block = '';
    }
  } finally {
    await file.write(encoder.encode(block));
    await file.close();
  }
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
