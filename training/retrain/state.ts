/** How far a retraining has come, in a file: whoever takes it up again begins where it was left, and does nothing twice. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { CopresenceError } from '../../core/errors.ts';
import { writeWhole } from '../run/folder.ts';

/** `refused`: by the gate. `published`: without a server to try it on. */
export const OUTCOMES = ['refused', 'published', 'on-trial'] as const;
export type RetrainOutcome = (typeof OUTCOMES)[number];

const figures = z.strictObject({ samples: z.int(), candidate: z.number(), production: z.number(), productionVersion: z.string() });
export type GateFigures = z.infer<typeof figures>;

const cycle = z.strictObject({
  /** From 1 up. */
  number: z.int().positive(),
  /** What it is made of: data set, configuration, and what it is measured on. The same is not trained twice. */
  material: z.string(),
  /** Of the data set. */
  datasetFolder: z.string(),
  step: z.enum(['train', 'gate', 'publish', 'try', 'tell']),
  figures: figures.optional(),
  version: z.string().optional(),
  outcome: z.enum(OUTCOMES).optional(),
});
export type RetrainCycle = z.infer<typeof cycle>;

export const retrainState = z.strictObject({
  format: z.literal('copresence.retrain.v1'),
  /** What is under way. */
  cycle: cycle.optional(),
  /** What ended last. */
  last: cycle.optional(),
});
export type RetrainState = z.infer<typeof retrainState>;

const FILE = 'state.json';

/** @throws CopresenceError RUN_INVALID when the file is there and does not fit. */
export function readState(folder: string): RetrainState {
  const path = join(folder, FILE);
  if (!existsSync(path)) return { format: 'copresence.retrain.v1' };
  try {
    return retrainState.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    throw new CopresenceError('RUN_INVALID', `${path} is not the state of a retraining; move it away to begin anew`, { cause });
  }
}

export function writeState(folder: string, written: RetrainState): void {
  mkdirSync(folder, { recursive: true });
  writeWhole(join(folder, FILE), `${JSON.stringify(written, undefined, 2)}\n`);
}
