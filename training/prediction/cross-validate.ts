/** How well a configuration predicts movements, by folds over all participants of a data set of tracks. Runs in a process of its own. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../core/clock.ts';
import { CopresenceError } from '../../core/errors.ts';
import { findTensorflow } from '../../registry/tensorflow.ts';
import { foldSamples } from '../dataset/split.ts';
import { openDataset } from '../dataset/store.ts';
import { correctedInterval } from '../evaluate/intervals.ts';
import type { FoldMean } from '../evaluate/intervals.ts';
import type { FitProgress } from '../models/fit.ts';
import { networkRegression } from '../models/network.ts';
import { refuseFigures } from '../run/cross-validate.ts';
import type { CrossValidationRequest } from '../run/cross-validate.ts';
import { RUN_FILES, writeWhole } from '../run/folder.ts';
import { lineageOf } from '../run/lifecycle.ts';
import { predictionConfig } from './config.ts';
import { errorOver, evaluatePredictor } from './evaluate.ts';
import type { AskModel } from './evaluate.ts';
import { predictorFoldCard } from './fold-card.ts';
import { checkPredictingFamily, fitPredictor } from './fit.ts';
import type { PredictorCrossValidation, PredictorFold } from './metrics.ts';
import { trackOf } from './windows.ts';
import type { Track } from './windows.ts';

/**
 * Writes `metrics.json` and `card.html`.
 *
 * @throws CopresenceError CONFIG_INVALID for a family that is no network; DATASET_INVALID for a data set without tracks, where nothing moves in a fold, and as
 * `foldSamples`; RUN_INVALID when the folder holds figures already; TRAINING_FAILED as `fitPredictor`.
 */
export async function crossValidatePredictor(request: CrossValidationRequest, _clock: Clock, onProgress: (progress: FitProgress) => void): Promise<PredictorCrossValidation> {
  const { datasetFolder, outFolder, name } = request;
  refuseFigures(outFolder);
  checkPredictingFamily(request.config.family);
  const dataset = openDataset(datasetFolder);
  if (dataset.description.layout.kind !== 'track') throw new CopresenceError('DATASET_INVALID', `${datasetFolder} holds no tracks`);
  const prediction = request.config.prediction ?? predictionConfig.parse({});
  const config = { ...request.config, prediction };
  const found = await findTensorflow();
  const folds: PredictorFold[] = [];
  const judges = new Map<Track, AskModel>();
  const cut = foldSamples(dataset.samples, request.folds, config.seed);
  for (const [index, parts] of cut.entries()) {
    const tracks = { train: parts.train.map(trackOf), validation: parts.validation.map(trackOf), test: parts.test.map(trackOf) };
    const tell = (progress: FitProgress): void => onProgress({ ...progress, stage: `fold ${index + 1} of ${cut.length}: ${progress.stage}` });
    const { network } = await fitPredictor(found.tf, { ...tracks, config, prediction }, { onProgress: tell });
    const model = networkRegression(found.tf, network);
    const ask: AskModel = (features, rows) => Promise.resolve(model.predict(features, rows));
    for (const track of tracks.test) judges.set(track, ask);
    const report = await evaluatePredictor(tracks.test, prediction, config.seed, ask);
    const [overLine, overKalman] = [errorOver(report, 'line'), errorOver(report, 'kalman')];
    if (!Number.isFinite(overLine + overKalman)) throw new CopresenceError('DATASET_INVALID', `nothing moves in fold ${index + 1}: there is no error to compare`);
    folds.push({ train: parts.train.length, validation: parts.validation.length, test: parts.test.length, participants: new Set(tracks.test.map(({ participant }) => participant)).size, overLine, overKalman });
  }
  const sum = (of: (fold: PredictorFold) => number): number => folds.reduce((total, fold) => total + of(fold), 0);
  const ratio = sum(({ test }) => test) / sum(({ train }) => train);
  const over = (of: (fold: PredictorFold) => number): FoldMean => correctedInterval(folds.map(of), ratio, { most: Number.POSITIVE_INFINITY });
  const result: PredictorCrossValidation = {
    format: 'copresence.prediction-folds.v1', name, config, lineage: lineageOf(dataset, config, found), folds,
    overLine: over((fold) => fold.overLine), overKalman: over((fold) => fold.overKalman),
    pooled: await evaluatePredictor([...judges.keys()], prediction, config.seed, (features, rows, track) => judges.get(track)!(features, rows, track)),
  };
  mkdirSync(outFolder, { recursive: true });
  writeWhole(join(outFolder, RUN_FILES.card), predictorFoldCard(result));
  writeWhole(join(outFolder, RUN_FILES.metrics), `${JSON.stringify(result, null, 2)}\n`);
  return result;
}
