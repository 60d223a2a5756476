/** One run on a data set of tracks, to a folder as every run's. Runs in a process of its own. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../core/clock.ts';
import { CopresenceError } from '../../core/errors.ts';
import { MOTION_FEATURE_COUNT } from '../../features/motion-window.ts';
import { modelManifest } from '../../registry/manifest.ts';
import type { ModelManifest } from '../../registry/manifest.ts';
import { findTensorflow } from '../../registry/tensorflow.ts';
import type { FoundTensorflow } from '../../registry/tensorflow.ts';
import { saveWeights } from '../checkpoint/hdf5.ts';
import { PARTS } from '../dataset/dataset.ts';
import type { Dataset, Part } from '../dataset/dataset.ts';
import { splitSamples } from '../dataset/split.ts';
import { openDataset } from '../dataset/store.ts';
import type { Encoding } from '../dataset/table.ts';
import { inputSpec, toOnnx } from '../models/export.ts';
import type { FitProgress } from '../models/fit.ts';
import { networkRegression } from '../models/network.ts';
import { checkModelName } from '../run/config.ts';
import type { TrainingConfig } from '../run/config.ts';
import { fileDigest, RUN_FILES, writeWhole } from '../run/folder.ts';
import type { RunDescription } from '../run/folder.ts';
import { checkParity, endRun, inRunFolder, lineageOf } from '../run/lifecycle.ts';
import type { TrainRequest } from '../run/lifecycle.ts';
import { predictorCard } from './card.ts';
import { predictionConfig } from './config.ts';
import type { PredictionConfig } from './config.ts';
import { evaluatePredictor } from './evaluate.ts';
import { checkPredictingFamily, fitPredictor, judgedRows } from './fit.ts';
import type { FittedPredictor } from './fit.ts';
import type { PredictorMetrics } from './metrics.ts';
import { openPredictor, RESIDUAL_OUTPUT } from './run-graph.ts';
import { trackOf } from './windows.ts';
import type { Track } from './windows.ts';

interface Prepared {
  readonly dataset: Dataset;
  readonly tracks: Readonly<Record<Part, readonly Track[]>>;
  readonly config: TrainingConfig;
  readonly prediction: PredictionConfig;
  readonly encoding: Encoding;
}

/**
 * @throws CopresenceError CONFIG_INVALID for a family that is no network, or a teacher or a start, which are of classifiers; DATASET_INVALID and DATASET_LEAKS
 * as `splitSamples`; TRAINING_FAILED as `fitPredictor`.
 */
export async function trainPredictor(request: TrainRequest, clock: Clock, onProgress: (progress: FitProgress) => void): Promise<PredictorMetrics> {
  checkModelName(request.name);
  const prepared = prepare(request);
  const found = await findTensorflow();
  const description = describeRun(request.name, prepared, found);
  return inRunFolder(request, description, { clock, onProgress }, async (saving) => {
    writeWhole(join(request.runFolder, RUN_FILES.cleaning), `${JSON.stringify({ seen: prepared.dataset.samples.length, kept: prepared.dataset.samples.length, removed: [] }, null, 2)}\n`);
    const fitted = await fitPredictor(found.tf, { ...prepared.tracks, config: prepared.config, prediction: prepared.prediction }, saving);
    return finishRun(request.runFolder, { description, prepared, fitted, found, clock });
  });
}

function prepare({ datasetFolder, config, teacherFolder, startFolder }: TrainRequest): Prepared {
  if (teacherFolder !== undefined || startFolder !== undefined) throw new CopresenceError('CONFIG_INVALID', 'teachers and starts are for models that tell labels apart');
  checkPredictingFamily(config.family);
  const dataset = openDataset(datasetFolder);
  if (dataset.description.layout.kind !== 'track') throw new CopresenceError('DATASET_INVALID', `${datasetFolder} holds no tracks`);
  const parts = splitSamples(dataset.samples, config.seed);
  const prediction = config.prediction ?? predictionConfig.parse({});
  const tracks = { train: parts.train.map(trackOf), validation: parts.validation.map(trackOf), test: parts.test.map(trackOf) };
  return { dataset, tracks, config: { ...config, prediction }, prediction, encoding: { kind: 'motion', steps: prediction.steps, width: MOTION_FEATURE_COUNT } };
}

function describeRun(name: string, { dataset, config, encoding }: Prepared, found: FoundTensorflow): RunDescription {
  const { layout, steps, labels } = dataset.description;
  return { format: 'copresence.run.v2', name, state: 'running', config, layout, steps, labels, encoding: { kind: encoding.kind, steps: encoding.steps, width: encoding.width }, lineage: lineageOf(dataset, config, found) };
}

interface Finishing {
  readonly description: RunDescription;
  readonly prepared: Prepared;
  readonly fitted: FittedPredictor;
  readonly found: FoundTensorflow;
  readonly clock: Clock;
}

async function finishRun(folder: string, { description, prepared, fitted, found, clock }: Finishing): Promise<PredictorMetrics> {
  const { encoding, tracks } = prepared;
  const model = networkRegression(found.tf, fitted.network);
  const graph = toOnnx(description.name, model, encoding, RESIDUAL_OUTPUT);
  const session = await openPredictor(graph, encoding);
  let metrics: PredictorMetrics;
  try {
    const checked = judgedRows(tracks.test, prepared.prediction, 1);
    const counts = { ...Object.fromEntries(PARTS.map((part) => [part, tracks[part].length])), trained: fitted.rows } as PredictorMetrics['counts'];
    metrics = {
      format: 'copresence.prediction.v1',
      test: await evaluatePredictor(tracks.test, prepared.prediction, prepared.config.seed, session.ask),
      latency: await session.measureLatency(clock, checked),
      bytes: graph.length, parity: checkParity(await session.ask(checked.features, checked.count), model.predict(checked.features, checked.count)), counts, epochs: fitted.history.length,
    };
  } finally {
    await session.close();
  }
  await saveWeights(join(folder, RUN_FILES.weights), fitted.network);
  const card = predictorCard({ title: description.name, description, metrics, history: fitted.history });
  const files = { [RUN_FILES.graph]: graph, [RUN_FILES.card]: card, [RUN_FILES.weights]: readFileSync(join(folder, RUN_FILES.weights)) };
  writeWhole(join(folder, RUN_FILES.graph), graph);
  writeWhole(join(folder, RUN_FILES.card), card);
  writeWhole(join(folder, RUN_FILES.metrics), `${JSON.stringify(metrics, null, 2)}\n`);
  endRun(folder, description, manifestOf(description, prepared.prediction, metrics, files));
  return metrics;
}

/** The version is 1 until the registry gives another. */
function manifestOf({ name, config, lineage }: RunDescription, { horizonsMs }: PredictionConfig, metrics: PredictorMetrics, files: Readonly<Record<string, string | Uint8Array>>): ModelManifest {
  return modelManifest.parse({
    name, version: '1', task: 'pose-prediction',
    summary: `${config.family} over the data set ${lineage.dataset.name}: where heads and hands are in ${horizonsMs.join(', ')} ms`,
    licence: 'UNLICENSED', format: 'onnx',
    files: Object.fromEntries(Object.entries(files).map(([file, content]) => [file, fileDigest(content)])),
    inputs: [inputSpec({ kind: 'motion', steps: config.prediction?.steps ?? 0, width: MOTION_FEATURE_COUNT })],
    outputs: [{ name: RESIDUAL_OUTPUT, dtype: 'float32', shape: ['N', horizonsMs.length], meaning: 'metres or radians a second to add to the straight line, by horizon' }],
    labels: { [RESIDUAL_OUTPUT]: horizonsMs.map((horizonMs) => `${horizonMs} ms`) },
    data: lineage.dataset.sources.map(({ name: source, origin, licence }) => ({ name: source, origin, licence })),
    metrics: manifestFigures(metrics),
    trained: { command: `copresence model train --config run.json (data set ${lineage.dataset.version})`, seed: config.seed, epochs: metrics.epochs },
  });
}

/** What a manifest says of how good a graph is. */
export function manifestFigures({ test, latency }: Pick<PredictorMetrics, 'test' | 'latency'>): Record<string, number> {
  const figures: Record<string, number> = { latencyMedianMs: latency.medianMs };
  for (const { part, horizonMs, quantity, against, ratio } of test.comparisons) {
    if (against === 'kalman') figures[`${part}-${quantity}-${horizonMs}ms-over-kalman`] = ratio;
  }
  return Object.fromEntries(Object.entries(figures).map(([key, value]) => [key, Number(value.toFixed(4))]));
}
