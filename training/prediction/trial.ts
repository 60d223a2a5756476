/** One trial of a tuning on tracks: as `tuning/trial.ts`, scored by the loss that training makes small. Runs in a process of its own. */
import type { Clock } from '../../core/clock.ts';
import { findTensorflow } from '../../registry/tensorflow.ts';
import type { Tensorflow } from '../../registry/tensorflow.ts';
import { foldSamples, splitSamples } from '../dataset/split.ts';
import type { Parts } from '../dataset/split.ts';
import { openDataset } from '../dataset/store.ts';
import type { FitProgress } from '../models/fit.ts';
import { isBehind } from '../tuning/median-rule.ts';
import type { TrialOutcome, TrialRequest } from '../tuning/trial.ts';
import { predictionConfig } from './config.ts';
import type { PredictionConfig } from './config.ts';
import { fitPredictor, judgedRows } from './fit.ts';
import { huberLoss } from './rows.ts';
import { trackOf } from './windows.ts';

type PredictorTrial = Omit<TrialRequest, 'metric'>;

/** @throws CopresenceError TRAINING_FAILED when it diverges; DATASET_INVALID and DATASET_LEAKS as `splitSamples`. */
export async function runPredictorTrial(request: PredictorTrial, _clock: Clock, onProgress: (progress: FitProgress) => void): Promise<TrialOutcome> {
  const { config, folds } = request;
  const parts = splitSamples(openDataset(request.datasetFolder).samples, config.seed);
  const prediction = config.prediction ?? predictionConfig.parse({});
  const { tf } = await findTensorflow();
  if (folds === undefined) return holdOut(tf, parts, { request, prediction, onProgress });
  return overFolds(tf, foldSamples([...parts.train, ...parts.validation], folds, config.seed), { request, prediction, onProgress });
}

interface Trying {
  readonly request: PredictorTrial;
  readonly prediction: PredictionConfig;
  readonly onProgress: (progress: FitProgress) => void;
}

/** What is kept is the epoch with the lowest loss, so that its loss is the score. */
async function holdOut(tf: Tensorflow, { train, validation }: Parts, { request: { config, bar }, prediction, onProgress }: Trying): Promise<TrialOutcome> {
  const steps: number[] = [];
  let isPruned = false;
  await fitPredictor(tf, { train: train.map(trackOf), validation: validation.map(trackOf), config, prediction }, {
    onProgress,
    onEpoch: ({ validationLoss }) => {
      steps.push(-validationLoss);
      isPruned = isBehind(Math.max(...steps), steps.length - 1, bar);
      return Promise.resolve(isPruned ? 'stop' : undefined);
    },
  });
  return { state: isPruned ? 'pruned' : 'done', score: Math.max(...steps), steps };
}

async function overFolds(tf: Tensorflow, folds: readonly Parts[], { request: { config, bar }, prediction, onProgress }: Trying): Promise<TrialOutcome> {
  const steps: number[] = [];
  let sum = 0;
  for (const [index, { train, validation, test }] of folds.entries()) {
    const tell = (progress: FitProgress): void => onProgress({ ...progress, stage: `fold ${index + 1}: ${progress.stage}` });
    const { network } = await fitPredictor(tf, { train: train.map(trackOf), validation: validation.map(trackOf), config, prediction }, { onProgress: tell });
    sum -= huberLoss(tf, network, judgedRows(test.map(trackOf), prediction, config.seed), prediction.huberDelta);
    steps.push(sum / (index + 1));
    // As among classifiers: a mean over folds can fall again.
    if (index + 1 < folds.length && isBehind(steps[index]!, index, bar)) return { state: 'pruned', score: steps[index]!, steps };
  }
  return { state: 'done', score: sum / folds.length, steps };
}
