/** The graphs that one run is compared in: its own, rounded, pruned, narrowed, and those of other runs. */
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { CopresenceError } from '../../core/errors.ts';
import { findTensorflow } from '../../registry/tensorflow.ts';
import { loadWeights } from '../checkpoint/hdf5.ts';
import { toOnnx } from '../models/export.ts';
import type { FitProgress } from '../models/fit.ts';
import { networkClassifier } from '../models/network.ts';
import type { Network } from '../models/network.ts';
import { readGraph, readRun, RUN_FILES } from '../run/folder.ts';
import type { RunDescription } from '../run/folder.ts';
import { refuseOtherData } from '../run/leaks.ts';
import type { Dataset } from '../dataset/dataset.ts';
import type { PreparedData } from '../run/prepare.ts';
import { narrowAndTune, pruneNetwork } from './fine-tune.ts';
import type { FineTuning } from './fine-tune.ts';
import { narrowableLayers } from './prune.ts';
import type { PruningScope } from './prune.ts';
import { PRECISIONS, quantiseOnnx } from './quantise-onnx.ts';

/** A graph that is to be measured. */
export interface Contender {
  readonly name: string;
  readonly graph: Uint8Array;
  /** The run that it comes from, and its folder. */
  readonly description: RunDescription;
  readonly folder: string;
}

export interface Thinning {
  /** Of the weights that are to be 0; a variant for each, 0..1. */
  readonly sparsities: readonly number[];
  readonly scope: PruningScope;
  /** Of the hidden units that stay; a variant for each, 0..1. */
  readonly unitShares: readonly number[];
  readonly epochs: number;
}

export interface ContenderRequest {
  readonly runFolder: string;
  readonly thinning: Thinning;
  /** Finished runs on the same data, such as students of this one. */
  readonly otherRuns: readonly string[];
}

/** @throws CopresenceError CONFIG_INVALID for a run without a network where weights are to be taken out, or a name twice; as `refuseOtherData`. */
export async function makeContenders(
  request: ContenderRequest, dataset: Dataset, data: PreparedData, onProgress: (progress: FitProgress) => void,
): Promise<Contender[]> {
  const description = readRun(request.runFolder);
  const own = { description, folder: request.runFolder };
  const contenders = roundedGraphs('', readGraph(request.runFolder), own);
  for (const [name, network] of await thinOut(request, description, data, onProgress)) {
    const graph = toOnnx(description.name, networkClassifier((await findTensorflow()).tf, network), data.encoding);
    contenders.push(...roundedGraphs(name, graph, own));
  }
  for (const folder of request.otherRuns) {
    const other = readRun(folder);
    refuseOtherData(dataset, data, other);
    contenders.push(...roundedGraphs(basename(folder).replace(/[^A-Za-z0-9._-]/g, '-'), readGraph(folder), { description: other, folder }));
  }
  const twice = contenders.find(({ name }, index) => contenders.findIndex((one) => one.name === name) !== index);
  if (twice !== undefined) throw new CopresenceError('CONFIG_INVALID', `two variants would be called ${twice.name}`);
  return contenders;
}

/** A graph, and its rounded forms. */
export function roundedGraphs(prefix: string, graph: Uint8Array, own: Pick<Contender, 'description' | 'folder'>): Contender[] {
  const named = (precision: string): string => (prefix === '' ? precision : `${prefix}-${precision}`);
  return [
    { ...own, name: named('float32'), graph },
    ...PRECISIONS.map((precision) => ({ ...own, name: named(precision), graph: quantiseOnnx(graph, precision) })),
  ];
}

async function thinOut(
  { runFolder, thinning }: ContenderRequest, description: RunDescription, data: PreparedData, onProgress: (progress: FitProgress) => void,
): Promise<Map<string, Network>> {
  const made = new Map<string, Network>();
  const { sparsities, unitShares, scope, epochs } = thinning;
  if (sparsities.length + unitShares.length === 0) return made;
  const { network } = await loadNetwork(runFolder, description);
  if (unitShares.length > 0 && narrowableLayers(network).length === 0) {
    throw new CopresenceError('CONFIG_INVALID', `a ${description.config.family} has no hidden dense layer whose units could go`);
  }
  const { tf } = await findTensorflow();
  const fit = { ...description.config.network, seed: description.config.seed };
  const tuningOf = (stage: string): FineTuning => ({ fit, epochs, onEpoch: (epoch) => onProgress({ stage, done: epoch.epoch, total: epochs, epoch }) });
  for (const sparsity of sparsities) {
    const name = `pruned-${percent(sparsity)}`;
    made.set(name, await pruneNetwork(tf, network, data.tables, { sparsity, scope, ...tuningOf(name) }));
  }
  for (const share of unitShares) {
    const name = `narrow-${percent(share)}`;
    made.set(name, await narrowAndTune(tf, network, data.tables, { share, ...tuningOf(name) }));
  }
  return made;
}

function percent(share: number): string {
  return String(Number((share * 100).toFixed(2)));
}

function loadNetwork(runFolder: string, { config }: RunDescription): ReturnType<typeof loadWeights> {
  const path = join(runFolder, RUN_FILES.weights);
  if (!existsSync(path)) throw new CopresenceError('CONFIG_INVALID', `a ${config.family} has no weights to take out; only networks have`);
  return loadWeights(path);
}

