/** One small network, as an ONNX graph and as a TensorFlow.js graph, with two inputs, two outputs and its answers. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf } from '../../../../registry/digest.ts';
import type { ModelManifest, TensorSpec } from '../../../../registry/manifest.ts';
import { GraphBuilder } from '../../../../registry/onnx/graph-builder.ts';

const FEATURES = 4;
const SCORES = 2;
const CODES = 3;
/** [4, 2] */
const WEIGHTS = [0.5, -1, 0.25, 2, -0.75, 1, 1.5, -0.5];
const BIAS = [0.125, -0.25];
const meaning = 'made for a test';

export const INPUTS: readonly TensorSpec[] = [
  { name: 'features', dtype: 'float32', shape: ['N', FEATURES], meaning },
  { name: 'codes', dtype: 'int32', shape: ['N', CODES], meaning },
];
export const OUTPUTS: readonly TensorSpec[] = [
  { name: 'scores', dtype: 'float32', shape: ['N', SCORES], meaning },
  { name: 'sums', dtype: 'int32', shape: ['N', 1], meaning },
];

/** `scores = features · W + b`, `sums` the sum of the codes. */
export function expectedRow(features: readonly number[], codes: readonly number[]): { scores: number[]; sums: number[] } {
  const scores = BIAS.map((bias, column) => features.reduce((sum, value, row) => sum + value * (WEIGHTS[row * SCORES + column] ?? NaN), bias));
  return { scores, sums: [codes.reduce((sum, code) => sum + code, 0)] };
}

/** The files of the network in a format, the graph first. */
export type NetworkFiles = Readonly<Record<string, Uint8Array>>;

export function onnxFiles(): NetworkFiles {
  const graph = new GraphBuilder({ name: 'tiny' });
  const features = graph.input('features', 'float32', ['N', FEATURES]);
  const codes = graph.input('codes', 'int32', ['N', CODES]);
  const product = graph.op('MatMul', [features, graph.constant('float32', [FEATURES, SCORES], Float32Array.from(WEIGHTS))]);
  graph.op('Add', [product, graph.constant('float32', [SCORES], Float32Array.from(BIAS))], {}, 'scores');
  graph.op('ReduceSum', [codes, graph.ints([1])], { keepdims: 1 }, 'sums');
  graph.output('scores', 'float32', ['N', SCORES]);
  graph.output('sums', 'int32', ['N', 1]);
  return { 'model.onnx': graph.toBytes() };
}

/** @param batch - -1 for any number of rows, 1 for one at a time. */
export function tfjsGraphFiles(batch: -1 | 1 = -1): NetworkFiles {
  const placeholder = (name: string, type: string, size: number): object => ({ name, op: 'Placeholder', attr: { dtype: { type }, shape: { shape: { dim: [{ size: String(batch) }, { size: String(size) }] } } } });
  const constant = (name: string, type: string): object => ({ name, op: 'Const', attr: { dtype: { type } } });
  const node = [
    placeholder('features', 'DT_FLOAT', FEATURES),
    placeholder('codes', 'DT_INT32', CODES),
    constant('weights', 'DT_FLOAT'),
    constant('bias', 'DT_FLOAT'),
    constant('axis', 'DT_INT32'),
    { name: 'product', op: 'MatMul', input: ['features', 'weights'], attr: { T: { type: 'DT_FLOAT' } } },
    { name: 'scores', op: 'AddV2', input: ['product', 'bias'], attr: { T: { type: 'DT_FLOAT' } } },
    { name: 'sums', op: 'Sum', input: ['codes', 'axis'], attr: { T: { type: 'DT_INT32' }, keep_dims: { b: true } } },
  ];
  const weights = [
    { name: 'weights', shape: [FEATURES, SCORES], dtype: 'float32' },
    { name: 'bias', shape: [SCORES], dtype: 'float32' },
    { name: 'axis', shape: [1], dtype: 'int32' },
  ];
  const json = { format: 'graph-model', modelTopology: { node, versions: {} }, weightsManifest: [{ paths: ['weights.bin'], weights }] };
  const bytes = Buffer.concat([new Float32Array([...WEIGHTS, ...BIAS]), Int32Array.of(1)].map(({ buffer }) => Buffer.from(buffer)));
  return { 'model.json': Buffer.from(JSON.stringify(json)), 'weights.bin': bytes };
}

/** A Keras-like layers model with the scores alone. */
export function tfjsLayersFiles(): NetworkFiles {
  const layers = [
    { class_name: 'InputLayer', name: 'features', inbound_nodes: [], config: { batch_input_shape: [null, FEATURES], dtype: 'float32', sparse: false, name: 'features' } },
    { class_name: 'Dense', name: 'scores', inbound_nodes: [[['features', 0, 0, {}]]], config: { units: SCORES, activation: 'linear', use_bias: true, name: 'scores' } },
  ];
  const config = { name: 'tiny', layers, input_layers: [['features', 0, 0]], output_layers: [['scores', 0, 0]] };
  const weights = [
    { name: 'scores/kernel', shape: [FEATURES, SCORES], dtype: 'float32' },
    { name: 'scores/bias', shape: [SCORES], dtype: 'float32' },
  ];
  const json = { format: 'layers-model', modelTopology: { keras_version: '2', backend: 'tensorflow', model_config: { class_name: 'Model', config } }, weightsManifest: [{ paths: ['weights.bin'], weights }] };
  return { 'model.json': Buffer.from(JSON.stringify(json)), 'weights.bin': Buffer.from(new Float32Array([...WEIGHTS, ...BIAS]).buffer) };
}

interface NetworkOptions {
  readonly files: NetworkFiles;
  readonly inputs?: readonly TensorSpec[];
  readonly outputs?: readonly TensorSpec[];
}

/** Writes a network as version 1 of `name`. Its task is any: backends know of none. */
export async function publishNetwork(modelsFolder: string, name: string, { files, inputs = INPUTS, outputs = OUTPUTS }: NetworkOptions): Promise<void> {
  const folder = join(modelsFolder, name, '1');
  await mkdir(folder, { recursive: true });
  for (const [file, bytes] of Object.entries(files)) await writeFile(join(folder, file), bytes);
  const manifest: ModelManifest = {
    name,
    version: '1',
    task: 'gesture',
    summary: meaning,
    licence: 'Apache-2.0',
    format: 'model.json' in files ? 'tfjs' : 'onnx',
    files: Object.fromEntries(Object.entries(files).map(([file, bytes]) => [file, digestOf(bytes)])),
    inputs: [...inputs],
    outputs: [...outputs],
    labels: {},
    thresholds: {},
    data: [],
    metrics: {},
  };
  await writeFile(join(folder, 'manifest.json'), JSON.stringify(manifest));
}
