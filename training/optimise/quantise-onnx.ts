/** Makes an ONNX graph's weights smaller, whatever the model: float32 constants become int8 with scales, or float16. */
import onnxProto from 'onnx-proto';
import type { onnx } from 'onnx-proto';
import { CopresenceError } from '../../core/errors.ts';
import { toHalf } from './half.ts';

export const PRECISIONS = ['float16', 'int8'] as const;
export type Precision = (typeof PRECISIONS)[number];

/** Constants with fewer elements stay as they are: biases and scales weigh nothing, and rounding them costs quality. */
const FEWEST_ELEMENTS = 256;

/** TensorProto.DataType */
const FLOAT = 1;
const INT8 = 3;
const FLOAT16 = 10;

/**
 * The same graph with rounded weights; inputs, outputs and computation stay float32.
 *
 * int8 is symmetric, with one scale for each index of one axis, that which loses least; constants of one axis stay, since their scales
 * would weigh more than they do. Weights are made float32
 * again where they are used: files and downloads get smaller, a run does not get faster.
 *
 * @throws CopresenceError MODEL_INVALID when the bytes are no ONNX graph.
 */
export function quantiseOnnx(bytes: Uint8Array, precision: Precision): Uint8Array {
  const model = decode(bytes);
  const graph = model.graph;
  if (graph === null || graph === undefined) throw new CopresenceError('MODEL_INVALID', 'the file holds no graph');
  const unfolding: onnx.INodeProto[] = [];
  const constants: onnx.ITensorProto[] = [];
  for (const constant of graph.initializer ?? []) {
    const values = floatsOf(constant);
    const flat = (constant.dims ?? []).length < 2;
    if (values === undefined || values.length < FEWEST_ELEMENTS || (precision === 'int8' && flat)) {
      constants.push(constant);
      continue;
    }
    const rounded = precision === 'int8' ? toInt8(constant, values) : toFloat16(constant, values);
    constants.push(...rounded.constants);
    unfolding.push(rounded.node);
  }
  const changed = { ...graph, initializer: constants, node: [...unfolding, ...(graph.node ?? [])] };
  return onnxProto.onnx.ModelProto.encode({ ...model, graph: changed }).finish();
}

function decode(bytes: Uint8Array): onnx.ModelProto {
  try {
    return onnxProto.onnx.ModelProto.decode(bytes);
  } catch (cause) {
    throw new CopresenceError('MODEL_INVALID', 'not an ONNX file', { cause });
  }
}

function floatsOf({ dataType, rawData, floatData }: onnx.ITensorProto): Float32Array | undefined {
  if (dataType !== FLOAT) return undefined;
  if (rawData === null || rawData === undefined || rawData.length === 0) return Float32Array.from(floatData ?? []);
  // A copy of its own: what was decoded from a Buffer is a window on the whole file, which `slice` would keep.
  return new Float32Array(Uint8Array.from(rawData).buffer);
}

interface Rounded {
  readonly constants: readonly onnx.ITensorProto[];
  /** Makes the float32 value of the constant's old name. */
  readonly node: onnx.INodeProto;
}

function toFloat16(constant: onnx.ITensorProto, values: Float32Array): Rounded {
  const name = `${constant.name ?? ''}_half`;
  const half = Uint16Array.from(values, toHalf);
  return {
    constants: [{ name, dims: constant.dims ?? [], dataType: FLOAT16, rawData: new Uint8Array(half.buffer) }],
    node: { opType: 'Cast', input: [name], output: [constant.name ?? ''], attribute: [{ name: 'to', type: 2, i: FLOAT }] },
  };
}

function toInt8(constant: onnx.ITensorProto, values: Float32Array): Rounded {
  const dims = (constant.dims ?? []).map(Number);
  // Where inputs have very different ranges their rows of weights do too, and one scale for each column would lose the small ones.
  const [best] = dims.map((_, axis) => roundAlong(values, dims, axis)).sort((a, b) => a.error - b.error);
  const { axis, rounded, scales } = best ?? roundAlong(values, dims, 0);
  const name = constant.name ?? '';
  return {
    constants: [
      { name: `${name}_int8`, dims: constant.dims ?? [], dataType: INT8, rawData: new Uint8Array(rounded.buffer) },
      { name: `${name}_scale`, dims: [scales.length], dataType: FLOAT, rawData: new Uint8Array(scales.buffer) },
    ],
    node: { opType: 'DequantizeLinear', input: [`${name}_int8`, `${name}_scale`], output: [name], attribute: [{ name: 'axis', type: 2, i: axis }] },
  };
}

interface RoundedAlong {
  readonly axis: number;
  readonly rounded: Int8Array<ArrayBuffer>;
  readonly scales: Float32Array<ArrayBuffer>;
  /** Sum of squared differences to the values. */
  readonly error: number;
}

/** One scale for each index of `axis`. */
function roundAlong(values: Float32Array, dims: readonly number[], axis: number): RoundedAlong {
  const size = dims[axis] ?? 1;
  const inner = dims.slice(axis + 1).reduce((product, own) => product * own, 1);
  const indexOf = (at: number): number => Math.floor(at / inner) % size;
  const scales = new Float32Array(size);
  values.forEach((value, at) => (scales[indexOf(at)] = Math.max(scales[indexOf(at)]!, Math.abs(value))));
  // Zeros alone need a scale too; any will do.
  for (let index = 0; index < size; index++) scales[index] = scales[index]! === 0 ? 1 : scales[index]! / 127;
  const rounded = Int8Array.from(values, (value, at) => Math.max(-127, Math.min(127, Math.round(value / scales[indexOf(at)]!))));
  const error = values.reduce((sum, value, at) => sum + (value - rounded[at]! * scales[indexOf(at)]!) ** 2, 0);
  return { axis, rounded, scales, error };
}
