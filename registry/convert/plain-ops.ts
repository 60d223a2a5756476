/** Converters of the operations that work on any tensor: elementwise, matrix product, mean and reshaping. */
import { broadcast, reshapedSizes } from './geometry.ts';
import { flagOf, inputsOf, textsOf, unsupported } from './graph-model.ts';
import type { GraphNode } from './graph-model.ts';
import type { Layout, Lowering, OpConverter, OpTable, Value } from './lowering.ts';
import { relu6 } from './picture-ops.ts';

export const PLAIN_OPS: OpTable = {
  Identity: (node, lowering) => lowering.input(node, 0),
  Relu: unary((lowering, value) => lowering.graph.op('Relu', [value])),
  Relu6: unary(relu6),
  Sigmoid: unary((lowering, value) => lowering.graph.op('Sigmoid', [value])),
  Tanh: unary((lowering, value) => lowering.graph.op('Tanh', [value])),
  Softmax: softmax,
  Add: elementwise('Add'),
  AddV2: elementwise('Add'),
  AddN: elementwise('Add'),
  Sub: elementwise('Sub'),
  Mul: elementwise('Mul'),
  MatMul: matrixProduct,
  _FusedMatMul: matrixProduct,
  BiasAdd: elementwise('Add'),
  Mean: globalMean,
  Reshape: reshape,
  ConcatV2: concat,
};

/** An operation on each element by itself, which keeps whichever form there is. */
function unary(apply: (lowering: Lowering, value: string) => string): OpConverter {
  return (node, lowering) => {
    const { sizes, first, last } = lowering.input(node, 0);
    if (first !== undefined) return { sizes, first: apply(lowering, first) };
    return { sizes, last: apply(lowering, last ?? unsupported(node, 'its input has no form')) };
  };
}

/** An operation between two or more tensors, of which some may be constants. */
function elementwise(opType: string): OpConverter {
  return (node, lowering) => {
    const operands = inputsOf(node).map((name) => lowering.weight(name) ?? lowering.value(name));
    const layout = commonLayout(operands.filter((operand) => 'sizes' in operand));
    const names = operands.map((operand) =>
      'sizes' in operand ? lowering[layout](operand) : lowering.operand(node, operand, layout),
    );
    const result = names.reduce((left, right) => lowering.graph.op(opType, [left, right]));
    return { sizes: commonSizes(node, operands), [layout]: result };
  };
}

/** Channels first where some picture already has them so; TensorFlow's order otherwise. */
function commonLayout(values: readonly Value[]): Layout {
  const pictures = values.every((value) => value.sizes.length === 3);
  return pictures && values.some((value) => value.first !== undefined) ? 'first' : 'last';
}

function commonSizes(node: GraphNode, operands: readonly ({ shape: readonly number[] } | Value)[]): number[] {
  // Any batch size does for the comparison but 1, which would hide a constant with a batch of its own.
  const batch = -1;
  const shapes = operands.map((operand) => ('sizes' in operand ? [batch, ...operand.sizes] : operand.shape));
  let shape: readonly number[] = [];
  for (const next of shapes) {
    shape = broadcast(shape, next) ?? unsupported(node, `[${shape.join()}] and [${next.join()}] do not fit`);
  }
  const [first, ...sizes] = shape;
  return first === batch ? sizes : unsupported(node, 'the batch is not its first axis');
}

/** Over the last axis, as TensorFlow has it. */
function softmax(node: GraphNode, lowering: Lowering): Value {
  const value = lowering.input(node, 0);
  return { sizes: value.sizes, last: lowering.graph.op('Softmax', [lowering.last(value)], { axis: -1 }) };
}

/** What may be fused behind a matrix product and its bias. */
const FUSED: Readonly<Record<string, (lowering: Lowering, value: string) => string>> = {
  Relu: (lowering, value) => lowering.graph.op('Relu', [value]),
  Relu6: relu6,
  Sigmoid: (lowering, value) => lowering.graph.op('Sigmoid', [value]),
  Tanh: (lowering, value) => lowering.graph.op('Tanh', [value]),
};

/** Rows of features times a constant matrix, plus a bias and an activation where there are. */
function matrixProduct(node: GraphNode, lowering: Lowering): Value {
  const rows = lowering.input(node, 0);
  const matrix = lowering.constantInput(node, 1);
  if (rows.sizes.length !== 1 || flagOf(node, 'transpose_a') || flagOf(node, 'transpose_b')) {
    unsupported(node, 'only rows times a matrix are converted');
  }
  const [bias, activation, ...more] = textsOf(node, 'fused_ops');
  const apply = activation === undefined ? undefined : FUSED[activation];
  if ((bias !== undefined && bias !== 'BiasAdd') || (activation !== undefined && apply === undefined) || more.length > 0) {
    unsupported(node, 'only a fused BiasAdd with an activation is converted');
  }
  const factors = [lowering.last(rows), lowering.operand(node, matrix, 'last')];
  const product = bias === undefined
    ? lowering.graph.op('MatMul', factors)
    : lowering.graph.op('Gemm', [...factors, lowering.operand(node, lowering.constantInput(node, 2), 'last')]);
  return { sizes: matrix.shape.slice(1), last: apply?.(lowering, product) ?? product };
}

/** The mean over height and width, [height, width, channels] to [channels]. */
function globalMean(node: GraphNode, lowering: Lowering): Value {
  const picture = lowering.input(node, 0);
  const axes = [...lowering.constantInput(node, 1).values];
  if (picture.sizes.length !== 3 || axes.join() !== '1,2' || flagOf(node, 'keep_dims')) {
    unsupported(node, 'only a mean over height and width that drops them is converted');
  }
  const pooled = lowering.graph.op('GlobalAveragePool', [lowering.first(picture)]);
  return { sizes: picture.sizes.slice(2), last: lowering.graph.op('Flatten', [pooled], { axis: 1 }) };
}

/** A reshape that leaves the items of the batch apart; the batch stays symbolic. */
function reshape(node: GraphNode, lowering: Lowering): Value {
  const value = lowering.input(node, 0);
  const target = [...lowering.constantInput(node, 1).values];
  const sizes = reshapedSizes(value.sizes, target);
  if (sizes === undefined) {
    unsupported(node, `[N, ${value.sizes.join(', ')}] to [${target.join(', ')}] mixes the items of a batch`);
  }
  // In ONNX a 0 copies the size of the input.
  const shape = lowering.graph.ints([0, ...sizes]);
  return { sizes, last: lowering.graph.op('Reshape', [lowering.last(value), shape]) };
}

/** Joins values along an axis other than the batch; the axis is the last input. */
function concat(node: GraphNode, lowering: Lowering): Value {
  const names = inputsOf(node).slice(0, -1);
  const values = names.map((name) => lowering.value(name));
  const sizes = [...(values[0]?.sizes ?? [])];
  const [axis = 0] = lowering.constantInput(node, names.length).values;
  const item = axis < 0 ? axis + sizes.length : axis - 1;
  if (sizes[item] === undefined) unsupported(node, `axis ${axis} cannot be joined`);
  sizes[item] = values.reduce((total, value) => total + (value.sizes[item] ?? 0), 0);
  const last = lowering.graph.op('Concat', values.map((value) => lowering.last(value)), { axis: item + 1 });
  return { sizes, last };
}
