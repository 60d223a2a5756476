/** Writes the network as an ONNX graph, with its table as float32 or int8. */
import { ENTITY_TOKENS, TOKEN_FEATURES } from '../../features/entity-tokens.ts';
import { GraphBuilder } from '../../registry/onnx/graph-builder.ts';
import { ENTITY_TAGS } from './heads.ts';
import type { Head, Heads } from './heads.ts';
import type { Network } from './network.ts';
import type { QuantisedTable } from './quantise.ts';
import { REACH } from './tagger.ts';
import type { Tagger } from './tagger.ts';

export interface GraphParts {
  readonly network: Network;
  readonly tagger: Tagger;
  readonly heads: Heads;
}

/** TensorProto.DataType */
const FLOAT = 1;
const INT64 = 7;

/**
 * Inputs `ids` [N, L] int32 and `tokens` [N, ENTITY_TOKENS, TOKEN_FEATURES] int32, padded with 0; one output of probabilities for each
 * head, [N, classes] float32, and `entity` [N, ENTITY_TOKENS, tags], zero behind the tokens of the batch's longest line.
 *
 * The integers of a message's rows are summed before they are scaled, so the padding row, all zeros, changes nothing. Only as many
 * tokens are tagged as the longest line of the batch has.
 *
 * @param table - the network's own table, rounded; the float32 one where left out.
 * @returns the bytes of `model.onnx`; the caller's.
 */
export function languageGraph({ network, tagger, heads }: GraphParts, table?: QuantisedTable): Uint8Array {
  const { buckets, dim, hidden } = network.shape;
  const graph = new GraphBuilder({ name: 'avatar-language' });
  const ids = graph.input('ids', 'int32', ['N', 'L']);
  const tokens = graph.input('tokens', 'int32', ['N', ENTITY_TOKENS, TOKEN_FEATURES]);
  const rows = table === undefined
    ? graph.constant('float32', [buckets, dim], network.embedding, 'embedding')
    : graph.constant('int8', [buckets, dim], table.values, 'embedding');
  const scales = table === undefined ? undefined : graph.constant('float32', [dim], table.scales, 'scales');
  const pooled = pool(graph, { rows, scales, ids, axis: 1 });
  const weights = graph.constant('float32', [hidden, dim], network.hiddenWeights);
  const bias = graph.constant('float32', [hidden], network.hiddenBias);
  const activated = graph.op('Relu', [graph.op('Gemm', [pooled, weights, bias], { transB: 1 })]);
  for (const head of Object.values(heads)) addHead(graph, network, head, activated);
  const count = tokensInUse(graph, tokens);
  const used = graph.op('Slice', [tokens, graph.ints([0]), count, graph.ints([1])]);
  addTags(graph, tagger, { vectors: pool(graph, { rows, scales, ids: used, axis: 2 }), count });
  return graph.toBytes();
}

/** The sum of the rows of `ids` over `axis`, divided by the square root of how many are not padding, at least 1. */
function pool(graph: GraphBuilder, { rows, scales, ids, axis }: { rows: string; scales: string | undefined; ids: string; axis: number }): string {
  const gathered = graph.op('Gather', [rows, ids], { axis: 0 });
  const sum = (values: string, keepdims: number): string => graph.op('ReduceSum', [values, graph.ints([axis])], { keepdims });
  const sums = scales === undefined ? sum(gathered, 0) : graph.op('Mul', [sum(graph.op('Cast', [gathered], { to: FLOAT }), 0), scales]);
  const counts = sum(graph.op('Cast', [isPresent(graph, ids)], { to: FLOAT }), 1);
  const roots = graph.op('Sqrt', [graph.op('Max', [counts, graph.scalar(1)])]);
  return graph.op('Div', [sums, roots]);
}

function isPresent(graph: GraphBuilder, ids: string): string {
  return graph.op('Greater', [ids, graph.constant('int32', [], Int32Array.of(0))]);
}

/** [1] int64: the tokens of the batch's longest line, at least 1. */
function tokensInUse(graph: GraphBuilder, tokens: string): string {
  const present = graph.op('ReduceMax', [graph.op('Cast', [isPresent(graph, tokens)], { to: FLOAT })], { axes: [2], keepdims: 0 });
  const longest = graph.op('ReduceMax', [graph.op('ReduceSum', [present, graph.ints([1])], { keepdims: 0 })], { axes: [0], keepdims: 1 });
  return graph.op('Cast', [graph.op('Max', [longest, graph.scalar(1)])], { to: INT64 });
}

/** @param tagged.vectors - [N, count, dim] */
function addTags(graph: GraphBuilder, tagger: Tagger, { vectors, count }: { vectors: string; count: string }): void {
  const { dim, hidden } = tagger;
  const window = 2 * REACH + 1;
  const padded = graph.op('Pad', [vectors, graph.ints([0, REACH, 0, 0, REACH, 0])]);
  const shifted = Array.from({ length: window }, (_, at) =>
    graph.op('Slice', [padded, graph.ints([at]), graph.op('Add', [count, graph.ints([at])]), graph.ints([1])]));
  const around = graph.op('Concat', shifted, { axis: 2 });
  const dense = (input: string, weights: Float32Array, bias: Float32Array, width: number): string => {
    const matrix = graph.constant('float32', [width, bias.length], transposed(weights, bias.length, width));
    return graph.op('Add', [graph.op('MatMul', [input, matrix]), graph.constant('float32', [bias.length], bias)]);
  };
  const activated = graph.op('Relu', [dense(around, tagger.windowWeights, tagger.windowBias, window * dim)]);
  const tags = graph.op('Softmax', [dense(activated, tagger.tagWeights, tagger.tagBias, hidden)], { axis: 2 });
  const missing = graph.op('Sub', [graph.ints([ENTITY_TOKENS]), count]);
  graph.op('Pad', [tags, graph.op('Concat', [graph.ints([0, 0, 0, 0]), missing, graph.ints([0])], { axis: 0 })], {}, 'entity');
  graph.output('entity', 'float32', ['N', ENTITY_TOKENS, ENTITY_TAGS.length]);
}

function addHead(graph: GraphBuilder, network: Network, head: Head, activated: string): void {
  const { hidden } = network.shape;
  const count = head.classes.length;
  const end = head.offset + count;
  const rows = network.outputWeights.subarray(head.offset * hidden, end * hidden);
  const weights = graph.constant('float32', [count, hidden], rows);
  const bias = graph.constant('float32', [count], network.outputBias.subarray(head.offset, end));
  const logits = graph.op('Gemm', [activated, weights, bias], { transB: 1 });
  if (head.kind === 'softmax') graph.op('Softmax', [logits], { axis: 1 }, head.name);
  else graph.op('Sigmoid', [logits], {}, head.name);
  graph.output(head.name, 'float32', ['N', count]);
}

/** [rows, columns] as [columns, rows]. */
function transposed(values: Float32Array, rows: number, columns: number): Float32Array {
  return Float32Array.from(values, (_, at) => values[(at % rows) * columns + Math.floor(at / rows)]!);
}
