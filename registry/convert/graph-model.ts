/** Parses a TensorFlow.js graph model: its operations, their attributes and its weights. */
import { z } from 'zod';
import { CopresenceError } from '../../core/errors.ts';
import { decodeWeights, weightSpec } from './weights.ts';
import type { Weight } from './weights.ts';

/** Text in attributes is base64; whole numbers may be written as strings. */
const attribute = z.object({
  s: z.string().optional(),
  b: z.boolean().optional(),
  list: z
    .object({ s: z.array(z.string()).optional(), i: z.array(z.union([z.string(), z.number()])).optional() })
    .optional(),
});

const graphNode = z.object({
  name: z.string(),
  op: z.string(),
  input: z.array(z.string()).default([]),
  attr: z.record(z.string(), attribute).default({}),
});

/** One operation of the graph. */
export type GraphNode = z.infer<typeof graphNode>;

const modelJson = z.object({
  format: z.literal('graph-model'),
  modelTopology: z.object({ node: z.array(graphNode) }),
  weightsManifest: z.array(z.object({ paths: z.array(z.string()), weights: z.array(weightSpec) })),
});

export interface GraphModel {
  /** By name; constants are in `weights` instead. */
  readonly nodes: ReadonlyMap<string, GraphNode>;
  readonly weights: ReadonlyMap<string, Weight>;
}

/**
 * Parses a `model.json` and the weight files that it names.
 *
 * @param json - the bytes of the `model.json`.
 * @param weightFile - the bytes of a weight file, by its path relative to the `model.json`.
 * @throws CopresenceError MODEL_INVALID when the file is not a graph model or the weights do not fit.
 */
export function parseGraphModel(json: Uint8Array, weightFile: (path: string) => Uint8Array): GraphModel {
  const parsed = modelJson.safeParse(parseJson(json));
  if (!parsed.success) {
    throw new CopresenceError('MODEL_INVALID', `not a TensorFlow.js graph model: ${z.prettifyError(parsed.error)}`);
  }
  const weights = new Map<string, Weight>();
  for (const group of parsed.data.weightsManifest) {
    const bytes = Buffer.concat(group.paths.map(weightFile));
    for (const [name, weight] of decodeWeights(group.weights, bytes)) weights.set(name, weight);
  }
  const nodes = parsed.data.modelTopology.node.filter((node) => node.op !== 'Const');
  return { nodes: new Map(nodes.map((node) => [node.name, node])), weights };
}

/** What the node reads: control inputs left out, and the `:0` of a first output dropped. */
export function inputsOf(node: GraphNode): string[] {
  return node.input.filter((name) => !name.startsWith('^')).map((name) => name.replace(/:0$/, ''));
}

export function intsOf(node: GraphNode, name: string): number[] {
  return (node.attr[name]?.list?.i ?? []).map(Number);
}

export function textOf(node: GraphNode, name: string): string {
  return fromBase64(node.attr[name]?.s ?? '');
}

export function textsOf(node: GraphNode, name: string): string[] {
  return (node.attr[name]?.list?.s ?? []).map(fromBase64);
}

export function flagOf(node: GraphNode, name: string): boolean {
  return node.attr[name]?.b ?? false;
}

/** Refuses a node that this converter cannot turn into ONNX. */
export function unsupported(node: GraphNode, reason: string): never {
  throw new CopresenceError('GRAPH_UNSUPPORTED', `${node.op} '${node.name}': ${reason}`);
}

function parseJson(json: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(json).toString('utf8'));
  } catch (cause) {
    throw new CopresenceError('MODEL_INVALID', 'a model.json is not JSON', { cause });
  }
}

function fromBase64(text: string): string {
  return Buffer.from(text, 'base64').toString('utf8');
}
