/** The folder of one training run: what it was asked for, where it stands, and last of all what it made. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Clock } from '../../core/clock.ts';
import { CopresenceError } from '../../core/errors.ts';
import { withFolderLock } from '../../registry/folder-lock.ts';
import { formatNumber } from '../../registry/format.ts';
import { digestOf, fitsDigest } from '../../registry/digest.ts';
import { REFERENCE_FILE } from '../../registry/reference.ts';
import { sampleLayout } from '../dataset/dataset.ts';
import type { Encoding } from '../dataset/table.ts';
import { trainingConfig } from './config.ts';

export const RUN_FILES = {
  /** What and from what; the state is in it. */
  run: 'run.json',
  /** One line an epoch, while it trains. */
  history: 'history.jsonl',
  /** For going on after an interruption. */
  checkpoint: 'checkpoint.h5',
  weights: 'weights.h5',
  metrics: 'metrics.json',
  cleaning: 'cleaning.json',
  card: 'card.html',
  graph: 'model.onnx',
  /** What training saw, in bins, by which a server notices that it is asked something else. */
  reference: REFERENCE_FILE,
  /** As the registry wants it; written last, so a folder without it is not finished. */
  manifest: 'manifest.json',
} as const;

const encoding = z.strictObject({
  kind: z.enum(['columns', 'hand', 'hand-motion', 'path', 'text', 'motion']), steps: z.int(), width: z.int(), fill: z.array(z.number()).optional(),
});

/** The run that a student has learnt from. */
export const teacherRecord = z.strictObject({
  name: z.string(), family: z.string(), graphSha256: z.string().regex(/^[0-9a-f]{64}$/), temperature: z.number(), weight: z.number(),
});

/** The run whose weights a network began with, and what of them it took. */
export const startRecord = z.strictObject({
  name: z.string(), graphSha256: z.string().regex(/^[0-9a-f]{64}$/),
  carried: z.array(z.string()), fresh: z.array(z.string()),
  /** Whether it had learnt from samples that measure this run: `none` where both have one data set, `unknown` of another. */
  overlap: z.enum(['none', 'unknown']),
});

/** Where a model comes from: enough to make it again. */
const lineage = z.strictObject({
  dataset: z.strictObject({
    name: z.string(), version: z.string(), sha256: z.string(), samples: z.int(),
    sources: z.array(z.strictObject({ name: z.string(), origin: z.string(), licence: z.string(), sha256: z.string().optional() })),
  }),
  teacher: teacherRecord.optional(),
  start: startRecord.optional(),
  seed: z.int(),
  /** Of this program, where it runs from a checkout. */
  commit: z.string().nullable(),
  node: z.string(),
  /** `tfjs-wasm` and the like: another backend may give another last digit. */
  backend: z.string(),
  tensorflow: z.string(),
});

/** The highest number of the format `copresence.run` that this program knows. */
const RUN_FORMAT = 2;

export const runDescription = z.strictObject({
  format: z.literal(`copresence.run.v${RUN_FORMAT}`),
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/),
  state: z.enum(['running', 'done', 'failed']),
  /** Why, where it failed. */
  failure: z.string().optional(),
  config: trainingConfig,
  layout: sampleLayout,
  steps: z.int(),
  labels: z.array(z.string()),
  encoding,
  lineage,
});
export type RunDescription = z.infer<typeof runDescription>;

/** @throws CopresenceError RUN_INVALID when the folder holds a run. */
export function refuseRun(folder: string): void {
  if (existsSync(join(folder, RUN_FILES.run))) throw new CopresenceError('RUN_INVALID', `${folder} holds a run already; go on with it by --resume, or give another --out`);
}

export function createRunFolder(folder: string): void {
  refuseRun(folder);
  mkdirSync(folder, { recursive: true });
}

/**
 * Makes a run's or a tuning's folder where there is none, and works in it alone: two processes would write over each other's epochs.
 *
 * @throws CopresenceError RUN_BUSY with the process that works in it; whatever `work` throws.
 */
export async function withRunFolder<Result>(folder: string, clock: Clock, work: () => Promise<Result>): Promise<Result> {
  mkdirSync(folder, { recursive: true });
  // A second try, since the first one takes the lock of a process that is gone away.
  return withFolderLock(folder, clock, work, { busy: 'RUN_BUSY', maxTries: 2 });
}

export function writeRun(folder: string, description: RunDescription): void {
  writeWhole(join(folder, RUN_FILES.run), `${JSON.stringify(description, null, 2)}\n`);
}

/** By the number of a format, what makes the next of it. */
const LIFTS: Readonly<Record<number, (run: Record<string, unknown>) => Record<string, unknown>>> = {
  // Runs of the first format had no teacher and no start from another run; that both are absent means the same in the second.
  1: (run) => ({ ...run, format: 'copresence.run.v2' }),
};

/**
 * A `run.json` of any known format in that of this program; other values as they are.
 *
 * @throws CopresenceError FORMAT_NEWER for one of a newer program.
 */
export function liftRun(value: unknown, where: string): { readonly value: unknown; readonly from: number; readonly to: number } {
  const from = formatNumber(value, { name: 'copresence.run', field: 'format', current: RUN_FORMAT, where }) ?? RUN_FORMAT;
  let lifted = value;
  for (let number = from; number < RUN_FORMAT; number++) lifted = LIFTS[number]?.(lifted as Record<string, unknown>) ?? lifted;
  return { value: lifted, from, to: RUN_FORMAT };
}

/** @throws CopresenceError RUN_INVALID when there is none, or it does not fit its schema; FORMAT_NEWER for one of a newer program. */
export function readRun(folder: string): RunDescription {
  const path = join(folder, RUN_FILES.run);
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new CopresenceError('RUN_INVALID', `${folder} holds no training run (${RUN_FILES.run} cannot be read)`, { cause });
  }
  const parsed = runDescription.safeParse(liftRun(value, path).value);
  if (!parsed.success) throw new CopresenceError('RUN_INVALID', `${path}: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

const manifestFiles = z.object({ files: z.record(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/), z.object({ sha256: z.string(), bytes: z.int() })) });

/**
 * The bytes of a finished run's graph, checked.
 *
 * @throws CopresenceError RUN_INVALID for an unfinished run, MODEL_TAMPERED when a file is not what the manifest says.
 */
export function readGraph(folder: string): Uint8Array {
  const run = readRun(folder);
  const path = join(folder, RUN_FILES.manifest);
  if (run.state !== 'done' || !existsSync(path)) throw new CopresenceError('RUN_INVALID', `${folder} is not finished: ${run.failure ?? run.state}`);
  const { files } = manifestFiles.parse(JSON.parse(readFileSync(path, 'utf8')));
  for (const [name, expected] of Object.entries(files)) {
    const own = join(folder, name);
    if (!existsSync(own) || !fitsDigest(readFileSync(own), expected)) throw new CopresenceError('MODEL_TAMPERED', `${own} is not the file that its manifest describes`);
  }
  return readFileSync(join(folder, RUN_FILES.graph));
}

export function appendHistory(folder: string, line: object): void {
  appendFileSync(join(folder, RUN_FILES.history), `${JSON.stringify(line)}\n`);
}

/** Writes aside and renames: a reader sees the old file or the new one, never a part. */
export function writeWhole(path: string, content: string | Uint8Array): void {
  const aside = `${path}.partial`;
  try {
    writeFileSync(aside, content);
    renameSync(aside, path);
  } catch (error) {
    // On a full disk what was written of it is room that others need.
    rmSync(aside, { recursive: true, force: true });
    throw error;
  }
}

/** The commit that runs, or null outside of a checkout. */
export function currentCommit(): string | null {
  try {
    return execFileSync('git', ['rev-parse', 'HEAD'], { cwd: import.meta.dirname, stdio: ['ignore', 'pipe', 'ignore'] }).toString().trim();
  } catch {
    return null;
  }
}

export function fileDigest(content: string | Uint8Array): { sha256: string; bytes: number } {
  return digestOf(typeof content === 'string' ? new TextEncoder().encode(content) : content);
}

/** As the schema gives it back: without `undefined` in place of what is left out. */
export function encodingOf(description: RunDescription): Encoding {
  const { fill, ...rest } = description.encoding;
  return fill === undefined ? rest : { ...rest, fill };
}
