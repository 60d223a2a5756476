/** Imports the CSV that `sim convert` writes: participants, clocks and space resets come back as they were. */
import { createPoseSample, type PoseSample } from '../../protocol/codec/pose-sample.ts';
import type { ItemClocks } from '../../recording/format.ts';
import { CSV_COLUMNS, CSV_PARTS } from '../export/csv.ts';
import type { Imported } from './imported.ts';
import { lineProblem, readLines } from './text-lines.ts';

/** The first line of such a file. */
export const CSV_HEAD = CSV_COLUMNS.join(',');
const PARTS = new Map(CSV_PARTS.map((part) => [part.label, part]));

/** @throws CopresenceError RECORDING_INVALID with the line, while poses are asked for. */
export function importPoseCsv(path: string, name: string): Imported {
  return { name, source: 'measured', notes: [], poses: () => readPoses(path) };
}

interface Row extends ItemClocks {
  readonly participantId: string;
  /** What lines of one sample share. */
  readonly key: string;
  readonly numbers: readonly number[];
  readonly part: string;
}

async function* readPoses(path: string): ReturnType<Imported['poses']> {
  const sample = createPoseSample();
  let open: Row | undefined;
  for await (const { number, text } of readLines(path)) {
    if (number === 1) {
      if (text !== CSV_HEAD) throw lineProblem(path, 1, `is not ${CSV_HEAD}`);
      continue;
    }
    if (text === '') continue;
    const row = readRow(text);
    if (row === undefined) throw lineProblem(path, number, `has no ${CSV_COLUMNS.length} columns of the right kind`);
    if (row.key !== open?.key) {
      if (open !== undefined) yield { ...open, sample };
      if (row.arrivedMs < (open?.arrivedMs ?? -Infinity)) throw lineProblem(path, number, 'arrived before the one in front of it');
      open = row;
      sample.valid = 0;
      sample.tracked = 0;
    }
    const problem = addPart(row, sample);
    if (problem !== undefined) throw lineProblem(path, number, problem);
  }
  if (open === undefined) throw lineProblem(path, 1, 'begins a file without a pose');
  yield { ...open, sample };
}

function readRow(text: string): Row | undefined {
  const quoted = /^"((?:[^"]|"")*)",/.exec(text);
  const participantId = quoted === null ? text.slice(0, text.indexOf(',')) : (quoted[1] ?? '').replaceAll('""', '"');
  const rest = text.slice(quoted === null ? participantId.length + 1 : quoted[0].length).split(',');
  if (rest.length !== CSV_COLUMNS.length - 1) return undefined;
  const [captureDeviceMs, captureServerMs, arrivedMs, epoch, part, ...numbers] = rest.map((field, index) => (index === 4 ? field : field === '' ? NaN : Number(field)));
  const all = [captureDeviceMs, captureServerMs, arrivedMs, epoch, ...numbers];
  if (!all.every((value) => typeof value === 'number' && Number.isFinite(value))) return undefined;
  const clocks = { captureDeviceMs: Number(captureDeviceMs), captureServerMs: Number(captureServerMs), arrivedMs: Number(arrivedMs) };
  return { ...clocks, participantId, key: `${participantId} ${rest.slice(0, 4).join(' ')}`, part: String(part), numbers: [Number(epoch), ...numbers.map(Number)] };
}

function addPart({ part, numbers }: Row, sample: PoseSample): string | undefined {
  const known = PARTS.get(part);
  if (known === undefined) return `has the part "${part}"`;
  const [epoch = 0, tracked = 0, ...floats] = numbers;
  sample.spaceEpoch = epoch;
  sample.valid |= known.bit;
  if (tracked !== 0) sample.tracked |= known.bit;
  sample[known.array].set(floats, known.at);
  return undefined;
}
