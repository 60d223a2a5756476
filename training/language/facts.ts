/** What a run of the language model knows of its weights whichever form of them is chosen; kept in its folder beside them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { CopresenceError } from '../../core/errors.ts';

/** In the run's folder. */
export const LANGUAGE_FILES = {
  /** The float32 graph, from which other forms are made. */
  weights: 'weights.onnx',
  facts: 'model.json',
} as const;

const figures = z.record(z.string(), z.number());

const languageFacts = z.strictObject({
  /** In scope, in the order of the head's columns. */
  intents: z.array(z.string()),
  thresholds: figures,
  /** On the test parts: a linear model for each head alone, and the commonest classes. */
  baselines: z.strictObject({ linear: figures, majority: figures }),
  seed: z.int(),
  /** Of which the best weights were kept, or that were run where they are a mean. */
  epochs: z.int(),
  /** Whether the weights are a mean over the second half of training. */
  isMean: z.boolean(),
});
export type LanguageFacts = z.infer<typeof languageFacts>;

const languageRun = z.object({
  format: z.literal('copresence.language-run.v1'),
  name: z.string(),
  state: z.enum(['running', 'done', 'failed']),
  lineage: z.object({ seed: z.int(), epochs: z.int(), sources: z.array(z.object({ name: z.string(), sha256: z.string(), bytes: z.int() })) }),
});
export type LanguageRunDescription = z.infer<typeof languageRun>;

/** Undefined for a folder without a run, and for a run of another kind. */
export function readLanguageRun(folder: string): LanguageRunDescription | undefined {
  return languageRun.safeParse(readJson(join(folder, 'run.json'))).data;
}

/** @throws CopresenceError RUN_INVALID when the run is not finished, or what it knows does not fit. */
export function readFacts(folder: string): LanguageFacts {
  const path = join(folder, LANGUAGE_FILES.facts);
  const parsed = languageFacts.safeParse(readJson(path));
  if (!parsed.success) throw new CopresenceError('RUN_INVALID', `${path}: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}
