/** Writes a trained stack of dense layers as an ONNX classifier. */
import { GraphBuilder } from '../../registry/onnx/graph-builder.ts';

/** One layer: `activation(input * weights + bias)`. */
export interface DenseLayer {
  /** [inputs, outputs], row-major. */
  readonly weights: Float32Array;
  /** [outputs] */
  readonly bias: Float32Array;
  readonly inputs: number;
  readonly outputs: number;
  readonly activation: 'relu' | 'softmax' | 'sigmoid' | 'linear';
}

const OPERATORS = { relu: 'Relu', softmax: 'Softmax', sigmoid: 'Sigmoid' } as const;

export interface DenseGraph {
  readonly name: string;
  readonly inputName: string;
  readonly outputName: string;
  /** In order; each takes as many inputs as the one before it gives. */
  readonly layers: readonly DenseLayer[];
}

/** Encodes the network: input [N, inputs of the first layer], output [N, outputs of the last], both float32. */
export function denseToOnnx({ name, inputName, outputName, layers }: DenseGraph): Uint8Array {
  const graph = new GraphBuilder({ name });
  let value = graph.input(inputName, 'float32', ['N', layers[0]?.inputs ?? 0]);
  for (const [index, layer] of layers.entries()) {
    const last = index === layers.length - 1;
    const weights = graph.constant('float32', [layer.inputs, layer.outputs], layer.weights, `weights_${index}`);
    const bias = graph.constant('float32', [layer.outputs], layer.bias, `bias_${index}`);
    const linear = layer.activation === 'linear' && last ? outputName : undefined;
    value = graph.op('Gemm', [value, weights, bias], {}, linear);
    if (layer.activation === 'linear') continue;
    const attributes = layer.activation === 'softmax' ? { axis: -1 } : {};
    value = graph.op(OPERATORS[layer.activation], [value], attributes, last ? outputName : undefined);
  }
  graph.output(outputName, 'float32', ['N', layers.at(-1)?.outputs ?? 0]);
  return graph.toBytes();
}

/**
 * Folds `(input - mean) / deviation` into a first layer, so that the model takes raw features.
 *
 * @param mean - [inputs]
 * @param deviation - [inputs], none of them 0.
 */
export function foldStandardisation(layer: DenseLayer, mean: Float32Array, deviation: Float32Array): DenseLayer {
  const weights = new Float32Array(layer.weights.length);
  const bias = Float64Array.from(layer.bias);
  for (let input = 0; input < layer.inputs; input++) {
    for (let output = 0; output < layer.outputs; output++) {
      const at = input * layer.outputs + output;
      const scaled = layer.weights[at]! / deviation[input]!;
      weights[at] = scaled;
      bias[output] = bias[output]! - mean[input]! * scaled;
    }
  }
  return { ...layer, weights, bias: Float32Array.from(bias) };
}
