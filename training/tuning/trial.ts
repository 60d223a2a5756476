/** One trial of a tuning: trains one configuration and scores it, without looking at the test part. Runs in a process of its own. */
import type { Clock } from '../../core/clock.ts';
import { findTensorflow } from '../../registry/tensorflow.ts';
import type { Tensorflow } from '../../registry/tensorflow.ts';
import { cleanSamples } from '../dataset/clean.ts';
import type { Dataset } from '../dataset/dataset.ts';
import { foldSamples } from '../dataset/split.ts';
import type { Parts } from '../dataset/split.ts';
import { openDataset } from '../dataset/store.ts';
import { classificationReport } from '../evaluate/classification.ts';
import { bestClasses } from '../models/classifier.ts';
import { fitModel } from '../models/fit.ts';
import type { FitProgress } from '../models/fit.ts';
import { networkClassifier } from '../models/network.ts';
import type { TrainingConfig } from '../run/config.ts';
import { judgeFold } from '../run/cross-validate.ts';
import { cutSamples, prepareParts } from '../run/prepare.ts';
import { isBehind } from './median-rule.ts';

export const TUNING_METRICS = ['macro-f1', 'accuracy', 'loss'] as const;
export type TuningMetric = (typeof TUNING_METRICS)[number];

export interface TrialRequest {
  readonly datasetFolder: string;
  readonly config: TrainingConfig;
  readonly metric: TuningMetric;
  /** Folds over the training and validation parts; without them the validation part decides. */
  readonly folds?: number;
  /** What its score must reach at each step, else it ends. */
  readonly bar: readonly number[];
}

export interface TrialOutcome {
  readonly state: 'done' | 'pruned';
  /** Higher is better: the loss counts as its negative. Of a trial that was given up the best so far. */
  readonly score: number;
  /** After each epoch of a network, or the mean after each fold. */
  readonly steps: readonly number[];
}

/** @throws CopresenceError TRAINING_FAILED when it diverges. */
export async function runTrial(request: TrialRequest, _clock: Clock, onProgress: (progress: FitProgress) => void): Promise<TrialOutcome> {
  const { description, samples } = openDataset(request.datasetFolder);
  const cleaned = cleanSamples(samples, description, request.config.cleaning).samples;
  const parts = cutSamples(cleaned, request.config);
  const { tf } = await findTensorflow();
  if (request.folds === undefined) return holdOut(tf, description, parts, request, onProgress);
  return overFolds(tf, description, foldSamples([...parts.train, ...parts.validation], request.folds, request.config.seed), request, onProgress);
}

async function holdOut(tf: Tensorflow, description: Dataset['description'], { train, validation }: Parts, request: TrialRequest, onProgress: (progress: FitProgress) => void): Promise<TrialOutcome> {
  const { labels, tables } = prepareParts(description, { train, validation, test: [] }, request.config);
  const judge = { classes: tables.validation.classes, labels };
  const steps: number[] = [];
  let isPruned = false;
  const { classifier } = await fitModel(tf, request.config, tables, {
    onProgress,
    onEpoch: (_figures, network) => {
      steps.push(scoreOf({ ...judge, probabilities: networkClassifier(tf, network).predict(tables.validation.features, tables.validation.count) }, request.metric));
      isPruned = isBehind(Math.max(...steps), steps.length - 1, request.bar);
      return Promise.resolve(isPruned ? 'stop' : undefined);
    },
  });
  if (isPruned) return { state: 'pruned', score: Math.max(...steps), steps };
  const probabilities = classifier.predict(tables.validation.features, tables.validation.count);
  return { state: 'done', score: scoreOf({ ...judge, probabilities }, request.metric), steps };
}

async function overFolds(tf: Tensorflow, description: Dataset['description'], folds: readonly Parts[], request: TrialRequest, onProgress: (progress: FitProgress) => void): Promise<TrialOutcome> {
  const steps: number[] = [];
  let sum = 0;
  for (const [index, parts] of folds.entries()) {
    const tell = (progress: FitProgress): void => onProgress({ ...progress, stage: `fold ${index + 1}: ${progress.stage}` });
    sum += scoreOf(await judgeFold(tf, description, parts, request.config, { onProgress: tell }), request.metric);
    steps.push(sum / (index + 1));
    // A mean over folds can fall again, so what counts is where it stands.
    if (index + 1 < folds.length && isBehind(steps[index]!, index, request.bar)) return { state: 'pruned', score: steps[index]!, steps };
  }
  return { state: 'done', score: sum / folds.length, steps };
}

export interface ScoredRows {
  readonly labels: readonly string[];
  readonly classes: Int32Array;
  /** [rows, labels] */
  readonly probabilities: Float32Array;
}

export function scoreOf({ labels, classes, probabilities }: ScoredRows, metric: TuningMetric): number {
  if (metric === 'loss') {
    const sum = classes.reduce((total, own, row) => total + Math.log(Math.max(1e-12, probabilities[row * labels.length + own]!)), 0);
    return sum / classes.length;
  }
  const { accuracy, macroF1 } = classificationReport({ labels, actual: classes, predicted: bestClasses(probabilities, labels.length) });
  return metric === 'accuracy' ? accuracy : macroF1;
}
