/** The folder of a tuning: what was asked for, every trial as it ended, and what was chosen. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { CopresenceError } from '../../core/errors.ts';
import { trainingConfig } from '../run/config.ts';
import { writeWhole } from '../run/folder.ts';
import { searchSpace } from './space.ts';
import type { Assignment } from './space.ts';
import { STRATEGIES } from './strategies.ts';
import { TUNING_METRICS } from './trial.ts';

export const TUNING_FILES = {
  /** What was asked for, and at the end what was chosen. */
  tuning: 'tuning.json',
  /** One line a trial, as it ends. */
  trials: 'trials.jsonl',
  page: 'tuning.html',
  /** A training run with the best configuration. */
  run: 'run',
} as const;

/** Trials of one tuning; the Gaussian process takes time that grows with their cube. */
export const MAX_TRIALS = 500;

const values = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.union([z.string(), z.number()]))]));
export const trial = z.strictObject({
  /** From 0. */
  number: z.int().min(0),
  values,
  state: z.enum(['done', 'pruned', 'failed']),
  /** Higher is better; of one that was given up the best so far, of one that failed none. */
  score: z.number().optional(),
  steps: z.array(z.number()),
  durationMs: z.number(),
  /** Why, where it failed. */
  failure: z.string().optional(),
});
export type Trial = Omit<z.infer<typeof trial>, 'values'> & { readonly values: Assignment };

export const tuningDescription = z.strictObject({
  format: z.literal('copresence.tuning.v1'),
  name: z.string(),
  state: z.enum(['running', 'done']),
  /** Digest of the data set's samples. */
  dataset: z.string(),
  base: trainingConfig,
  space: searchSpace,
  strategy: z.enum(STRATEGIES),
  trials: z.int().min(1).max(MAX_TRIALS),
  seed: z.int(),
  /** `huber` of tracks, the others of labels. */
  metric: z.enum([...TUNING_METRICS, 'huber']),
  folds: z.int().optional(),
  pruning: z.strictObject({ warmUpTrials: z.int().min(1), warmUpSteps: z.int().min(0) }).optional(),
  /** Number and score of the best trial, once all have ended. */
  best: z.strictObject({ number: z.int(), score: z.number(), values }).optional(),
});
export type TuningDescription = z.infer<typeof tuningDescription>;

/** @param folder - is there. @throws CopresenceError RUN_INVALID when it holds a tuning already. */
export function beginTuning(folder: string, description: TuningDescription): void {
  if (existsSync(join(folder, TUNING_FILES.tuning))) throw new CopresenceError('RUN_INVALID', `${folder} holds a tuning already; go on with it by --resume, or give another --out`);
  writeTuning(folder, description);
}

export function writeTuning(folder: string, description: TuningDescription): void {
  writeWhole(join(folder, TUNING_FILES.tuning), `${JSON.stringify(description, null, 2)}\n`);
}

/** @throws CopresenceError RUN_INVALID when there is none, or it does not fit its schema. */
export function readTuning(folder: string): TuningDescription {
  const path = join(folder, TUNING_FILES.tuning);
  if (!existsSync(path)) throw new CopresenceError('RUN_INVALID', `${folder} holds no tuning (${TUNING_FILES.tuning})`);
  const parsed = tuningDescription.safeParse(tryJson(readFileSync(path, 'utf8')));
  if (!parsed.success) throw new CopresenceError('RUN_INVALID', `${path}: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

export function appendTrial(folder: string, own: Trial): void {
  appendFileSync(join(folder, TUNING_FILES.trials), `${JSON.stringify(own)}\n`);
}

/**
 * The trials that ended. A last line that was cut off belongs to a trial that is made again, and is taken out of the file.
 *
 * @throws CopresenceError RUN_INVALID with the line that is no trial.
 */
export function readTrials(folder: string): Trial[] {
  const path = join(folder, TUNING_FILES.trials);
  if (!existsSync(path)) return [];
  const text = readFileSync(path, 'utf8');
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  if (whole !== text) writeWhole(path, whole);
  return whole.split('\n').filter((line) => line !== '').map((line, index) => {
    const parsed = trial.safeParse(tryJson(line));
    if (!parsed.success) throw new CopresenceError('RUN_INVALID', `${path}:${index + 1}: ${z.prettifyError(parsed.error)}`);
    return parsed.data;
  });
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
