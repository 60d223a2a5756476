/** Small real models for the tests, written as a model folder: quick to load, and bad on purpose where that is asked. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HAND_FEATURE_COUNT } from '../../../features/hand.ts';
import { digestOf } from '../../../registry/digest.ts';
import { ENTITY_TOKENS, TOKEN_FEATURES } from '../../../features/entity-tokens.ts';
import { GraphBuilder } from '../../../registry/onnx/graph-builder.ts';
import type { TensorSpec } from '../../../registry/manifest.ts';
import type { Task } from '../../../core/tasks.ts';

export interface TinyModel {
  readonly name: string;
  readonly task: Task;
  readonly graph: Uint8Array;
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  readonly labels: Readonly<Record<string, readonly string[]>>;
  readonly thresholds?: Readonly<Record<string, number>>;
}

const FLOAT = 1;
const INT64 = 7;
const meaning = 'made for a test';

/** Writes a model as a version, the first unless it is said, into `modelsFolder`. */
export async function publish(modelsFolder: string, model: TinyModel, version = '1'): Promise<void> {
  const folder = join(modelsFolder, model.name, version);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'model.onnx'), model.graph);
  const { graph, ...rest } = model;
  const manifest = { ...rest, version, summary: meaning, licence: 'Apache-2.0', format: 'onnx', files: { 'model.onnx': digestOf(graph) }, data: [], metrics: {} };
  await writeFile(join(folder, 'manifest.json'), JSON.stringify(manifest));
}

/**
 * Finds every joint in the middle of a dark picture. On a light one it answers NaN, and on a white one it fails: it
 * reads behind the end of a table.
 */
export function moodyBody(name: string): TinyModel {
  const graph = new GraphBuilder({ name });
  const pixels = graph.op('Cast', [graph.input('input', 'uint8', ['N', 8, 8, 3])], { to: FLOAT });
  const brightness = graph.op('ReduceMean', [graph.op('Reshape', [pixels, graph.ints([0, 192])])], { axes: [1], keepdims: 0 });
  const light = graph.op('Cast', [graph.op('Greater', [brightness, graph.scalar(130)])], { to: INT64 });
  const white = graph.op('Cast', [graph.op('Greater', [brightness, graph.scalar(180)])], { to: INT64 });
  const row = graph.op('Add', [light, graph.op('Mul', [white, graph.ints([1000])])]);
  const table = new Float32Array(2 * 51).fill(0.5).fill(NaN, 51);
  const chosen = graph.op('Gather', [graph.constant('float32', [2, 51], table), row], { axis: 0 });
  return finishBody(name, graph, chosen);
}

/** The rest of a body model that reads pictures of 8 x 8 pixels from `input`. @param joints - [N, 51], y, x and score of each. */
export function finishBody(name: string, graph: GraphBuilder, joints: string): TinyModel {
  graph.op('Reshape', [joints, graph.ints([0, 17, 3])], {}, 'keypoints');
  graph.output('keypoints', 'float32', ['N', 17, 3]);
  return {
    name,
    task: 'body-pose',
    graph: graph.toBytes(),
    inputs: [{ name: 'input', dtype: 'uint8', shape: ['N', 8, 8, 3], meaning }],
    outputs: [{ name: 'keypoints', dtype: 'float32', shape: ['N', 17, 3], meaning }],
    labels: {},
  };
}

/** Calls every hand `first`, or what is said instead, with a probability of 0.75, and a mirrored hand the same. */
export function certainGesture(name: string, threshold: number, labels: readonly [string, string] = ['first', 'second']): TinyModel {
  const graph = new GraphBuilder({ name });
  const features = graph.input('features', 'float32', ['N', HAND_FEATURE_COUNT]);
  const nothing = graph.op('Gemm', [features, graph.constant('float32', [HAND_FEATURE_COUNT, 2], new Float32Array(HAND_FEATURE_COUNT * 2)), graph.constant('float32', [2], Float32Array.of(Math.log(3), 0))]);
  graph.op('Softmax', [nothing], { axis: 1 }, 'probabilities');
  graph.output('probabilities', 'float32', ['N', 2]);
  return {
    name,
    task: 'gesture',
    graph: graph.toBytes(),
    inputs: [{ name: 'features', dtype: 'float32', shape: ['N', HAND_FEATURE_COUNT], meaning }],
    outputs: [{ name: 'probabilities', dtype: 'float32', shape: ['N', 2], meaning }],
    labels: { probabilities: labels },
    thresholds: { probabilities: threshold },
  };
}

const HEADS = { sentiment: ['positive', 'negative'], emotion: ['joy', 'fear'], intent: ['help', 'oos'], moderation: ['hate', 'offensive', 'neither'], spam: ['spam'] };

/** Gives every label of every head the share of the message's ids that are odd; padding counts for nothing. With `namesEverything` each token is a thing. */
export function oddLanguage(name: string, { namesEverything = false } = {}): TinyModel {
  const graph = new GraphBuilder({ name });
  const ids = graph.input('ids', 'int32', ['N', 'L']);
  const two = graph.constant('int32', [], Int32Array.of(2));
  const sum = (values: string): string => graph.op('ReduceSum', [graph.op('Cast', [values], { to: FLOAT }), graph.ints([1])], { keepdims: 1 });
  const present = graph.op('Greater', [ids, graph.constant('int32', [], Int32Array.of(0))]);
  const share = graph.op('Div', [sum(graph.op('Mod', [ids, two])), sum(present)]);
  for (const [head, labels] of Object.entries(HEADS)) {
    graph.op('MatMul', [share, graph.constant('float32', [1, labels.length], new Float32Array(labels.length).fill(1))], {}, head);
    graph.output(head, 'float32', ['N', labels.length]);
  }
  const inputs: TinyModel['inputs'] = [{ name: 'ids', dtype: 'int32', shape: ['N', 'L'], meaning }];
  const outputs: TinyModel['outputs'] = Object.entries(HEADS).map(([head, labels]) => ({ name: head, dtype: 'float32', shape: ['N', labels.length], meaning }));
  if (!namesEverything) return { name, task: 'language', graph: graph.toBytes(), inputs, outputs, labels: HEADS };
  const tokens = graph.input('tokens', 'int32', ['N', ENTITY_TOKENS, TOKEN_FEATURES]);
  const rows = graph.op('Cast', [graph.op('Slice', [tokens, graph.ints([0]), graph.ints([2]), graph.ints([2])])], { to: FLOAT });
  graph.op('Add', [graph.op('Mul', [rows, graph.scalar(0)]), graph.constant('float32', [2], Float32Array.of(0.25, 0.75))], {}, 'entity');
  graph.output('entity', 'float32', ['N', ENTITY_TOKENS, 2]);
  return {
    name, task: 'language', graph: graph.toBytes(), labels: { ...HEADS, entity: ['O', 'B-thing'] },
    inputs: [...inputs, { name: 'tokens', dtype: 'int32', shape: ['N', ENTITY_TOKENS, TOKEN_FEATURES], meaning }],
    outputs: [...outputs, { name: 'entity', dtype: 'float32', shape: ['N', ENTITY_TOKENS, 2], meaning }],
  };
}
