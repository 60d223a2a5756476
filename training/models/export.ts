/** A trained model as one ONNX graph, with what comes before it: nothing for numbers, counted ids for texts. */
import { GraphBuilder } from '../../registry/onnx/graph-builder.ts';
import type { TensorSpec } from '../../registry/manifest.ts';
import type { Encoding } from '../dataset/table.ts';
import type { Classifier } from './classifier.ts';

export const OUTPUT_NAME = 'probabilities';

/** What the graph takes, for the manifest. */
export function inputSpec(encoding: Encoding): TensorSpec {
  if (encoding.kind === 'text') {
    return { name: 'ids', dtype: 'int32', shape: ['N', 'L'], meaning: 'feature ids of features/text.ts, padded with 0' };
  }
  const meanings = {
    columns: 'a row of numbers as in the data set',
    hand: 'one hand a row, as features/hand.ts writes it; without unit',
    path: 'the way of one hand in a window, as features/hand-path.ts writes it; without unit',
    'hand-motion': 'one window of a moving hand, as features/hand-motion.ts writes it',
    motion: 'one axis of one head or hand a row, as features/motion-window.ts writes it; metres or radians a second',
  };
  const shape = encoding.steps === 1 ? ['N', encoding.width] : ['N', encoding.steps, encoding.width];
  return { name: 'features', dtype: 'float32', shape, meaning: meanings[encoding.kind] };
}

/** Encodes the model; input as `inputSpec`, output [N, classCount] float32. */
export function toOnnx(name: string, model: Pick<Classifier, 'classCount' | 'addTo'>, encoding: Encoding, outputName = OUTPUT_NAME): Uint8Array {
  const graph = new GraphBuilder({ name });
  const { name: inputName, dtype, shape } = inputSpec(encoding);
  const input = graph.input(inputName, dtype, shape);
  const rows = encoding.kind === 'text' ? addTextFront(graph, input, encoding.width) : flatten(graph, input, encoding);
  model.addTo(graph, rows, outputName);
  graph.output(outputName, 'float32', ['N', model.classCount]);
  return graph.toBytes();
}

function flatten(graph: GraphBuilder, input: string, { steps, width }: Encoding): string {
  return steps === 1 ? input : graph.op('Reshape', [input, graph.ints([-1, steps * width])]);
}

/** TensorProto.DataType */
const FLOAT = 1;
const INT64 = 7;

/** Ids [N, L] to counts [N, width], as `toTable` counts them: modulo the width, over the square root of how many there are. */
function addTextFront(graph: GraphBuilder, ids: string, width: number): string {
  const present = graph.op('Cast', [graph.op('Greater', [ids, graph.constant('int32', [], Int32Array.of(0))])], { to: FLOAT });
  const columns = graph.op('Mod', [graph.op('Cast', [ids], { to: INT64 }), graph.ints([width])]);
  const rows = graph.op('Slice', [graph.op('Shape', [ids]), graph.ints([0]), graph.ints([1])]);
  const shape = graph.op('Concat', [rows, graph.ints([width])], { axis: 0 });
  const empty = graph.op('Expand', [graph.scalar(0), shape]);
  const counts = graph.op('ScatterElements', [empty, columns, present], { axis: 1, reduction: 'add' });
  const total = graph.op('ReduceSum', [present, graph.ints([1])], { keepdims: 1 });
  return graph.op('Div', [counts, graph.op('Sqrt', [graph.op('Max', [total, graph.scalar(1)])])]);
}
