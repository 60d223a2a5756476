/** What a job's process can do, by name. */
import type { Clock } from '../../core/clock.ts';
import { inspectDataset } from '../dataset/inspection.ts';
import type { FitProgress } from '../models/fit.ts';
import { importModel } from '../import/import-model.ts';
import { optimiseLanguageRun } from '../language/optimise.ts';
import { trainLanguageRun } from '../language/train-run.ts';
import { optimiseRun } from '../optimise/optimise-run.ts';
import { crossValidatePredictor } from '../prediction/cross-validate.ts';
import { optimisePredictor } from '../prediction/optimise.ts';
import { trainPredictor } from '../prediction/train-predictor.ts';
import { runPredictorTrial } from '../prediction/trial.ts';
import { runTrial } from '../tuning/trial.ts';
import { crossValidate } from './cross-validate.ts';
import { trainRun } from './train-run.ts';

type Job<Input, Result> = (input: Input, clock: Clock, onProgress: (progress: FitProgress) => void) => Promise<Result>;

export const JOBS = {
  train: trainRun,
  predictor: trainPredictor,
  predictorTrial: runPredictorTrial,
  optimisePredictor,
  crossValidatePredictor,
  language: trainLanguageRun,
  optimise: optimiseRun,
  optimiseLanguage: optimiseLanguageRun,
  import: importModel,
  crossValidate,
  inspect: inspectDataset,
  trial: runTrial,
} as const satisfies Record<string, Job<never, unknown>>;

export type JobKind = keyof typeof JOBS;
export type JobInput<Kind extends JobKind> = Parameters<(typeof JOBS)[Kind]>[0];
export type JobResult<Kind extends JobKind> = Awaited<ReturnType<(typeof JOBS)[Kind]>>;
