/** Data sets on disk: `<folder>/<version>/{dataset.json, samples.jsonl}`, where the version is the digest of the content. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { z } from 'zod';
import { CopresenceError } from '../../core/errors.ts';
import { whyNot } from '../../core/system-error.ts';
import { digestOf, fitsDigest } from '../../registry/digest.ts';
import { formatNumber } from '../../registry/format.ts';
import { linesOf } from './lines.ts';
import { datasetDescription, labelledSample, MAX_LABELS, MAX_SAMPLES, valuesOf } from './dataset.ts';
import type { Dataset, DatasetDescription, LabelledSample, SampleLayout, SourceRecord } from './dataset.ts';
import { trackProblem } from './track.ts';

const DESCRIPTION = 'dataset.json';
const SAMPLES = 'samples.jsonl';
/** Names the newest version, so that a command can be given the folder above. */
const CURRENT = 'current';
/** A larger file is refused before it is read. */
const MAX_BYTES = 1024 ** 3;

export interface DatasetDraft {
  readonly name: string;
  readonly layout: SampleLayout;
  readonly steps: number;
  readonly samples: readonly LabelledSample[];
  readonly sources: readonly SourceRecord[];
  readonly history: readonly string[];
}

/**
 * Checks a draft and gives it its version; the same content has the same version, wherever it came from.
 *
 * @throws CopresenceError DATASET_INVALID for no samples, too many, one label only, an id twice, or a sample of another length.
 */
export function makeDataset(draft: DatasetDraft): Dataset {
  checkSamples(draft);
  const bytes = encodeSamples(draft.samples);
  if (bytes.length > MAX_BYTES) throw invalid(`the samples take ${bytes.length} bytes, of ${MAX_BYTES} at most`);
  const labels = [...new Set(draft.samples.map(({ label }) => label))].sort();
  if (labels.length < 2 && draft.layout.kind !== 'track') throw invalid(`every sample is called ${labels[0]}: a classifier needs at least two labels`);
  if (labels.length > MAX_LABELS) throw invalid(`${labels.length} labels, of ${MAX_LABELS} at most`);
  const description = datasetDescription.safeParse({
    format: 'copresence.dataset.v1',
    name: draft.name,
    version: versionOf(draft.layout, draft.steps, bytes),
    layout: draft.layout,
    steps: draft.steps,
    labels,
    counts: countBy(draft.samples.map(({ label }) => label)),
    participants: new Set(draft.samples.map(({ participant }) => participant)).size,
    samples: { ...digestOf(bytes), count: draft.samples.length },
    sources: draft.sources,
    history: draft.history,
  });
  if (!description.success) throw invalid(z.prettifyError(description.error));
  return { description: description.data, samples: draft.samples };
}

/**
 * Writes a data set under `folder` and makes it the current one. Whoever is interrupted leaves no half version: it is
 * written aside and renamed.
 *
 * @returns the version's folder.
 */
export function writeDataset(folder: string, { description, samples }: Dataset): string {
  const target = join(folder, description.version);
  const aside = join(folder, `.${description.version}-${process.pid}`);
  try {
    mkdirSync(aside, { recursive: true });
    if (!existsSync(join(target, DESCRIPTION))) {
      writeFileSync(join(aside, SAMPLES), encodeSamples(samples));
      writeFileSync(join(aside, DESCRIPTION), `${JSON.stringify(description, null, 2)}\n`);
      placeVersion(aside, target);
    }
    const current = `${aside}.${CURRENT}`;
    writeFileSync(current, `${description.version}\n`);
    renameSync(current, join(folder, CURRENT));
  } finally {
    rmSync(aside, { recursive: true, force: true });
    rmSync(`${aside}.${CURRENT}`, { force: true });
  }
  return target;
}

/** Whoever was faster has written the same: a version's name is its content. */
function placeVersion(aside: string, target: string): void {
  try {
    renameSync(aside, target);
  } catch (error) {
    if (!existsSync(join(target, DESCRIPTION))) throw error;
  }
}

/**
 * Opens a data set and checks every sample.
 *
 * @param folder - of a version, or the one above it, whose current version is taken.
 * @throws CopresenceError DATASET_INVALID with file and line; DATASET_TAMPERED when the samples are not those described.
 */
export function openDataset(folder: string): Dataset {
  const own = versionFolder(folder);
  const description = readDescription(own);
  const bytes = readFileBytes(join(own, SAMPLES));
  if (!fitsDigest(bytes, description.samples) || versionOf(description.layout, description.steps, bytes) !== description.version) {
    throw new CopresenceError('DATASET_TAMPERED', `${join(own, SAMPLES)} is not what ${DESCRIPTION} describes`);
  }
  const samples = parseSamples(bytes, join(own, SAMPLES));
  checkSamples({ ...description, samples });
  return { description, samples };
}

/**
 * What a data set says of itself; its samples are not looked at.
 *
 * @param folder - as `openDataset`.
 * @throws CopresenceError DATASET_INVALID.
 */
export function readDescription(folder: string): DatasetDescription {
  const path = join(versionFolder(folder), DESCRIPTION);
  const value = readJson(path);
  formatNumber(value, { name: 'copresence.dataset', field: 'format', current: 1, where: path });
  const parsed = datasetDescription.safeParse(value);
  if (!parsed.success) throw invalid(`${path}: ${z.prettifyError(parsed.error)}`);
  if (parsed.data.samples.bytes > MAX_BYTES) throw invalid(`${path} tells of ${parsed.data.samples.bytes} bytes, of ${MAX_BYTES} at most`);
  return parsed.data;
}

function versionFolder(folder: string): string {
  if (existsSync(join(folder, DESCRIPTION))) return folder;
  const current = join(folder, CURRENT);
  if (!existsSync(current)) throw invalid(`${folder} holds no data set (neither ${DESCRIPTION} nor ${CURRENT})`);
  const version = readFileSync(current, 'utf8').trim();
  if (!/^[0-9a-f]{16}$/.test(version)) throw invalid(`${current} does not name a version`);
  return join(folder, version);
}

/** One sample a line. @throws CopresenceError DATASET_INVALID with the line that is no sample. */
export function parseSamples(bytes: Uint8Array, file: string): LabelledSample[] {
  const samples: LabelledSample[] = [];
  for (const { line, text } of linesOf(bytes, file)) {
    const value = tryJson(text);
    if (value === undefined) throw invalid(`${file}:${line}: no JSON: ${text.slice(0, 40)}`);
    const parsed = labelledSample.safeParse(value);
    if (!parsed.success) throw invalid(`${file}:${line}: ${z.prettifyError(parsed.error)}`);
    samples.push(parsed.data);
    if (samples.length > MAX_SAMPLES) throw invalid(`${file} has more than ${MAX_SAMPLES} samples`);
  }
  return samples;
}

/** Lines that are joined before they are encoded: all at once would be more than a string can hold. */
const LINES_AT_ONCE = 1000;

function encodeSamples(samples: readonly LabelledSample[]): Uint8Array {
  const chunks: Buffer[] = [];
  for (let at = 0; at < samples.length; at += LINES_AT_ONCE) chunks.push(Buffer.from(samples.slice(at, at + LINES_AT_ONCE).map((sample) => `${JSON.stringify(sample)}\n`).join('')));
  return Buffer.concat(chunks);
}

function checkSamples({ samples, layout, steps }: Pick<DatasetDraft, 'samples' | 'layout' | 'steps'>): void {
  if (samples.length === 0) throw invalid('there is no sample');
  if (samples.length > MAX_SAMPLES) throw invalid(`${samples.length} samples, of ${MAX_SAMPLES} at most`);
  const ids = new Set<string>();
  for (const sample of samples) {
    const { id, values, text, view } = sample;
    if (ids.has(id)) throw invalid(`the id ${id} is there twice`);
    ids.add(id);
    if (view !== undefined && (layout.kind !== 'hand' || steps > 1)) throw invalid(`sample ${id} is a view of a hand, and these are ${steps > 1 ? 'movements' : layout.kind}`);
    if (layout.kind === 'track') {
      const problem = trackProblem(sample);
      if (problem !== undefined) throw invalid(`sample ${id} ${problem}`);
      continue;
    }
    const length = valuesOf(sample, layout, steps);
    if (layout.kind === 'text' ? text === undefined : values?.length !== length) {
      throw invalid(layout.kind === 'text' ? `sample ${id} has no text` : `sample ${id} has ${values?.length ?? 0} values, not ${length}`);
    }
  }
}

function versionOf(layout: SampleLayout, steps: number, samples: Uint8Array): string {
  return createHash('sha256').update(`${JSON.stringify(layout)} ${steps}\n`).update(samples).digest('hex').slice(0, 16);
}

export function countBy(names: readonly string[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** A name for a data set from where it lies: what its folder is called. @throws CopresenceError DATASET_INVALID for one that cannot be. */
export function datasetNameOf(folder: string): string {
  const name = basename(resolve(folder));
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(name)) throw invalid(`'${name}' cannot name a data set: a-z, 0-9 and - only, 63 characters at most`);
  return name;
}

/** @throws CopresenceError DATASET_INVALID when it cannot be read or is larger than what a data set may be. */
export function readFileBytes(path: string): Uint8Array {
  try {
    const { size } = statSync(path);
    if (size > MAX_BYTES) throw invalid(`${path} has ${size} bytes, of ${MAX_BYTES} at most`);
    return readFileSync(path);
  } catch (cause) {
    if (cause instanceof CopresenceError) throw cause;
    throw new CopresenceError('DATASET_INVALID', `cannot read ${path}: ${whyNot(cause)}`, { cause });
  }
}

function readJson(path: string): unknown {
  return tryJson(new TextDecoder().decode(readFileBytes(path)));
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function invalid(detail: string): CopresenceError {
  return new CopresenceError('DATASET_INVALID', detail);
}

