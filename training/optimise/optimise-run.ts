/** Makes smaller variants of a finished run's model, measures all alike, and chooses one under bounds. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../core/clock.ts';
import { CopresenceError } from '../../core/errors.ts';
import { openDataset } from '../dataset/store.ts';
import { plotSvg } from '../evaluate/plot.ts';
import { evaluateRows } from '../evaluate/report.ts';
import { openOnnx } from '../export/run-onnx.ts';
import type { FitProgress } from '../models/fit.ts';
import { encodingOf, fileDigest, readGraph, readRun, writeWhole } from '../run/folder.ts';
import { prepareData } from '../run/prepare.ts';
import { chooseVariant, paretoFront } from './pareto.ts';
import type { Bounds, Variant } from './pareto.ts';
import { PRECISIONS, quantiseOnnx } from './quantise-onnx.ts';

export interface OptimiseRequest {
  readonly runFolder: string;
  /** The data set that the run learnt from, for its test part. */
  readonly datasetFolder: string;
  readonly bounds: Bounds;
}

export interface OptimiseResult {
  readonly variants: readonly Variant[];
  readonly front: readonly string[];
  readonly chosen: string;
  /** Where the chosen graph is. */
  readonly path: string;
}

/**
 * Writes `<run>/optimised/{float32,float16,int8}.onnx`, `pareto.json` and `pareto.svg`.
 *
 * @throws CopresenceError RUN_INVALID when the data set is not the run's; CONFIG_INVALID when no variant keeps the bounds, with
 * nothing written.
 */
export async function optimiseRun(request: OptimiseRequest, clock: Clock, onProgress: (progress: FitProgress) => void): Promise<OptimiseResult> {
  const description = readRun(request.runFolder);
  const float32 = readGraph(request.runFolder);
  const dataset = openDataset(request.datasetFolder);
  if (dataset.description.version !== description.lineage.dataset.version) {
    throw new CopresenceError('RUN_INVALID', `${request.runFolder} learnt from version ${description.lineage.dataset.version}, not ${dataset.description.version}`);
  }
  const { samples, tables, labels } = prepareData(dataset, description.config);
  const graphs = new Map<string, Uint8Array>([['float32', float32], ...PRECISIONS.map((precision) => [precision, quantiseOnnx(float32, precision)] as const)]);
  const variants: Variant[] = [];
  for (const [name, graph] of graphs) {
    const session = await openOnnx(graph, encodingOf(description), labels);
    const probabilities = await session.predict(samples.test);
    const { medianMs } = await session.measureLatency(clock, samples.test);
    await session.close();
    const { macroF1 } = evaluateRows({ labels, classes: tables.test.classes, probabilities, groups: [] }).classification;
    variants.push({ name, quality: macroF1, bytes: graph.length, latencyMs: medianMs });
    onProgress({ stage: 'measuring', done: variants.length, total: graphs.size });
  }
  const chosen = chooseVariant(variants, request.bounds);
  return writeVariants(request.runFolder, graphs, variants, chosen);
}

function writeVariants(runFolder: string, graphs: ReadonlyMap<string, Uint8Array>, variants: readonly Variant[], chosen: Variant): OptimiseResult {
  const folder = join(runFolder, 'optimised');
  mkdirSync(folder, { recursive: true });
  for (const [name, graph] of graphs) writeWhole(join(folder, `${name}.onnx`), graph);
  const front = paretoFront(variants).map(({ name }) => name);
  const series = [{ label: '', kind: 'dots' as const, points: variants.map(({ bytes, quality }) => [bytes, quality] as const), names: variants.map(({ name }) => name) }];
  writeWhole(join(folder, 'pareto.svg'), plotSvg({ title: 'Quality and size', x: 'bytes', y: 'macro F1', series }));
  const files = Object.fromEntries([...graphs].map(([name, graph]) => [`${name}.onnx`, fileDigest(graph)]));
  writeWhole(join(folder, 'pareto.json'), `${JSON.stringify({ variants, front, chosen: chosen.name, files }, null, 2)}\n`);
  return { variants, front, chosen: chosen.name, path: join(folder, `${chosen.name}.onnx`) };
}
