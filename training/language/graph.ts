/** Writes the network as an ONNX graph, with its tables as float32 or int8. */
import { ENTITY_TOKENS, TOKEN_FEATURES } from '../../features/entity-tokens.ts';
import { GraphBuilder } from '../../registry/onnx/graph-builder.ts';
import { ENTITY_TAGS } from './heads.ts';
import type { Head, HeadName, Heads } from './heads.ts';
import type { Network } from './network.ts';
import type { QuantisedTable, QuantisedTables } from './quantise.ts';
import { REACH } from './tagger.ts';
import type { Tagger } from './tagger.ts';

export interface GraphParts {
  readonly network: Network;
  readonly tagger: Tagger;
  readonly heads: Heads;
}

/** Names of the constants, by which a float32 graph can be read back into a network. */
export const CONSTANTS = {
  embedding: 'embedding', wide: 'wide', hiddenWeights: 'hidden_weights', hiddenBias: 'hidden_bias',
  windowWeights: 'window_weights', windowBias: 'window_bias', tagWeights: 'tag_weights', tagBias: 'tag_bias',
} as const;

export function headConstants(head: HeadName): { readonly weights: string; readonly bias: string } {
  return { weights: `${head}_weights`, bias: `${head}_bias` };
}

/** TensorProto.DataType */
const FLOAT = 1;
const INT32 = 6;

/**
 * Features of a message that are summed at once: those that are all padding are left out, so that a batch costs what its lines hold and
 * not what its longest one does.
 */
const CHUNK = 32;

/**
 * Inputs `ids` [N, L] int32 and `tokens` [N, ENTITY_TOKENS, TOKEN_FEATURES] int32, padded with 0; one output of probabilities for each
 * head, [N, classes] float32, and `entity` [N, ENTITY_TOKENS, tags], zero where there is no token.
 *
 * The integers of a message's rows are summed before they are scaled, so the padding row, all zeros, changes nothing. Nothing is
 * computed of what is only padding: groups of features and tokens that hold something are gathered side by side first.
 *
 * @param tables - the network's own tables, rounded; the float32 ones where left out.
 * @returns the bytes of `model.onnx`; the caller's.
 */
export function languageGraph({ network, tagger, heads }: GraphParts, tables?: QuantisedTables): Uint8Array {
  const graph = new GraphBuilder({ name: 'avatar-language' });
  const ids = graph.input('ids', 'int32', ['N', 'L']);
  const tokens = graph.input('tokens', 'int32', ['N', ENTITY_TOKENS, TOKEN_FEATURES]);
  const { buckets, dim, wideRows, columns } = network.shape;
  const embedding = addTable(graph, CONSTANTS.embedding, { rows: buckets, columns: dim, values: network.embedding, rounded: tables?.embedding });
  const wide = addTable(graph, CONSTANTS.wide, { rows: wideRows, columns, values: network.wide, rounded: tables?.wide });
  const lines = chunksOf(graph, ids);
  const folded = graph.op('Mod', [lines.ids, graph.constant('int32', [], Int32Array.of(wideRows))]);
  const roots = rootOfCount(graph, ids);
  const pooled = graph.op('Div', [sumLines(graph, embedding, lines), roots]);
  const own = graph.op('Div', [sumLines(graph, wide, { ...lines, ids: folded }), roots]);
  addHeads(graph, { network, heads }, { pooled, own });
  addTags(graph, tagger, { tokens, embedding });
  return graph.toBytes();
}

interface GraphTable {
  readonly columns: number;
  /** Names of constants: [rows, columns], and of rounded ones [columns]. */
  readonly rows: string;
  readonly scales: string | undefined;
}

function addTable(graph: GraphBuilder, name: string, { rows, columns, values, rounded }: { rows: number; columns: number; values: Float32Array; rounded: QuantisedTable | undefined }): GraphTable {
  if (rounded === undefined) return { columns, rows: graph.constant('float32', [rows, columns], values, name), scales: undefined };
  return { columns, rows: graph.constant('int8', [rows, columns], rounded.values, name), scales: graph.constant('float32', [columns], rounded.scales, `${name}_scales`) };
}

/** What lines have in chunks. */
interface Chunks {
  /** [1 + F, CHUNK], without chunks that are padding, but for the first. */
  readonly ids: string;
  /** [N, chunks of a line] int32: the number of each in `ids`. */
  readonly byLine: string;
}

function chunksOf(graph: GraphBuilder, ids: string): Chunks {
  const missing = graph.op('Mod', [graph.op('Neg', [sizeOf(graph, ids, 1)]), graph.ints([CHUNK])]);
  const padded = graph.op('Pad', [ids, graph.op('Concat', [graph.ints([0, 0, 0]), missing], { axis: 0 })]);
  const { ids: filled, places } = withoutPadding(graph, graph.op('Reshape', [padded, graph.ints([-1, CHUNK])]), CHUNK);
  return { ids: filled, byLine: graph.op('Reshape', [places, graph.op('Concat', [sizeOf(graph, ids, 0), graph.ints([-1])], { axis: 0 })]) };
}

/** [N, columns]: the sum of each line's rows. */
function sumLines(graph: GraphBuilder, table: GraphTable, { ids, byLine }: Chunks): string {
  const sums = sumRows(graph, table, ids, CHUNK);
  const whole = graph.op('ReduceSum', [graph.op('Gather', [sums, byLine], { axis: 0 }), graph.ints([1])], { keepdims: 0 });
  return scaled(graph, table, whole);
}

/**
 * Of groups of ids [G, size] those that hold one, side by side behind one that is padding.
 *
 * @returns `ids` [1 + F, size]; `index` [F] int64, where each was; `places` [G] int32, by group its number in `ids`, 0 for all padding.
 */
function withoutPadding(graph: GraphBuilder, groups: string, size: number): { ids: string; index: string; places: string } {
  const isFilled = isPresent(graph, graph.op('ReduceMax', [groups], { axes: [1], keepdims: 0 }));
  const index = graph.op('Reshape', [graph.op('NonZero', [isFilled]), graph.ints([-1])]);
  const counted = graph.op('Cast', [isFilled], { to: INT32 });
  const numbers = graph.op('CumSum', [counted, graph.constant('int32', [], Int32Array.of(0))]);
  const padding = graph.constant('int32', [1, size], new Int32Array(size));
  return { ids: graph.op('Concat', [padding, graph.op('Gather', [groups, index], { axis: 0 })], { axis: 0 }), index, places: graph.op('Mul', [numbers, counted]) };
}

/**
 * [F, columns] of [F, size] ids: the sum of their rows, unscaled.
 *
 * Integers are added up by a product with ones: made floats first, four times as many bytes would go through memory, in twice the time.
 */
function sumRows(graph: GraphBuilder, { rows, scales, columns }: GraphTable, ids: string, size: number): string {
  const gathered = graph.op('Gather', [rows, ids], { axis: 0 });
  if (scales === undefined) return graph.op('ReduceSum', [gathered, graph.ints([1])], { keepdims: 0 });
  const ones = graph.constant('uint8', [1, 1, size], new Uint8Array(size).fill(1));
  const sums = graph.op('Cast', [graph.op('MatMulInteger', [ones, gathered])], { to: FLOAT });
  return graph.op('Reshape', [sums, graph.ints([-1, columns])]);
}

function scaled(graph: GraphBuilder, { scales }: GraphTable, sums: string): string {
  return scales === undefined ? sums : graph.op('Mul', [sums, scales]);
}

/** [G, 1] of [G, size] ids: the square root of how many are not padding, at least 1. */
function rootOfCount(graph: GraphBuilder, ids: string): string {
  const counts = graph.op('ReduceSum', [graph.op('Cast', [isPresent(graph, ids)], { to: FLOAT }), graph.ints([1])], { keepdims: 1 });
  return graph.op('Sqrt', [graph.op('Max', [counts, graph.scalar(1)])]);
}

function isPresent(graph: GraphBuilder, ids: string): string {
  return graph.op('Greater', [ids, graph.constant('int32', [], Int32Array.of(0))]);
}

/** [1] int64 */
function sizeOf(graph: GraphBuilder, value: string, axis: number): string {
  return graph.op('Slice', [graph.op('Shape', [value]), graph.ints([axis]), graph.ints([axis + 1])]);
}

function addTags(graph: GraphBuilder, tagger: Tagger, { tokens, embedding }: { tokens: string; embedding: GraphTable }): void {
  const { dim, hidden } = tagger;
  const window = 2 * REACH + 1;
  const { ids, index, places } = withoutPadding(graph, graph.op('Reshape', [tokens, graph.ints([-1, TOKEN_FEATURES])]), TOKEN_FEATURES);
  const vectors = graph.op('Div', [scaled(graph, embedding, sumRows(graph, embedding, ids, TOKEN_FEATURES)), rootOfCount(graph, ids)]);
  const byLine = graph.op('Reshape', [places, graph.ints([-1, ENTITY_TOKENS])]);
  const around = graph.op('Gather', [vectors, neighbours(graph, byLine, index)], { axis: 0 });
  const dense = (input: string, layer: 'window' | 'tag', width: number): string => {
    const [weights, bias] = [tagger[`${layer}Weights`], tagger[`${layer}Bias`]];
    // The runtime multiplies many rows faster by a matrix that lies this way round.
    const matrix = graph.constant('float32', [width, bias.length], transposed(weights, bias.length, width), CONSTANTS[`${layer}Weights`]);
    return graph.op('Gemm', [input, matrix, graph.constant('float32', [bias.length], bias, CONSTANTS[`${layer}Bias`])]);
  };
  const windows = graph.op('Reshape', [around, graph.ints([-1, window * dim])]);
  const activated = graph.op('Relu', [dense(windows, 'window', window * dim)]);
  const tags = graph.op('Softmax', [dense(activated, 'tag', hidden)], { axis: 1 });
  const none = graph.constant('float32', [1, ENTITY_TAGS.length], new Float32Array(ENTITY_TAGS.length));
  graph.op('Gather', [graph.op('Concat', [none, tags], { axis: 0 }), byLine], { axis: 0 }, 'entity');
  graph.output('entity', 'float32', ['N', ENTITY_TOKENS, ENTITY_TAGS.length]);
}

/** [F, window] int32: by token the numbers of those around it in its own line, 0 where there is none. @param byLine - [N, ENTITY_TOKENS]. @param index - [F], line by line. */
function neighbours(graph: GraphBuilder, byLine: string, index: string): string {
  const padded = graph.op('Pad', [byLine, graph.ints([0, REACH, 0, REACH])]);
  const line = graph.op('Div', [index, graph.ints([ENTITY_TOKENS])]);
  const first = graph.op('Add', [index, graph.op('Mul', [line, graph.ints([2 * REACH])])]);
  const places = graph.op('Add', [graph.op('Reshape', [first, graph.ints([-1, 1])]), graph.ints(Array.from({ length: 2 * REACH + 1 }, (_, at) => at))]);
  return graph.op('Gather', [graph.op('Reshape', [padded, graph.ints([-1])]), places], { axis: 0 });
}

/** @param input.pooled - [N, dim]. @param input.own - [N, columns], what features say by themselves. */
function addHeads(graph: GraphBuilder, { network, heads }: Pick<GraphParts, 'network' | 'heads'>, input: { pooled: string; own: string }): void {
  const { dim, hidden } = network.shape;
  const weights = graph.constant('float32', [hidden, dim], network.hiddenWeights, CONSTANTS.hiddenWeights);
  const bias = graph.constant('float32', [hidden], network.hiddenBias, CONSTANTS.hiddenBias);
  const activated = graph.op('Relu', [graph.op('Gemm', [input.pooled, weights, bias], { transB: 1 })]);
  for (const head of Object.values(heads)) addHead(graph, network, head, { activated, own: input.own });
}

function addHead(graph: GraphBuilder, network: Network, head: Head, input: { activated: string; own: string }): void {
  const { hidden } = network.shape;
  const count = head.classes.length;
  const end = head.offset + count;
  const names = headConstants(head.name);
  const weights = graph.constant('float32', [count, hidden], network.outputWeights.subarray(head.offset * hidden, end * hidden), names.weights);
  const bias = graph.constant('float32', [count], network.outputBias.subarray(head.offset, end), names.bias);
  const own = graph.op('Slice', [input.own, graph.ints([head.offset]), graph.ints([end]), graph.ints([1])]);
  const logits = graph.op('Add', [graph.op('Gemm', [input.activated, weights, bias], { transB: 1 }), own]);
  if (head.kind === 'softmax') graph.op('Softmax', [logits], { axis: 1 }, head.name);
  else graph.op('Sigmoid', [logits], {}, head.name);
  graph.output(head.name, 'float32', ['N', count]);
}

/** [rows, columns] as [columns, rows]. */
export function transposed(values: Float32Array, rows: number, columns: number): Float32Array {
  return Float32Array.from(values, (_, at) => values[(at % rows) * columns + Math.floor(at / rows)]!);
}
