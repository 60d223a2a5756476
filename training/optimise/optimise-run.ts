/** Makes smaller variants of a finished run's model, measures all alike, and chooses one under bounds. */
import { gzipSync } from 'node:zlib';
import type { Clock } from '../../core/clock.ts';
import type { LabelledSample } from '../dataset/dataset.ts';
import type { Table } from '../dataset/table.ts';
import { evaluateRows } from '../evaluate/report.ts';
import type { EvaluationReport } from '../evaluate/report.ts';
import { openOnnx } from '../export/run-onnx.ts';
import type { Latency, OnnxClassifier } from '../export/run-onnx.ts';
import type { FitProgress } from '../models/fit.ts';
import { encodingOf, readRun, withRunFolder } from '../run/folder.ts';
import { openOwnData } from '../run/own-data.ts';
import { prepareData } from '../run/prepare.ts';
import { referenceOf } from '../run/reference.ts';
import { largestDifference } from '../run/lifecycle.ts';
import type { PreparedData } from '../run/prepare.ts';
import { makeContenders } from './contenders.ts';
import type { Contender, ContenderRequest } from './contenders.ts';
import { writeVariants } from './package.ts';
import { chooseVariant, paretoFront } from './pareto.ts';
import type { Bounds, Candidate, Variant } from './pareto.ts';

export interface OptimiseRequest extends ContenderRequest {
  /** The data set that the run learnt from, for its validation and test part. */
  readonly datasetFolder: string;
  readonly bounds: Bounds;
}

export interface OptimiseResult {
  readonly variants: readonly Variant[];
  readonly front: readonly string[];
  readonly chosen: string;
  /** Where the chosen graph is. */
  readonly path: string;
  /** The chosen one as the registry takes it. */
  readonly packageFolder: string;
}

/**
 * Writes `<run>/optimised/`: the graphs, `pareto.json`, `pareto.svg` and `package/`, which can be published.
 *
 * The validation part chooses. The test part is measured when the choice is made.
 *
 * @throws CopresenceError RUN_INVALID when the data set is not the run's; CONFIG_INVALID when no variant keeps the bounds or the run
 * has nothing to take out; DATASET_LEAKS as `refuseOtherData`; RUN_BUSY as `withRunFolder`. Nothing is written then.
 */
export async function optimiseRun(request: OptimiseRequest, clock: Clock, onProgress: (progress: FitProgress) => void): Promise<OptimiseResult> {
  readRun(request.runFolder);
  return withRunFolder(request.runFolder, clock, () => optimiseAlone(request, clock, onProgress));
}

async function optimiseAlone(request: OptimiseRequest, clock: Clock, onProgress: (progress: FitProgress) => void): Promise<OptimiseResult> {
  const description = readRun(request.runFolder);
  const dataset = openOwnData(request.runFolder, description, request.datasetFolder);
  const data = prepareData(dataset, description.config);
  const contenders = await makeContenders(request, dataset, data, onProgress);
  const candidates: (Candidate & { readonly latency: Latency })[] = [];
  for (const contender of contenders) {
    candidates.push(await withSession(contender, async (session) => measureCandidate(contender, session, data, clock)));
    onProgress({ stage: 'measuring', done: candidates.length, total: contenders.length });
  }
  const chosen = chooseVariant(candidates, request.bounds);
  const front = paretoFront(candidates).map(({ name }) => name);
  const tested: Evaluation[] = [];
  for (const contender of contenders) tested.push(await withSession(contender, (session) => evaluate(session, data.labels, data.samples.test, data.tables.test)));
  const variants = candidates.map(({ latency: _, ...candidate }, index): Variant => {
    const { classification: { accuracy, macroF1 }, calibrationError } = tested[index]!.report;
    return { ...candidate, gzipBytes: gzipSync(contenders[index]!.graph).length, test: { accuracy, macroF1, calibrationError } };
  });
  const { report, probabilities } = tested[candidates.indexOf(chosen)]!;
  const parity = largestDifference(probabilities, tested[0]!.probabilities);
  const figures = { report, parity, latency: chosen.latency, reference: referenceOf(data, description.config.reference, probabilities) };
  const written = writeVariants(request.runFolder, { contenders, variants, front, chosen: chosen.name, figures });
  return { variants, front, chosen: chosen.name, ...written };
}

async function withSession<Result>({ graph, description }: Contender, use: (session: OnnxClassifier) => Promise<Result>): Promise<Result> {
  const session = await openOnnx(graph, encodingOf(description), description.labels);
  return use(session).finally(() => session.close());
}

async function measureCandidate({ name, graph }: Contender, session: OnnxClassifier, { labels, samples, tables }: PreparedData, clock: Clock): Promise<Candidate & { readonly latency: Latency }> {
  const { report: { classification } } = await evaluate(session, labels, samples.validation, tables.validation);
  const latency = await session.measureLatency(clock, samples.validation);
  return { name, quality: classification.macroF1, bytes: graph.length, latencyMs: latency.medianMs, latency };
}

interface Evaluation {
  readonly report: EvaluationReport;
  /** [samples, labels] */
  readonly probabilities: Float32Array;
}

async function evaluate(session: OnnxClassifier, labels: readonly string[], samples: readonly LabelledSample[], { classes }: Table): Promise<Evaluation> {
  const probabilities = await session.predict(samples);
  return { report: evaluateRows({ labels, classes, probabilities, groups: samples.map(({ group }) => group) }), probabilities };
}
