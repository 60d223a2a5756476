/** What a model is retrained from, when the result is good enough, and where it is tried: one JSON file. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { CopresenceError } from '../../core/errors.ts';
import { modelName } from '../../registry/manifest.ts';
import { readTrainingConfig, type TrainingConfig } from '../run/config.ts';

const path = z.string().min(1);

const plan = z.strictObject({
  model: modelName,
  /** Folder of recordings; a `<name>.mcap` is used where there is a `<name>.labels.jsonl` beside it. */
  recordings: path.optional(),
  /** Data set that is learnt from besides. */
  base: path.optional(),
  /** Data set that every version is measured on, and that none is trained on: whoever is in it is left out of training. */
  heldOut: path,
  /** Where data sets, runs and the state of the retraining are kept. */
  work: path,
  modelsFolder: path,
  /** As for `copresence model train`. */
  config: z.record(z.string(), z.unknown()).default({}),
  gate: z.strictObject({
    /** How much higher the macro F1 has to be than that of the version in production; negative lets a slightly worse one pass. */
    minGain: z.number().min(-1).max(1).default(0),
    /** On fewer held-out samples nothing is decided. */
    minSamples: z.int().min(1).default(50),
  }).prefault({}),
  licence: z.string().min(1),
  /** Where a version that has passed the gate is tried; it is only published where left out. */
  server: z.strictObject({ url: z.url({ protocol: /^https?$/ }), tokenFile: path, rules: z.record(z.string(), z.unknown()).default({}) }).optional(),
  signingKeyFile: path.optional(),
  alert: z.strictObject({ url: z.url({ protocol: /^https?$/ }), keyFile: path.optional() }).optional(),
}).refine(({ recordings, base }) => recordings !== undefined || base !== undefined, 'give recordings, base or both');

export type RetrainPlan = Omit<z.infer<typeof plan>, 'config'> & { readonly config: TrainingConfig };

/**
 * Reads a plan; its paths are relative to its own folder.
 *
 * @throws CopresenceError CONFIG_INVALID naming what does not fit.
 */
export function readPlan(file: string): RetrainPlan {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new CopresenceError('CONFIG_INVALID', `${file} cannot be read as JSON`, { cause });
  }
  const parsed = plan.safeParse(value);
  if (!parsed.success) throw new CopresenceError('CONFIG_INVALID', `${file}: ${z.prettifyError(parsed.error)}`);
  const at = (own: string): string => resolve(dirname(file), own);
  const { recordings, base, server, signingKeyFile, alert, heldOut, work, modelsFolder, config, ...rest } = parsed.data;
  return {
    ...rest,
    heldOut: at(heldOut), work: at(work), modelsFolder: at(modelsFolder), config: readTrainingConfig(config),
    ...(recordings === undefined ? {} : { recordings: at(recordings) }),
    ...(base === undefined ? {} : { base: at(base) }),
    ...(server === undefined ? {} : { server: { ...server, tokenFile: at(server.tokenFile) } }),
    ...(signingKeyFile === undefined ? {} : { signingKeyFile: at(signingKeyFile) }),
    ...(alert === undefined ? {} : { alert: { url: alert.url, ...(alert.keyFile === undefined ? {} : { keyFile: at(alert.keyFile) }) } }),
  };
}

/** A secret that a plan names: the first line of a file. @throws CopresenceError CONFIG_INVALID when it cannot be read, or is empty. */
export function readSecret(file: string): string {
  try {
    const [line = ''] = readFileSync(file, 'utf8').split('\n');
    if (line.trim() !== '') return line.trim();
  } catch (cause) {
    throw new CopresenceError('CONFIG_INVALID', `cannot read ${file}`, { cause });
  }
  throw new CopresenceError('CONFIG_INVALID', `${file} is empty`);
}
