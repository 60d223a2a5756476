/** Converters of the operations that slide over pictures or change their size. */
import { slidPads, slidSize, transpose, transposedPads } from './geometry.ts';
import type { Pair, Window } from './geometry.ts';
import { flagOf, inputsOf, intsOf, textOf, textsOf, unsupported } from './graph-model.ts';
import type { GraphNode } from './graph-model.ts';
import type { Lowering, OpTable, Value } from './lowering.ts';

export const PICTURE_OPS: OpTable = {
  Conv2D: convolution,
  _FusedConv2D: convolution,
  DepthwiseConv2dNative: depthwiseConvolution,
  FusedDepthwiseConv2dNative: depthwiseConvolution,
  Conv2DBackpropInput: transposedConvolution,
  MaxPool: maxPool,
  Pad: pad,
  ResizeBilinear: resizeBilinear,
};

/** Filters come as [height, width, in, out] and leave as [out, in, height, width]. */
function convolution(node: GraphNode, lowering: Lowering): Value {
  const picture = lowering.input(node, 0);
  const { shape, values } = lowering.constantInput(node, 1);
  const [height, width, inputs, outputs] = fourSizes(node, shape);
  if (picture.sizes[2] !== inputs) unsupported(node, `filters for ${inputs} of ${picture.sizes[2]} channels`);
  const filters = transpose(values, shape, [3, 2, 0, 1]);
  const weights = lowering.graph.constant('float32', [outputs, inputs, height, width], filters);
  return slide(node, lowering, { picture, weights, kernel: [height, width], channels: outputs, group: 1 });
}

/** Filters come as [height, width, channels, multiplier] and leave as [channels * multiplier, 1, height, width]. */
function depthwiseConvolution(node: GraphNode, lowering: Lowering): Value {
  const picture = lowering.input(node, 0);
  const { shape, values } = lowering.constantInput(node, 1);
  const [height, width, inputs, multiplier] = fourSizes(node, shape);
  const channels = inputs * multiplier;
  const filters = transpose(values, shape, [2, 3, 0, 1]);
  const weights = lowering.graph.constant('float32', [channels, 1, height, width], filters);
  return slide(node, lowering, { picture, weights, kernel: [height, width], channels, group: inputs });
}

interface Slide {
  readonly picture: Value;
  readonly weights: string;
  readonly kernel: Pair;
  readonly channels: number;
  readonly group: number;
}

function slide(node: GraphNode, lowering: Lowering, options: Slide): Value {
  const { picture, weights, kernel, channels, group } = options;
  const window = windowOf(node, kernel);
  const size = pictureSize(node, picture);
  const [height, width] = slidSize(size, window);
  const inputs = [lowering.first(picture), weights, ...bias(node, lowering)];
  const convolved = lowering.graph.op('Conv', inputs, {
    kernel_shape: kernel,
    strides: window.stride,
    dilations: window.dilation,
    pads: slidPads(size, window),
    group,
  });
  return { sizes: [height, width, channels], first: activate(node, lowering, convolved) };
}

/** The bias that a fused operation adds, as a list of none or one input. */
function bias(node: GraphNode, lowering: Lowering): string[] {
  if (!textsOf(node, 'fused_ops').includes('BiasAdd')) return [];
  return [lowering.operand(node, lowering.constantInput(node, 2), 'last')];
}

/** The activation that a fused operation ends with. */
function activate(node: GraphNode, lowering: Lowering, value: string): string {
  let result = value;
  for (const fused of textsOf(node, 'fused_ops')) {
    if (fused === 'BiasAdd') continue;
    else if (fused === 'Relu') result = lowering.graph.op('Relu', [result]);
    else if (fused === 'Relu6') result = relu6(lowering, result);
    else unsupported(node, `fused ${fused}`);
  }
  return result;
}

/** Limits a value to 0..6. */
export function relu6(lowering: Lowering, value: string): string {
  return lowering.graph.op('Clip', [value, lowering.graph.scalar(0), lowering.graph.scalar(6)]);
}

/** The gradient of a convolution, used as an upsampling: inputs are [output shape, filters, picture]. */
function transposedConvolution(node: GraphNode, lowering: Lowering): Value {
  const target = fourSizes(node, [...lowering.constantInput(node, 0).values]);
  const { shape, values } = lowering.constantInput(node, 1);
  const picture = lowering.input(node, 2);
  const [height, width, outputs, inputs] = fourSizes(node, shape);
  const window = windowOf(node, [height, width]);
  const filters = transpose(values, shape, [3, 2, 0, 1]);
  const weights = lowering.graph.constant('float32', [inputs, outputs, height, width], filters);
  const first = lowering.graph.op('ConvTranspose', [lowering.first(picture), weights], {
    kernel_shape: window.kernel,
    strides: window.stride,
    pads: transposedPads(pictureSize(node, picture), [target[1], target[2]], window),
  });
  return { sizes: [target[1], target[2], outputs], first };
}

function maxPool(node: GraphNode, lowering: Lowering): Value {
  const picture = lowering.input(node, 0);
  const [, kernelHeight, kernelWidth] = fourSizes(node, intsOf(node, 'ksize'));
  const window = windowOf(node, [kernelHeight, kernelWidth]);
  const size = pictureSize(node, picture);
  const [height, width] = slidSize(size, window);
  const first = lowering.graph.op('MaxPool', [lowering.first(picture)], {
    kernel_shape: window.kernel,
    strides: window.stride,
    pads: slidPads(size, window),
  });
  return { sizes: [height, width, picture.sizes[2] ?? 0], first };
}

/** Adds zeros around a picture or behind its channels; paddings are [4, 2], before and after each axis. */
function pad(node: GraphNode, lowering: Lowering): Value {
  const picture = lowering.input(node, 0);
  pictureSize(node, picture);
  const { values } = lowering.constantInput(node, 1);
  const before = [0, 1, 2, 3].map((axis) => values[2 * axis] ?? 0);
  const after = [0, 1, 2, 3].map((axis) => values[2 * axis + 1] ?? 0);
  if (before[0] !== 0 || after[0] !== 0) unsupported(node, 'the batch is padded');
  const channelsFirst = (pads: number[]): number[] => [0, 3, 1, 2].map((axis) => pads[axis] ?? 0);
  const amounts = lowering.graph.ints([...channelsFirst(before), ...channelsFirst(after)]);
  const first = lowering.graph.op('Pad', [lowering.first(picture), amounts], { mode: 'constant' });
  const sizes = picture.sizes.map((size, axis) => size + (before[axis + 1] ?? 0) + (after[axis + 1] ?? 0));
  return { sizes, first };
}

function resizeBilinear(node: GraphNode, lowering: Lowering): Value {
  const picture = lowering.input(node, 0);
  const size = pictureSize(node, picture);
  const [height = 0, width = 0] = lowering.constantInput(node, 1).values;
  if (flagOf(node, 'align_corners') || !flagOf(node, 'half_pixel_centers')) {
    unsupported(node, 'only half-pixel centres are converted');
  }
  const scales = lowering.graph.constant('float32', [4], Float32Array.of(1, 1, height / size[0], width / size[1]));
  const first = lowering.graph.op('Resize', [lowering.first(picture), '', scales], {
    mode: 'linear',
    coordinate_transformation_mode: 'half_pixel',
  });
  return { sizes: [height, width, picture.sizes[2] ?? 0], first };
}

/** How the node's window slides, from its attributes. */
function windowOf(node: GraphNode, kernel: Pair): Window {
  const padding = textOf(node, 'padding');
  if (padding !== 'SAME' && padding !== 'VALID') unsupported(node, `padding ${padding}`);
  return { kernel, padding, stride: pairOf(node, 'strides'), dilation: pairOf(node, 'dilations') };
}

/** The middle two of [batch, height, width, channels]; 1 and 1 when the attribute is absent. */
function pairOf(node: GraphNode, name: string): Pair {
  const [, height = 1, width = 1] = intsOf(node, name);
  return [height, width];
}

function pictureSize(node: GraphNode, value: Value): Pair {
  const [height, width] = value.sizes;
  if (value.sizes.length !== 3 || height === undefined || width === undefined) {
    unsupported(node, `'${inputsOf(node)[0] ?? ''}' is not a picture`);
  }
  return [height, width];
}

function fourSizes(node: GraphNode, shape: readonly number[]): [number, number, number, number] {
  const [a, b, c, d] = shape;
  if (shape.length !== 4 || a === undefined || b === undefined || c === undefined || d === undefined) {
    return unsupported(node, `expected four sizes, not [${shape.join(', ')}]`);
  }
  return [a, b, c, d];
}
