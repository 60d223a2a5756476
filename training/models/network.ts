/** A network of layers over standardised rows: its weights, its probabilities, its graph. */
import { seededRandom } from '../../core/random.ts';
import type { GraphBuilder } from '../../registry/onnx/graph-builder.ts';
import type { Tensorflow } from '../../registry/tensorflow.ts';
import type * as tfjs from '@tensorflow/tfjs';
import type { Rows } from '../dataset/table.ts';
import type { Classifier } from './classifier.ts';
import { addLayer, applyLayer, createLayer } from './layers.ts';
import type { Layer, LayerSpec, RowShape } from './layers.ts';

/** Means and deviations that rows are standardised by. */
export interface Scale {
  /** [width], over all rows and steps. */
  readonly mean: Float32Array;
  /** [width], none of them 0. */
  readonly deviation: Float32Array;
}

export interface Network {
  readonly width: number;
  readonly steps: number;
  /** Of a classifier; of a regression how many numbers it gives. */
  readonly classCount: number;
  readonly scale: Scale;
  /** The last gives logits, or the numbers of a regression. Weights are overwritten by training. */
  readonly layers: readonly Layer[];
}

export interface NetworkShape {
  readonly family: 'linear' | 'mlp' | 'gru' | 'tcn';
  /** Units of the hidden layers; of a GRU the first is its state; of a TCN each is a convolution. */
  readonly hidden: readonly number[];
}

/** Steps that one convolution of a TCN looks at; each looks twice as far as the one before. */
const KERNEL = 3;

/** Layers by family; the output layer comes last. */
export function layerSpecs({ family, hidden }: NetworkShape, classCount: number): LayerSpec[] {
  const dense = (units: readonly number[]): LayerSpec[] => units.map((own) => ({ kind: 'dense', units: own, activation: 'relu' }));
  const output: LayerSpec = { kind: 'dense', units: classCount, activation: 'linear' };
  switch (family) {
    case 'linear':
      return [output];
    case 'mlp':
      return [...dense(hidden), output];
    case 'gru':
      return [{ kind: 'gru', units: hidden[0] ?? 32 }, ...dense(hidden.slice(1)), output];
    case 'tcn':
      return [...hidden.map((filters, index): LayerSpec => ({ kind: 'conv', filters, kernel: KERNEL, dilation: 2 ** index })), { kind: 'mean' }, output];
  }
}

/** A network with random weights (a linear one with none), and the scale of the rows that it will learn from. */
export function createNetwork(shape: NetworkShape, train: Rows & { readonly classCount: number }, seed: number): Network {
  const random = seededRandom(seed);
  const layers: Layer[] = [];
  let rows = inputShape(train);
  layerSpecs(shape, train.classCount).forEach((spec, index) => {
    const made = createLayer(spec, `${spec.kind}_${index + 1}`, rows, random);
    layers.push(made.layer);
    rows = made.output;
  });
  if (shape.family === 'linear') startFlat(layers);
  return { width: train.width, steps: train.steps, classCount: train.classCount, scale: findScale(train), layers };
}

/**
 * Nothing has to be told apart in a single layer, and on few rows its few steps would not lead away from what chance has drawn: a
 * baseline that is worse than it has to be flatters the model beside it.
 */
function startFlat(layers: readonly Layer[]): void {
  for (const { weights } of layers) for (const { values } of weights) values.fill(0);
}

export function inputShape({ width, steps }: { readonly width: number; readonly steps: number }): RowShape {
  return { steps: steps > 1 ? steps : undefined, width };
}

/** A column that hardly varies keeps its own scale instead of being blown up. */
const SMALLEST_DEVIATION = 0.02;

function findScale({ features, width }: Rows): Scale {
  const sums = new Float64Array(width);
  const squares = new Float64Array(width);
  for (let at = 0; at < features.length; at++) {
    const value = features[at]!;
    sums[at % width]! += value;
    squares[at % width]! += value * value;
  }
  const rows = Math.max(1, features.length / width);
  const mean = Float32Array.from(sums, (sum) => sum / rows);
  const spread = (square: number, column: number): number => Math.sqrt(Math.max(0, square / rows - (sums[column]! / rows) ** 2));
  return { mean, deviation: Float32Array.from(squares, (square, column) => Math.max(SMALLEST_DEVIATION, spread(square, column))) };
}

/** Standardised rows as a tensor, [count, steps, width] or [count, width]. */
export function toInput(tf: Tensorflow, network: Network, features: Float32Array, count: number): tfjs.Tensor {
  const { width, steps, scale: { mean, deviation } } = network;
  const values = features.map((value, at) => (value - mean[at % width]!) / deviation[at % width]!);
  return steps > 1 ? tf.tensor3d(values, [count, steps, width]) : tf.tensor2d(values, [count, width]);
}

/** Rows that are predicted at once. */
const PREDICT_ROWS = 512;

export function networkClassifier(tf: Tensorflow, network: Network): Classifier {
  return {
    classCount: network.classCount,
    predict: (features, count) => outputsOf(tf, network, { features, count, finish: (logits) => tf.softmax(logits) }),
    addTo: (graph, input, outputName) => graph.op('Softmax', [addNetwork(graph, network, input)], { axis: -1 }, outputName),
  };
}

/** A network whose last layer is what it gives: numbers, not classes. */
export function networkRegression(tf: Tensorflow, network: Network): Classifier {
  return {
    classCount: network.classCount,
    predict: (features, count) => outputsOf(tf, network, { features, count, finish: (outputs) => outputs }),
    addTo: (graph, input, outputName) => graph.op('Identity', [addNetwork(graph, network, input)], {}, outputName),
  };
}

/** [count, classCount] */
function outputsOf(tf: Tensorflow, network: Network, { features, count, finish }: { features: Float32Array; count: number; finish: (last: tfjs.Tensor2D) => tfjs.Tensor }): Float32Array {
  const { classCount, steps, width } = network;
  const size = steps * width;
  const result = new Float32Array(count * classCount);
  for (let start = 0; start < count; start += PREDICT_ROWS) {
    const rows = Math.min(PREDICT_ROWS, count - start);
    const part = tf.tidy(() => {
      let value = toInput(tf, network, features.subarray(start * size, (start + rows) * size), rows);
      for (const { spec, weights } of network.layers) {
        value = applyLayer(tf, spec, weights.map(({ values, shape }) => tf.tensor(values, [...shape])), value);
      }
      return finish(value as tfjs.Tensor2D).dataSync<'float32'>();
    });
    result.set(part, start * classCount);
  }
  return result;
}

/** @returns the last layer's value. */
function addNetwork(graph: GraphBuilder, network: Network, input: string): string {
  const { width, steps, scale } = network;
  const shape = inputShape(network);
  const shaped = shape.steps === undefined ? input : graph.op('Reshape', [input, graph.ints([-1, steps, width])]);
  const centred = graph.op('Sub', [shaped, graph.constant('float32', [width], scale.mean)]);
  let value = graph.op('Div', [centred, graph.constant('float32', [width], scale.deviation)]);
  let rows = shape;
  for (const layer of network.layers) {
    value = addLayer(graph, layer, value, rows);
    rows = outputShape(layer.spec, rows);
  }
  return value;
}

function outputShape(spec: LayerSpec, input: RowShape): RowShape {
  if (spec.kind === 'conv') return { steps: input.steps, width: spec.filters };
  if (spec.kind === 'mean') return { steps: undefined, width: input.width };
  return { steps: undefined, width: spec.units };
}
