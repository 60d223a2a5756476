/** What a job's process can do, by name; it loads only what its job needs. */
import type { Clock } from '../../core/clock.ts';
import type { FitProgress } from '../models/fit.ts';

type Job<Input, Result> = (input: Input, clock: Clock, onProgress: (progress: FitProgress) => void) => Promise<Result>;

export const JOBS = {
  train: async () => (await import('./train-run.ts')).trainRun,
  predictor: async () => (await import('../prediction/train-predictor.ts')).trainPredictor,
  predictorTrial: async () => (await import('../prediction/trial.ts')).runPredictorTrial,
  optimisePredictor: async () => (await import('../prediction/optimise.ts')).optimisePredictor,
  crossValidatePredictor: async () => (await import('../prediction/cross-validate.ts')).crossValidatePredictor,
  language: async () => (await import('../language/train-run.ts')).trainLanguageRun,
  optimise: async () => (await import('../optimise/optimise-run.ts')).optimiseRun,
  optimiseLanguage: async () => (await import('../language/optimise.ts')).optimiseLanguageRun,
  import: async () => (await import('../import/import-model.ts')).importModel,
  crossValidate: async () => (await import('./cross-validate.ts')).crossValidate,
  inspect: async () => (await import('../dataset/inspection.ts')).inspectDataset,
  trial: async () => (await import('../tuning/trial.ts')).runTrial,
} as const satisfies Record<string, () => Promise<Job<never, unknown>>>;

type JobOf<Kind extends JobKind> = Awaited<ReturnType<(typeof JOBS)[Kind]>>;
export type JobKind = keyof typeof JOBS;
export type JobInput<Kind extends JobKind> = Parameters<JobOf<Kind>>[0];
export type JobResult<Kind extends JobKind> = Awaited<ReturnType<JobOf<Kind>>>;
