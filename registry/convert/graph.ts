/** Converts a TensorFlow.js graph whose operations all work on each item of a batch by itself. */
import { GraphBuilder } from '../onnx/graph-builder.ts';
import type { GraphModel } from './graph-model.ts';
import { Lowering } from './lowering.ts';
import { PICTURE_OPS } from './picture-ops.ts';
import { PLAIN_OPS } from './plain-ops.ts';

export interface GraphOptions {
  readonly name: string;
  /** The node that takes the picture, and its [height, width, channels]. */
  readonly input: { readonly node: string; readonly sizes: readonly number[] };
  /** The node behind each ONNX output, by the output's name. */
  readonly outputs: Readonly<Record<string, string>>;
}

/**
 * The ONNX model of a graph: `input` float32 [N, ...sizes] to each output float32 [N, ...], both in TensorFlow's
 * order. A graph that was made for one picture comes out with a batch.
 *
 * @throws CopresenceError GRAPH_UNSUPPORTED for an operation that cannot be converted or that mixes a batch's items.
 */
export function convertGraph(model: GraphModel, options: GraphOptions): Uint8Array {
  const { input, outputs, name } = options;
  const graph = new GraphBuilder({ name });
  const lowering = new Lowering(model, graph, { ...PICTURE_OPS, ...PLAIN_OPS });
  lowering.feed(input.node, { sizes: input.sizes, last: graph.input('input', 'float32', ['N', ...input.sizes]) });
  for (const [output, node] of Object.entries(outputs)) {
    const value = lowering.value(node);
    graph.op('Identity', [lowering.last(value)], {}, output);
    graph.output(output, 'float32', ['N', ...value.sizes]);
  }
  return graph.toBytes();
}
