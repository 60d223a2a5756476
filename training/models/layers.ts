/** The layers that networks are made of: their weights, what they compute in TensorFlow.js, and in ONNX. */
import type * as tfjs from '@tensorflow/tfjs';
import { randomNormal } from '../../core/random.ts';
import type { Random } from '../../core/random.ts';
import type { GraphBuilder } from '../../registry/onnx/graph-builder.ts';

export type LayerSpec =
  | { readonly kind: 'dense'; readonly units: number; readonly activation: 'relu' | 'linear' }
  /** Gives its state after the last step. Gates in Keras' order (update, reset, new), the reset before the multiplication. */
  | { readonly kind: 'gru'; readonly units: number }
  /** A causal convolution over time with a rectifier. */
  | { readonly kind: 'conv'; readonly filters: number; readonly kernel: number; readonly dilation: number }
  /** The mean over the steps. */
  | { readonly kind: 'mean' };

/** One array of weights, named as Keras names it. */
export interface NamedWeights {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** A layer with its weights. */
export interface Layer {
  readonly spec: LayerSpec;
  /** `dense_1`, `gru_1`. */
  readonly name: string;
  readonly weights: readonly NamedWeights[];
}

/** The shape of one row between layers: `steps` undefined where time is gone. */
export interface RowShape {
  readonly steps: number | undefined;
  readonly width: number;
}

/** Random weights for a layer, and the shape that it gives. */
export function createLayer(spec: LayerSpec, name: string, input: RowShape, random: Random): { layer: Layer; output: RowShape } {
  const { width } = input;
  switch (spec.kind) {
    case 'dense': {
      const flat = width * (input.steps ?? 1);
      const scale = spec.activation === 'relu' ? Math.sqrt(2 / flat) : Math.sqrt(1 / flat);
      return { layer: layerOf(spec, name, { kernel: normal([flat, spec.units], scale, random), bias: zeros([spec.units]) }), output: { steps: undefined, width: spec.units } };
    }
    case 'gru': {
      const weights = {
        kernel: normal([width, 3 * spec.units], Math.sqrt(1 / width), random),
        recurrent_kernel: normal([spec.units, 3 * spec.units], Math.sqrt(1 / spec.units), random),
        bias: zeros([3 * spec.units]),
      };
      return { layer: layerOf(spec, name, weights), output: { steps: undefined, width: spec.units } };
    }
    case 'conv': {
      const scale = Math.sqrt(2 / (spec.kernel * width));
      const weights = { kernel: normal([spec.kernel, width, spec.filters], scale, random), bias: zeros([spec.filters]) };
      return { layer: layerOf(spec, name, weights), output: { steps: input.steps, width: spec.filters } };
    }
    case 'mean':
      return { layer: { spec, name, weights: [] }, output: { steps: undefined, width } };
  }
}

interface Shaped {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

function layerOf(spec: LayerSpec, name: string, weights: Readonly<Record<string, Shaped>>): Layer {
  return { spec, name, weights: Object.entries(weights).map(([own, { shape, values }]) => ({ name: own, shape, values })) };
}

function zeros(shape: readonly number[]): Shaped {
  return { shape, values: new Float32Array(shape.reduce((product, size) => product * size, 1)) };
}

function normal(shape: readonly number[], scale: number, random: Random): Shaped {
  const { values } = zeros(shape);
  for (let at = 0; at < values.length; at++) values[at] = randomNormal(random) * scale;
  return { shape, values };
}

type Tf = typeof tfjs;

/**
 * What a layer computes, with its weights as tensors in the order of `Layer.weights`.
 *
 * @param value - [batch, steps, width], or [batch, width] where time is gone.
 */
export function applyLayer(tf: Tf, spec: LayerSpec, weights: readonly tfjs.Tensor[], value: tfjs.Tensor): tfjs.Tensor {
  const [kernel, second, third] = weights as [tfjs.Tensor2D, tfjs.Tensor, tfjs.Tensor];
  switch (spec.kind) {
    case 'dense': {
      const flat = value.rank === 3 ? value.reshape([value.shape[0] ?? 0, -1]) : value;
      const linear = tf.matMul(flat, kernel).add(second);
      return spec.activation === 'relu' ? linear.relu() : linear;
    }
    case 'gru':
      return applyGru(tf, { units: spec.units, kernel, recurrent: second as tfjs.Tensor2D, bias: third }, value as tfjs.Tensor3D);
    case 'conv':
      return applyConv(tf, spec, kernel, second, value as tfjs.Tensor3D);
    case 'mean':
      return value.mean(1);
  }
}

function applyGru(
  tf: Tf, { units, kernel, recurrent, bias }: { units: number; kernel: tfjs.Tensor2D; recurrent: tfjs.Tensor2D; bias: tfjs.Tensor }, value: tfjs.Tensor3D,
): tfjs.Tensor {
  const [batch, steps, width] = value.shape;
  // The input's share of all steps at once; only the state's share has to wait.
  const shares = tf.matMul(value.reshape([batch * steps, width]), kernel).add(bias).reshape([batch, steps, 3 * units]);
  const [gates, fresh] = [recurrent.slice([0, 0], [units, 2 * units]), recurrent.slice([0, 2 * units], [units, units])];
  let state: tfjs.Tensor2D = tf.zeros([batch, units]);
  for (let step = 0; step < steps; step++) {
    const own = shares.slice([0, step, 0], [batch, 1, 3 * units]).reshape([batch, 3 * units]) as tfjs.Tensor2D;
    const opened = tf.sigmoid(own.slice([0, 0], [batch, 2 * units]).add(tf.matMul(state, gates)));
    const [update, reset] = [opened.slice([0, 0], [batch, units]), opened.slice([0, units], [batch, units])];
    const candidate = tf.tanh(own.slice([0, 2 * units], [batch, units]).add(tf.matMul(reset.mul(state) as tfjs.Tensor2D, fresh)));
    state = update.mul(state).add(tf.scalar(1).sub(update).mul(candidate)) as tfjs.Tensor2D;
  }
  return state;
}

/** As columns and one multiplication: the WebAssembly backend has no gradient for convolutions. */
function applyConv(
  tf: Tf, { filters, kernel: size, dilation }: Extract<LayerSpec, { kind: 'conv' }>, kernel: tfjs.Tensor, bias: tfjs.Tensor, value: tfjs.Tensor3D,
): tfjs.Tensor {
  const [batch, steps, width] = value.shape;
  const padded = tf.pad(value, [[0, 0], [(size - 1) * dilation, 0], [0, 0]]);
  const columns = tf.concat(Array.from({ length: size }, (_, tap) => padded.slice([0, tap * dilation, 0], [batch, steps, width])), 2);
  const flat = tf.matMul(columns.reshape([batch * steps, size * width]), kernel.reshape([size * width, filters]));
  return flat.add(bias).relu().reshape([batch, steps, filters]);
}

/** The same in ONNX. @param value - [N, steps, width] while there is time, else [N, width]. @returns the value it makes. */
export function addLayer(graph: GraphBuilder, { spec, weights }: Layer, value: string, input: RowShape): string {
  const [kernel, second, third] = weights as [NamedWeights, NamedWeights, NamedWeights];
  const constant = (shape: readonly number[], values: Float32Array): string => graph.constant('float32', shape, values);
  switch (spec.kind) {
    case 'dense': {
      const flat = input.steps === undefined ? value : graph.op('Reshape', [value, graph.ints([-1, input.steps * input.width])]);
      const linear = graph.op('Gemm', [flat, constant(kernel.shape, kernel.values), constant(second.shape, second.values)]);
      return spec.activation === 'relu' ? graph.op('Relu', [linear]) : linear;
    }
    case 'gru': {
      const { units } = spec;
      // ONNX wants [directions, gates * units, inputs] in the same order of gates, and a bias for input and state each.
      const inputWeights = constant([1, 3 * units, input.width], transpose(kernel.values, input.width, 3 * units));
      const stateWeights = constant([1, 3 * units, units], transpose(second.values, units, 3 * units));
      const bias = constant([1, 6 * units], Float32Array.from({ length: 6 * units }, (_, at) => third.values[at] ?? 0));
      const timeFirst = graph.op('Transpose', [value], { perm: [1, 0, 2] });
      const [, last] = graph.ops('GRU', [timeFirst, inputWeights, stateWeights, bias], { hidden_size: units, linear_before_reset: 0 }, 2);
      return graph.op('Squeeze', [last ?? '', graph.ints([0])]);
    }
    case 'conv': {
      const { filters, kernel: size, dilation } = spec;
      const channelsFirst = graph.op('Transpose', [value], { perm: [0, 2, 1] });
      const weightsFirst = constant([filters, input.width, size], convWeights(kernel.values, size, input.width, filters));
      const attributes = { kernel_shape: [size], dilations: [dilation], pads: [(size - 1) * dilation, 0] };
      const convolved = graph.op('Relu', [graph.op('Conv', [channelsFirst, weightsFirst, constant([filters], second.values)], attributes)]);
      return graph.op('Transpose', [convolved], { perm: [0, 2, 1] });
    }
    case 'mean':
      return graph.op('ReduceMean', [value], { axes: [1], keepdims: 0 });
  }
}

function transpose(values: Float32Array, rows: number, columns: number): Float32Array {
  return Float32Array.from({ length: rows * columns }, (_, at) => values[(at % rows) * columns + Math.floor(at / rows)]!);
}

/** [size, width, filters] to [filters, width, size]. */
function convWeights(values: Float32Array, size: number, width: number, filters: number): Float32Array {
  return Float32Array.from({ length: values.length }, (_, at) => {
    const tap = at % size;
    const channel = Math.floor(at / size) % width;
    return values[(tap * width + channel) * filters + Math.floor(at / (size * width))]!;
  });
}
