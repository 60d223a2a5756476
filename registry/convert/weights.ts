/** Reads the weights of a TensorFlow.js model: packed one after the other, often quantised to 8 or 16 bits. */
import { z } from 'zod';
import { CopresenceError } from '../../core/errors.ts';

/** Quantised values stand for `stored * scale + min`; float16 has neither. */
const quantization = z.object({
  dtype: z.enum(['float16', 'uint8', 'uint16']),
  scale: z.number().default(1),
  min: z.number().default(0),
});

export const weightSpec = z.object({
  name: z.string(),
  shape: z.array(z.int().nonnegative()),
  dtype: z.enum(['float32', 'int32']),
  quantization: quantization.optional(),
});
export type WeightSpec = z.infer<typeof weightSpec>;

/** One constant of a graph, in TensorFlow's row-major layout. */
export interface Weight {
  readonly name: string;
  /** `[]` is a scalar. */
  readonly shape: readonly number[];
  readonly values: Float32Array | Int32Array;
}

/**
 * Decodes a group of weights.
 *
 * @param specs - in the order of storage.
 * @param bytes - all weight files of the group, joined; little-endian. Read only.
 * @throws CopresenceError MODEL_INVALID when the sizes do not add up to `bytes`.
 */
export function decodeWeights(specs: readonly WeightSpec[], bytes: Uint8Array): Map<string, Weight> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const weights = new Map<string, Weight>();
  let offset = 0;
  for (const spec of specs) {
    const count = spec.shape.reduce((product, size) => product * size, 1);
    const end = offset + count * storedBytes(spec);
    if (end > bytes.length) {
      throw new CopresenceError('MODEL_INVALID', `weight ${spec.name} ends at byte ${end} of ${bytes.length}`);
    }
    weights.set(spec.name, { name: spec.name, shape: spec.shape, values: decode(spec, view, offset, count) });
    offset = end;
  }
  if (offset !== bytes.length) {
    throw new CopresenceError('MODEL_INVALID', `${bytes.length} bytes of weights, of which ${offset} are described`);
  }
  return weights;
}

/** The number that an IEEE 754 half-precision bit pattern stands for. */
export function float16ToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * 2 ** -24 * fraction;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return sign * 2 ** (exponent - 15) * (1 + fraction / 1024);
}

function storedBytes(spec: WeightSpec): number {
  if (spec.quantization === undefined) return 4;
  return spec.quantization.dtype === 'uint8' ? 1 : 2;
}

function decode(spec: WeightSpec, view: DataView, offset: number, count: number): Float32Array | Int32Array {
  const { quantization: stored, dtype } = spec;
  if (stored === undefined) {
    return dtype === 'int32'
      ? Int32Array.from({ length: count }, (_, index) => view.getInt32(offset + 4 * index, true))
      : Float32Array.from({ length: count }, (_, index) => view.getFloat32(offset + 4 * index, true));
  }
  if (dtype === 'int32') throw new CopresenceError('MODEL_INVALID', `weight ${spec.name} is a quantised int32`);
  const read = quantizedReader(stored, view);
  return Float32Array.from({ length: count }, (_, index) => read(offset, index));
}

function quantizedReader(
  stored: NonNullable<WeightSpec['quantization']>,
  view: DataView,
): (offset: number, index: number) => number {
  const { dtype, scale, min } = stored;
  switch (dtype) {
    case 'float16':
      return (offset, index) => float16ToNumber(view.getUint16(offset + 2 * index, true));
    case 'uint8':
      return (offset, index) => view.getUint8(offset + index) * scale + min;
    case 'uint16':
      return (offset, index) => view.getUint16(offset + 2 * index, true) * scale + min;
  }
}
