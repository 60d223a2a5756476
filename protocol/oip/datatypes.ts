/** The element types of the Open Inference Protocol that models here have, and their numbers as bytes. */
import { CopresenceError } from '../../core/errors.ts';

/** By the name that manifests use, the protocol's. */
export const DATATYPES = {
  float32: 'FP32',
  float16: 'FP16',
  uint8: 'UINT8',
  int8: 'INT8',
  int32: 'INT32',
  int64: 'INT64',
} as const;
export type Dtype = keyof typeof DATATYPES;
export type Datatype = (typeof DATATYPES)[Dtype];

export const ELEMENT_BYTES: Readonly<Record<Datatype, number>> = { FP32: 4, FP16: 2, UINT8: 1, INT8: 1, INT32: 4, INT64: 8 };

const INTEGER_RANGES = {
  UINT8: [0, 255],
  INT8: [-128, 127],
  INT32: [-(2 ** 31), 2 ** 31 - 1],
} as const;
const INT64_RANGE = [-(2n ** 63n), 2n ** 63n - 1n] as const;
const FLOAT32_EXPONENT = 0x7f800000;
const FLOAT16_EXPONENT = 0x7c00;

/** Whether the name is of a type that models here have; BOOL, FP64, BYTES and the others are not. */
export function isDatatype(name: string): name is Datatype {
  return Object.hasOwn(ELEMENT_BYTES, name);
}

/**
 * Numbers as the bytes of a tensor, little-endian.
 *
 * @param values - numbers, perhaps in nested lists; for INT64 also decimal text, since a number is exact to 2^53 only.
 * @param count - how many there must be. @returns owned by the caller.
 * @throws CopresenceError TENSOR_INVALID for another count, anything that is no number of the type, and FP16, for which
 * the protocol has no numbers.
 */
export function encodeValues(values: readonly unknown[], datatype: Datatype, count: number): Uint8Array {
  if (datatype === 'FP16') throw invalid('FP16 travels as raw bytes only');
  const bytes = new Uint8Array(count * ELEMENT_BYTES[datatype]);
  const view = new DataView(bytes.buffer);
  const write = WRITERS[datatype];
  let at = 0;
  const put = (value: unknown): void => {
    if (Array.isArray(value)) return value.forEach(put);
    if (at === count) throw invalid(`more than the ${count} numbers of its shape`);
    write(view, at++, value);
  };
  values.forEach(put);
  if (at < count) throw invalid(`${at} numbers instead of the ${count} of its shape`);
  return bytes;
}

/** The numbers in the bytes of a tensor; bigint for INT64. @param bytes - a whole number of elements, little-endian. */
export function decodeValues(bytes: Uint8Array, datatype: Exclude<Datatype, 'FP16'>): (number | bigint)[] {
  const size = ELEMENT_BYTES[datatype];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read = READERS[datatype];
  return Array.from({ length: bytes.length / size }, (_, index) => read(view, index * size));
}

/** The place of the first element that is NaN or infinite; -1 without one. @param bytes - little-endian. */
export function firstNotFinite(bytes: Uint8Array, datatype: Datatype): number {
  if (datatype !== 'FP32' && datatype !== 'FP16') return -1;
  const size = ELEMENT_BYTES[datatype];
  const mask = datatype === 'FP32' ? FLOAT32_EXPONENT : FLOAT16_EXPONENT;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.length; at += size) {
    const bits = size === 4 ? view.getUint32(at, true) : view.getUint16(at, true);
    if ((bits & mask) === mask) return at / size;
  }
  return -1;
}

const WRITERS: Readonly<Record<Exclude<Datatype, 'FP16'>, (view: DataView, index: number, value: unknown) => void>> = {
  FP32(view, index, value) {
    if (typeof value !== 'number' || !Number.isFinite(Math.fround(value))) throw invalid(`number ${index} is not a finite float32`);
    view.setFloat32(index * 4, value, true);
  },
  UINT8: (view, index, value) => view.setUint8(index, toInteger(value, 'UINT8', index)),
  INT8: (view, index, value) => view.setInt8(index, toInteger(value, 'INT8', index)),
  INT32: (view, index, value) => view.setInt32(index * 4, toInteger(value, 'INT32', index), true),
  INT64: (view, index, value) => view.setBigInt64(index * 8, toBigInteger(value, index), true),
};

const READERS: Readonly<Record<Exclude<Datatype, 'FP16'>, (view: DataView, at: number) => number | bigint>> = {
  FP32: (view, at) => view.getFloat32(at, true),
  UINT8: (view, at) => view.getUint8(at),
  INT8: (view, at) => view.getInt8(at),
  INT32: (view, at) => view.getInt32(at, true),
  INT64: (view, at) => view.getBigInt64(at, true),
};

function toInteger(value: unknown, datatype: keyof typeof INTEGER_RANGES, index: number): number {
  const [low, high] = INTEGER_RANGES[datatype];
  if (typeof value !== 'number' || !Number.isInteger(value) || value < low || value > high) throw invalid(`number ${index} is not of ${datatype}`);
  return value;
}

function toBigInteger(value: unknown, index: number): bigint {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
  if (typeof value === 'string' && /^-?\d{1,19}$/.test(value)) {
    const exact = BigInt(value);
    if (exact >= INT64_RANGE[0] && exact <= INT64_RANGE[1]) return exact;
  }
  throw invalid(`number ${index} is not of INT64, or not exact`);
}

function invalid(detail: string): CopresenceError {
  return new CopresenceError('TENSOR_INVALID', detail);
}
