/** Writes the network as an ONNX graph with the int8 embedding table inside. */
import { GraphBuilder } from '../../registry/onnx/graph-builder.ts';
import type { Head, Heads } from './heads.ts';
import type { Network } from './network.ts';
import type { QuantisedTable } from './quantise.ts';

/**
 * Input `ids` [N, L] int32, padded with 0; one output of probabilities for each head, [N, classes] float32.
 *
 * The integers of a message's rows are summed before they are scaled, so the padding row, all zeros, changes nothing.
 *
 * @returns the bytes of `model.onnx`; the caller's.
 */
export function languageGraph(network: Network, table: QuantisedTable, heads: Heads): Uint8Array {
  const { buckets, dim, hidden } = network.shape;
  const graph = new GraphBuilder({ name: 'avatar-language' });
  const ids = graph.input('ids', 'int32', ['N', 'L']);
  const rows = graph.op('Gather', [graph.constant('int8', [buckets, dim], table.values, 'embedding'), ids], { axis: 0 });
  const sums = graph.op('ReduceSum', [graph.op('Cast', [rows], { to: FLOAT }), graph.ints([1])], { keepdims: 0 });
  const scaled = graph.op('Mul', [sums, graph.constant('float32', [1, dim], table.scales)]);
  const pooled = graph.op('Div', [scaled, rootOfCount(graph, ids)]);
  const weights = graph.constant('float32', [hidden, dim], network.hiddenWeights);
  const bias = graph.constant('float32', [hidden], network.hiddenBias);
  const activated = graph.op('Relu', [graph.op('Gemm', [pooled, weights, bias], { transB: 1 })]);
  for (const head of Object.values(heads)) addHead(graph, network, head, activated);
  return graph.toBytes();
}

/** TensorProto.DataType.FLOAT */
const FLOAT = 1;

/** [N, 1] The square root of the number of ids that are not padding, at least 1. */
function rootOfCount(graph: GraphBuilder, ids: string): string {
  const present = graph.op('Cast', [graph.op('Greater', [ids, graph.constant('int32', [], Int32Array.of(0))])], { to: FLOAT });
  const counts = graph.op('ReduceSum', [present, graph.ints([1])], { keepdims: 1 });
  return graph.op('Sqrt', [graph.op('Max', [counts, graph.scalar(1)])]);
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
