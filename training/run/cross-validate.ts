/** How good a configuration is, by folds over all participants of a data set. Runs in a process of its own. */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../core/clock.ts';
import { CopresenceError } from '../../core/errors.ts';
import { findTensorflow } from '../../registry/tensorflow.ts';
import type { Tensorflow } from '../../registry/tensorflow.ts';
import { cleanSamples } from '../dataset/clean.ts';
import type { Dataset } from '../dataset/dataset.ts';
import { foldSamples } from '../dataset/split.ts';
import type { Parts } from '../dataset/split.ts';
import { openDataset } from '../dataset/store.ts';
import { crossValidationCard } from '../evaluate/fold-card.ts';
import { correctedInterval } from '../evaluate/intervals.ts';
import type { FoldMean } from '../evaluate/intervals.ts';
import { evaluateRows } from '../evaluate/report.ts';
import { fitModel } from '../models/fit.ts';
import type { FitHooks, FitProgress } from '../models/fit.ts';
import type { TrainingConfig } from './config.ts';
import { currentCommit, RUN_FILES, writeWhole } from './folder.ts';
import type { CrossValidation, FoldFigures } from './metrics.ts';
import { prepareParts } from './prepare.ts';

export interface CrossValidationRequest {
  readonly datasetFolder: string;
  /** Gets `metrics.json` and `card.html`. */
  readonly outFolder: string;
  readonly name: string;
  readonly config: TrainingConfig;
  /** 3 to MAX_FOLDS. */
  readonly folds: number;
}

/** @throws CopresenceError DATASET_INVALID as `foldSamples`; RUN_INVALID when the folder holds figures already. */
export async function crossValidate(request: CrossValidationRequest, _clock: Clock, onProgress: (progress: FitProgress) => void): Promise<CrossValidation> {
  const { datasetFolder, outFolder, name, config } = request;
  refuseFigures(outFolder);
  const dataset = openDataset(datasetFolder);
  const cleaned = cleanSamples(dataset.samples, dataset.description, config.cleaning).samples;
  const found = await findTensorflow();
  const judged: JudgedFold[] = [];
  const folds = foldSamples(cleaned, request.folds, config.seed);
  for (const [index, parts] of folds.entries()) {
    const tell = (progress: FitProgress): void => onProgress({ ...progress, stage: `fold ${index + 1} of ${folds.length}: ${progress.stage}` });
    judged.push(await judgeFold(found.tf, dataset.description, parts, config, { onProgress: tell }));
  }
  const { version, samples, sources } = dataset.description;
  const result: CrossValidation = {
    format: 'copresence.cross-validation.v1', name, config,
    lineage: {
      dataset: { name: dataset.description.name, version, sha256: samples.sha256, samples: samples.count, sources },
      seed: config.seed, commit: currentCommit(), node: process.version, backend: found.provider, tensorflow: found.tf.version.tfjs,
    },
    ...summarise(judged),
  };
  mkdirSync(outFolder, { recursive: true });
  writeWhole(join(outFolder, RUN_FILES.card), crossValidationCard(result));
  writeWhole(join(outFolder, RUN_FILES.metrics), `${JSON.stringify(result, null, 2)}\n`);
  return result;
}

/** @throws CopresenceError RUN_INVALID when the folder holds figures already. */
export function refuseFigures(folder: string): void {
  if (existsSync(join(folder, RUN_FILES.metrics)) || existsSync(join(folder, RUN_FILES.run))) throw new CopresenceError('RUN_INVALID', `${folder} holds figures already; give another --out`);
}

/** What one fold's model says of the fold's test part. */
export interface JudgedFold {
  readonly parts: Parts;
  readonly labels: readonly string[];
  /** [test] */
  readonly classes: Int32Array;
  /** [test, labels] */
  readonly probabilities: Float32Array;
}

export async function judgeFold(tf: Tensorflow, description: Dataset['description'], parts: Parts, config: TrainingConfig, hooks: FitHooks): Promise<JudgedFold> {
  const { labels, tables } = prepareParts(description, parts, config);
  const { classifier } = await fitModel(tf, config, tables, hooks);
  return { parts, labels, classes: tables.test.classes, probabilities: classifier.predict(tables.test.features, tables.test.count) };
}

function summarise(judged: readonly JudgedFold[]): Pick<CrossValidation, 'folds' | 'accuracy' | 'macroF1' | 'calibrationError' | 'pooled'> {
  const folds = judged.map(({ parts, labels, classes, probabilities }): FoldFigures => {
    const { classification: { accuracy, macroF1 }, calibrationError } = evaluateRows({ labels, classes, probabilities, groups: [] });
    const participants = new Set(parts.test.map(({ participant }) => participant)).size;
    return { train: parts.train.length, validation: parts.validation.length, test: parts.test.length, participants, accuracy, macroF1, calibrationError };
  });
  const sum = (of: (fold: FoldFigures) => number): number => folds.reduce((total, fold) => total + of(fold), 0);
  const ratio = sum(({ test }) => test) / sum(({ train }) => train);
  const over = (of: (fold: FoldFigures) => number): FoldMean => correctedInterval(folds.map(of), ratio);
  const pooled = evaluateRows({
    labels: judged[0]?.labels ?? [],
    classes: judged.flatMap(({ classes }) => [...classes]),
    probabilities: Float32Array.from(judged.flatMap(({ probabilities }) => [...probabilities])),
    groups: judged.flatMap(({ parts }) => parts.test.map(({ group }) => group)),
  });
  return { folds, accuracy: over(({ accuracy }) => accuracy), macroF1: over(({ macroF1 }) => macroF1), calibrationError: over(({ calibrationError }) => calibrationError), pooled };
}
