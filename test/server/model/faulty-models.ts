/** Real models that fail as a device does: one ends its process, one finds no memory for a larger batch. */
import { GraphBuilder } from '../../../registry/onnx/graph-builder.ts';
import { finishBody, type TinyModel } from './tiny-models.ts';

const FLOAT = 1;
const INT64 = 7;
const SMALLEST_INT64 = -(2 ** 63);
/** No machine has so many numbers. */
const TOO_MANY = 1e14;

/** Finds every joint in the middle of a picture; a white one ends the process, since no number is the smallest divided by -1. */
export function fragileBody(name: string): TinyModel {
  return bodyModel(name, (graph, brightness) => {
    const isFine = graph.op('Cast', [graph.op('Less', [brightness, graph.scalar(180)])], { to: INT64 });
    const divisor = graph.op('Sub', [graph.op('Mul', [isFine, graph.ints([2])]), graph.ints([1])]);
    const quotient = graph.op('Div', [graph.ints([SMALLEST_INT64]), divisor]);
    return graph.op('Cast', [graph.op('Mul', [quotient, graph.ints([0])])], { to: FLOAT });
  });
}

/** Finds every joint in the middle of a picture, and no memory for more than `rows` of them. */
export function hungryBody(name: string, rows: number): TinyModel {
  return bodyModel(name, (graph, brightness) => {
    const count = graph.op('Slice', [graph.op('Shape', [brightness]), graph.ints([0]), graph.ints([1])]);
    const isMany = graph.op('Cast', [graph.op('Greater', [count, graph.ints([rows])])], { to: INT64 });
    const size = graph.op('Add', [graph.op('Mul', [isMany, graph.ints([TOO_MANY])]), graph.ints([1])]);
    const nothing = graph.op('ReduceSum', [graph.op('Expand', [graph.scalar(0), size])], { keepdims: 0 });
    return graph.op('Mul', [brightness, nothing]);
  });
}

/** @param fault - from the brightness of each picture, [N, 1] 0..255, to [N, 1] of zeros. */
function bodyModel(name: string, fault: (graph: GraphBuilder, brightness: string) => string): TinyModel {
  const graph = new GraphBuilder({ name });
  const pixels = graph.op('Cast', [graph.input('input', 'uint8', ['N', 8, 8, 3])], { to: FLOAT });
  const brightness = graph.op('ReduceMean', [graph.op('Reshape', [pixels, graph.ints([0, 192])])], { axes: [1], keepdims: 1 });
  const middle = graph.op('Add', [fault(graph, brightness), graph.constant('float32', [1, 51], new Float32Array(51).fill(0.5))]);
  return finishBody(name, graph, middle);
}
