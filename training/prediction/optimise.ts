/** Makes rounded forms of a finished run on tracks, measures all alike, and chooses one under bounds. Runs in a process of its own. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Clock } from '../../core/clock.ts';
import { CopresenceError } from '../../core/errors.ts';
import { modelManifest } from '../../registry/manifest.ts';
import { splitSamples } from '../dataset/split.ts';
import type { Latency } from '../export/run-onnx.ts';
import type { EpochFigures } from '../models/fit-network.ts';
import type { FitProgress } from '../models/fit.ts';
import { roundedGraphs } from '../optimise/contenders.ts';
import type { Contender } from '../optimise/contenders.ts';
import { chooseVariant, paretoFront } from '../optimise/pareto.ts';
import type { Bounds, Candidate } from '../optimise/pareto.ts';
import { writeVariantFolder } from '../optimise/variant-folder.ts';
import { encodingOf, fileDigest, readGraph, readRun, RUN_FILES, withRunFolder } from '../run/folder.ts';
import { largestDifference } from '../run/lifecycle.ts';
import { openOwnData } from '../run/own-data.ts';
import { predictorCard } from './card.ts';
import { predictionConfig } from './config.ts';
import { errorOver, evaluatePredictor } from './evaluate.ts';
import type { PredictionReport } from './evaluate.ts';
import { judgedRows } from './fit.ts';
import type { PredictorForm, PredictorForms, PredictorMetrics } from './metrics.ts';
import { openPredictor } from './run-graph.ts';
import { manifestFigures } from './train-predictor.ts';
import { trackOf } from './windows.ts';
import type { Track } from './windows.ts';

/** What quality is. */
const MEASURE = 'error of the straight line over the model\'s';

export interface OptimisePredictorRequest {
  readonly runFolder: string;
  /** The data set that the run learnt from, for its validation and test part. */
  readonly datasetFolder: string;
  readonly bounds: Bounds;
}

export type OptimisePredictorResult = PredictorForms & { readonly path: string; readonly packageFolder: string };

/**
 * Writes `<run>/optimised/` anew, as `optimiseRun`. The validation part chooses; the test part is measured when the choice is made.
 *
 * @throws CopresenceError RUN_INVALID for a run that is not finished, or another data set; CONFIG_INVALID when no form keeps the bounds;
 * RUN_BUSY as `withRunFolder`. Nothing is written then.
 */
export async function optimisePredictor(request: OptimisePredictorRequest, clock: Clock, onProgress: (progress: FitProgress) => void): Promise<OptimisePredictorResult> {
  readRun(request.runFolder);
  return withRunFolder(request.runFolder, clock, () => optimiseAlone(request, clock, onProgress));
}

async function optimiseAlone({ runFolder, datasetFolder, bounds }: OptimisePredictorRequest, clock: Clock, onProgress: (progress: FitProgress) => void): Promise<OptimisePredictorResult> {
  const description = readRun(runFolder);
  const parts = splitSamples(openOwnData(runFolder, description, datasetFolder).samples, description.config.seed);
  const [validation, test] = [parts.validation.map(trackOf), parts.test.map(trackOf)];
  const contenders = roundedGraphs('', readGraph(runFolder), { description, folder: runFolder });
  const measured: Measured[] = [];
  for (const contender of contenders) {
    measured.push(await measure(contender, validation, clock));
    onProgress({ stage: 'measuring', done: measured.length, total: contenders.length });
  }
  const candidates = measured.map(({ report, latency }, index): Candidate => {
    const { name, graph } = contenders[index]!;
    return { name, quality: 1 / errorOver(report, 'line'), bytes: graph.length, latencyMs: latency.medianMs };
  });
  const chosen = chooseVariant(candidates, bounds).name;
  const tested: Measured[] = [];
  for (const contender of contenders) tested.push(await measure(contender, test, clock));
  const variants = candidates.map((own, index): PredictorForm => ({
    ...own, gzipBytes: gzipSync(contenders[index]!.graph).length, error: { validation: 1 / own.quality, test: errorOver(tested[index]!.report, 'line') },
  }));
  const forms: PredictorForms = { variants, front: paretoFront(candidates).map(({ name }) => name), chosen };
  const at = candidates.findIndex(({ name }) => name === chosen);
  const figures = { report: tested[at]!.report, latency: measured[at]!.latency, difference: largestDifference(tested[at]!.answers, tested[0]!.answers) };
  const written = writeVariantFolder(runFolder, { contenders, ...forms, chosenBy: `${MEASURE}, on the validation part`, measure: MEASURE }, (target) => writePackage(target, contenders[at]!, forms, figures));
  return { ...forms, ...written };
}

interface Measured {
  readonly report: PredictionReport;
  readonly latency: Latency;
  /** [rows, horizons] */
  readonly answers: Float32Array;
}

async function measure({ graph, description }: Contender, tracks: readonly Track[], clock: Clock): Promise<Measured> {
  const prediction = description.config.prediction ?? predictionConfig.parse({});
  const rows = judgedRows(tracks, prediction, 1);
  const session = await openPredictor(graph, encodingOf(description));
  try {
    const report = await evaluatePredictor(tracks, prediction, description.config.seed, session.ask);
    if (!Number.isFinite(errorOver(report, 'line'))) throw new CopresenceError('DATASET_INVALID', 'nothing moves in the validation or the test part: there is no error to compare');
    return { report, latency: await session.measureLatency(clock, rows), answers: await session.ask(rows.features, rows.count) };
  } finally {
    await session.close();
  }
}

interface ChosenFigures {
  readonly report: PredictionReport;
  readonly latency: Latency;
  /** To the answers of the run's own graph. */
  readonly difference: number;
}

function writePackage(target: string, { graph, folder, description }: Contender, forms: PredictorForms, { report, latency, difference }: ChosenFigures): void {
  const read = (file: string): unknown => JSON.parse(readFileSync(join(folder, file), 'utf8'));
  const run = read(RUN_FILES.metrics) as PredictorMetrics;
  const metrics = { ...run, test: report, latency, bytes: graph.length, parity: Math.max(run.parity, difference) };
  const card = predictorCard({ title: description.name, description, metrics, history: readHistory(folder), forms });
  const files = { [RUN_FILES.graph]: graph, [RUN_FILES.card]: card };
  const base = modelManifest.parse(read(RUN_FILES.manifest));
  const manifest = modelManifest.parse({
    ...base, summary: `${base.summary}; ${forms.chosen}, of ${forms.variants.length} forms`,
    files: Object.fromEntries(Object.entries(files).map(([name, content]) => [name, fileDigest(content)])), metrics: manifestFigures(metrics),
  });
  for (const [name, content] of Object.entries(files)) writeFileSync(join(target, name), content);
  writeFileSync(join(target, RUN_FILES.manifest), `${JSON.stringify(manifest, null, 2)}\n`);
}

function readHistory(folder: string): EpochFigures[] {
  return readFileSync(join(folder, RUN_FILES.history), 'utf8').split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as EpochFigures);
}
