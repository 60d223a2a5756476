/** Converts a layers model of TensorFlow.js whose layers follow each other to ONNX. */
import type * as tfjs from '@tensorflow/tfjs';
import { CopresenceError } from '../../core/errors.ts';
import { GraphBuilder } from '../../registry/onnx/graph-builder.ts';

type Layer = tfjs.layers.Layer;
type Convert = (graph: GraphBuilder, value: string, layer: Layer) => string;

const ACTIVATIONS: Readonly<Record<string, (graph: GraphBuilder, value: string) => string>> = {
  linear: (_graph, value) => value,
  relu: (graph, value) => graph.op('Relu', [value]),
  relu6: (graph, value) => graph.op('Clip', [value, graph.scalar(0), graph.scalar(6)]),
  sigmoid: (graph, value) => graph.op('Sigmoid', [value]),
  tanh: (graph, value) => graph.op('Tanh', [value]),
  elu: (graph, value) => graph.op('Elu', [value]),
  selu: (graph, value) => graph.op('Selu', [value]),
  softplus: (graph, value) => graph.op('Softplus', [value]),
  softsign: (graph, value) => graph.op('Softsign', [value]),
  softmax: (graph, value) => graph.op('Softmax', [value], { axis: -1 }),
};

const same: Convert = (_graph, value) => value;

/** By class name. Dropout and noise are of training alone. */
const LAYERS: Readonly<Record<string, Convert>> = {
  InputLayer: same, Dropout: same, GaussianDropout: same, GaussianNoise: same, AlphaDropout: same, SpatialDropout1D: same,
  Activation: (graph, value, layer) => activate(graph, value, layer),
  ReLU: (graph, value, layer) => {
    const most = configOf(layer).maxValue ?? configOf(layer).max_value;
    return typeof most === 'number' ? graph.op('Clip', [value, graph.scalar(0), graph.scalar(most)]) : graph.op('Relu', [value]);
  },
  Softmax: (graph, value) => graph.op('Softmax', [value], { axis: -1 }),
  Flatten: (graph, value) => graph.op('Flatten', [value], { axis: 1 }),
  Dense: (graph, value, layer) => {
    const [kernel, bias] = layer.getWeights();
    const product = graph.op('MatMul', [value, constant(graph, kernel!)]);
    return activate(graph, bias === undefined ? product : graph.op('Add', [product, constant(graph, bias)]), layer);
  },
  BatchNormalization: batchNormalization,
};

/**
 * Input `input` [N, sizes of the first layer], output `output`, float32.
 *
 * @throws CopresenceError GRAPH_UNSUPPORTED for another layer or activation, or layers that do not follow each other.
 */
export function layersToOnnx(model: tfjs.LayersModel): Uint8Array {
  const sizes = model.inputs[0]?.shape.slice(1) ?? [];
  if (model.inputs.length !== 1 || model.outputs.length !== 1) throw new CopresenceError('GRAPH_UNSUPPORTED', `a layers model with ${model.inputs.length} inputs and ${model.outputs.length} outputs; one each is taken`);
  if (sizes.some((size) => size === null)) throw new CopresenceError('SHAPE_MISMATCH', `the input has the sizes [${sizes.join(', ')}]; all must be known`);
  const graph = new GraphBuilder({ name: 'imported' });
  let value = graph.input('input', 'float32', ['N', ...(sizes as number[])]);
  for (const [index, layer] of model.layers.entries()) {
    const convert = LAYERS[layer.getClassName()];
    if (convert === undefined) throw new CopresenceError('GRAPH_UNSUPPORTED', `the layer ${layer.name} is a ${layer.getClassName()}, which has no converter`);
    if (index > 0 && !follows(layer, model.layers[index - 1]!)) throw new CopresenceError('GRAPH_UNSUPPORTED', `the layer ${layer.name} does not follow the one before it`);
    value = convert(graph, value, layer);
  }
  const outputSizes = model.outputs[0]?.shape.slice(1) ?? [];
  graph.op('Identity', [value], {}, 'output');
  graph.output('output', 'float32', ['N', ...(outputSizes as number[])]);
  return graph.toBytes();
}

/** Sequential models have no input layer in their list, so what the first follows is not asked. */
function follows(layer: Layer, before: Layer): boolean {
  const [node, ...more] = layer.inboundNodes;
  return more.length === 0 && node?.inboundLayers.length === 1 && node.inboundLayers[0] === before;
}

function activate(graph: GraphBuilder, value: string, layer: Layer): string {
  const name = String(configOf(layer).activation ?? 'linear');
  const apply = ACTIVATIONS[name];
  if (apply === undefined) throw new CopresenceError('GRAPH_UNSUPPORTED', `the layer ${layer.name} has the activation ${name}, which has no converter`);
  return apply(graph, value);
}

/** Folded into one factor and one term for each channel of the last axis. */
function batchNormalization(graph: GraphBuilder, value: string, layer: Layer): string {
  const { axis, epsilon = 1e-3, scale = true, center = true } = configOf(layer) as { axis?: number | number[]; epsilon?: number; scale?: boolean; center?: boolean };
  const rank = (layer.outputShape as (number | null)[]).length;
  const own = Array.isArray(axis) ? axis[0] : axis;
  if (own !== undefined && own !== -1 && own !== rank - 1) throw new CopresenceError('GRAPH_UNSUPPORTED', `the layer ${layer.name} normalises axis ${own}, not the last`);
  const weights = layer.getWeights().map((tensor) => tensor.dataSync<'float32'>());
  const [gamma, beta] = [scale ? weights.shift() : undefined, center ? weights.shift() : undefined];
  const [mean, variance] = weights as [Float32Array, Float32Array];
  const factor = variance.map((square, at) => (gamma?.[at] ?? 1) / Math.sqrt(square + epsilon));
  const term = mean.map((middle, at) => (beta?.[at] ?? 0) - middle * factor[at]!);
  const scaled = graph.op('Mul', [value, graph.constant('float32', [factor.length], factor)]);
  return graph.op('Add', [scaled, graph.constant('float32', [term.length], term)]);
}

function configOf(layer: Layer): Record<string, unknown> {
  return layer.getConfig() as Record<string, unknown>;
}

function constant(graph: GraphBuilder, tensor: tfjs.Tensor): string {
  return graph.constant('float32', tensor.shape, tensor.dataSync<'float32'>().slice());
}
