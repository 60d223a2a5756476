/** One training run, from a data set to a folder that can be published. Runs in a process of its own. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../core/clock.ts';
import { modelManifest } from '../../registry/manifest.ts';
import type { ModelManifest } from '../../registry/manifest.ts';
import type { ModelReference } from '../../registry/reference.ts';
import { findTensorflow } from '../../registry/tensorflow.ts';
import type { FoundTensorflow } from '../../registry/tensorflow.ts';
import { saveWeights } from '../checkpoint/hdf5.ts';
import type { Dataset } from '../dataset/dataset.ts';
import { openDataset } from '../dataset/store.ts';
import { evaluationCard } from '../evaluate/card.ts';
import { evaluateRows } from '../evaluate/report.ts';
import { chooseThreshold, rejectionFigures } from '../evaluate/threshold.ts';
import { openOnnx } from '../export/run-onnx.ts';
import { majorityClassifier } from '../models/classifier.ts';
import type { Classifier } from '../models/classifier.ts';
import { inputSpec, OUTPUT_NAME, toOnnx } from '../models/export.ts';
import { fitModel } from '../models/fit.ts';
import type { FitProgress, FittedModel } from '../models/fit.ts';
import { checkModelName } from './config.ts';
import { fileDigest, RUN_FILES, writeWhole } from './folder.ts';
import type { RunDescription } from './folder.ts';
import { checkParity, endRun, inRunFolder, lineageOf } from './lifecycle.ts';
import type { TrainRequest } from './lifecycle.ts';
import type { BaselineFigures, RunMetrics } from './metrics.ts';
import { prepareData } from './prepare.ts';
import type { PreparedData } from './prepare.ts';
import { referenceOf } from './reference.ts';
import { openStart } from './start.ts';
import type { Start } from './start.ts';
import { openTeacher } from './teach.ts';
import type { Teacher } from './teach.ts';

export type { TrainRequest };

/** @throws CopresenceError as the parts do; the folder then says `failed` and why, and holds no manifest. */
export async function trainRun(request: TrainRequest, clock: Clock, onProgress: (progress: FitProgress) => void): Promise<RunMetrics> {
  checkModelName(request.name);
  const dataset = openDataset(request.datasetFolder);
  const data = prepareData(dataset, request.config);
  const found = await findTensorflow();
  const teacher = request.teacherFolder === undefined ? undefined : await openTeacher(request.teacherFolder, request.config, dataset, data);
  const start = request.startFolder === undefined ? undefined : await openStart(request.startFolder, request.config, dataset, data);
  const description = describeRun(request, { dataset, data, found, teacher, start });
  return inRunFolder(request, description, { clock, onProgress }, async (saving) => {
    writeWhole(join(request.runFolder, RUN_FILES.cleaning), `${JSON.stringify(data.cleaning, null, 2)}\n`);
    const fitted = await fitModel(found.tf, request.config, { ...data.tables, teaching: teacher?.teaching }, { ...saving, network: start?.network });
    return await finishRun({ request, description, data, fitted, found, teacher, clock, onProgress });
  });
}

interface Origin {
  readonly dataset: Dataset;
  readonly data: PreparedData;
  readonly found: FoundTensorflow;
  readonly teacher: Teacher | undefined;
  readonly start: Start | undefined;
}

function describeRun({ config, name }: TrainRequest, { dataset, data, found, teacher, start }: Origin): RunDescription {
  const { layout, steps } = dataset.description;
  const { fill, ...encoding } = data.encoding;
  return {
    format: 'copresence.run.v2', name, state: 'running', config, layout, steps, labels: [...data.labels],
    encoding: fill === undefined ? encoding : { ...encoding, fill: [...fill] },
    lineage: {
      ...lineageOf(dataset, config, found),
      ...(teacher === undefined ? {} : { teacher: teacher.record }),
      ...(start === undefined ? {} : { start: start.record }),
    },
  };
}

interface Finishing {
  readonly request: TrainRequest;
  readonly description: RunDescription;
  readonly data: PreparedData;
  readonly fitted: FittedModel;
  readonly found: FoundTensorflow;
  readonly teacher: Teacher | undefined;
  readonly clock: Clock;
  readonly onProgress: (progress: FitProgress) => void;
}

async function finishRun(run: Finishing): Promise<RunMetrics> {
  const { request, description, data, fitted } = run;
  const folder = request.runFolder;
  const graph = toOnnx(request.name, fitted.classifier, data.encoding);
  const { metrics, reference } = await measure(run, graph);
  const card = evaluationCard({ title: request.name, description, metrics, history: fitted.history ?? [], cleaning: data.cleaning });
  if (fitted.network !== undefined) await saveWeights(join(folder, RUN_FILES.weights), fitted.network);
  writeWhole(join(folder, RUN_FILES.graph), graph);
  writeWhole(join(folder, RUN_FILES.metrics), `${JSON.stringify(metrics, null, 2)}\n`);
  writeWhole(join(folder, RUN_FILES.card), card);
  const files: Record<string, string | Uint8Array> = { [RUN_FILES.graph]: graph, [RUN_FILES.card]: card };
  if (fitted.network !== undefined) files[RUN_FILES.weights] = readFileSync(join(folder, RUN_FILES.weights));
  if (reference !== undefined) writeWhole(join(folder, RUN_FILES.reference), (files[RUN_FILES.reference] = `${JSON.stringify(reference)}\n`));
  endRun(folder, description, runManifest(description, metrics, files));
  return metrics;
}

async function measure({ request, data, fitted, found, teacher, clock, onProgress }: Finishing, graph: Uint8Array): Promise<{ metrics: RunMetrics; reference: ModelReference | undefined }> {
  const { labels, tables, samples } = data;
  const session = await openOnnx(graph, data.encoding, labels);
  try {
    const probabilities = await session.predict(samples.test);
    const parity = checkParity(probabilities, fitted.classifier.predict(tables.test.features, tables.test.count));
    const tested = { labels, classes: tables.test.classes, probabilities, groups: samples.test.map(({ group }) => group) };
    const rejection = labels.indexOf(request.config.rejection);
    const judged = { labels, classes: tables.validation.classes, groups: samples.validation.map(({ group }) => group) };
    const threshold = rejection < 0 ? undefined : chooseThreshold({ ...judged, probabilities: await session.predict(samples.validation) }, rejection);
    const metrics: RunMetrics = {
      test: evaluateRows(tested),
      ...(threshold === undefined ? {} : { rejection: rejectionFigures(tested, rejection, threshold) }),
      baselines: await measureBaselines({ request, data, found, teacher, onProgress }),
      latency: await session.measureLatency(clock, samples.test),
      bytes: graph.length, parity, counts: data.counts, testParticipants: new Set(samples.test.map(({ participant }) => participant)).size, epochs: fitted.history?.length ?? 0,
    };
    return { metrics, reference: referenceOf(data, request.config.reference, probabilities) };
  } finally {
    await session.close();
  }
}

async function measureBaselines({ request, data, found, teacher, onProgress }: Pick<Finishing, 'request' | 'data' | 'found' | 'teacher' | 'onProgress'>): Promise<BaselineFigures[]> {
  const figures = [figuresOf('majority', majorityClassifier(data.tables.train), data)];
  if (teacher !== undefined) figures.push(teacher.figures);
  // What a student owes to its teacher shows beside the same network without one.
  const own = request.config.family;
  const families = new Set([...(teacher === undefined ? [] : [own]), ...request.config.baselines]);
  for (const family of families) {
    if (family === own && teacher === undefined) continue;
    const tell = (progress: FitProgress): void => onProgress({ ...progress, stage: `baseline ${progress.stage}` });
    const { classifier } = await fitModel(found.tf, { ...request.config, family }, data.tables, { onProgress: tell });
    figures.push(figuresOf(family === own ? `${family} without its teacher` : family, classifier, data));
  }
  return figures;
}

function figuresOf(family: string, classifier: Classifier, { labels, tables: { test } }: PreparedData): BaselineFigures {
  const probabilities = classifier.predict(test.features, test.count);
  const { accuracy, macroF1 } = evaluateRows({ labels, classes: test.classes, probabilities, groups: [] }).classification;
  return { family, accuracy, macroF1 };
}

/** The version is 1 until the registry gives another. */
function runManifest(description: RunDescription, metrics: RunMetrics, files: Readonly<Record<string, string | Uint8Array>>): ModelManifest {
  const { name, labels, lineage, layout, steps, config } = description;
  const { classification, calibrationError } = metrics.test;
  const { fill, ...encoding } = description.encoding;
  return modelManifest.parse({
    name, version: '1',
    task: layout.kind === 'path' ? 'dynamic-gesture' : layout.kind === 'hand' && steps === 1 ? 'gesture' : 'classification',
    summary: `${config.family} over the data set ${lineage.dataset.name}: ${labels.length} labels`,
    licence: 'UNLICENSED', format: 'onnx',
    files: Object.fromEntries(Object.entries(files).map(([file, content]) => [file, fileDigest(content)])),
    inputs: [inputSpec(fill === undefined ? encoding : { ...encoding, fill })],
    outputs: [{ name: OUTPUT_NAME, dtype: 'float32', shape: ['N', labels.length], meaning: 'a probability for each label, 0..1; a row sums to 1' }],
    labels: { [OUTPUT_NAME]: labels },
    thresholds: metrics.rejection === undefined ? {} : { [OUTPUT_NAME]: metrics.rejection.threshold },
    data: lineage.dataset.sources.map(({ name: source, origin, licence }) => ({ name: source, origin, licence })),
    metrics: Object.fromEntries(Object.entries({
      accuracy: classification.accuracy, macroF1: classification.macroF1, calibrationError, latencyMedianMs: metrics.latency.medianMs,
    }).map(([key, value]) => [key, Number(value.toFixed(4))])),
    trained: { command: `copresence model train --config run.json (data set ${lineage.dataset.version})`, seed: config.seed, epochs: metrics.epochs },
  });
}
