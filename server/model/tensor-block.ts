/** The memory of one model input or output: room for the largest batch, one row a request, allocated once. */
import { CopresenceError } from '../../core/errors.ts';
import type { TensorSpec } from '../../registry/manifest.ts';

/** float16 travels as its bits. */
export type TensorData = Float32Array | Uint16Array | Uint8Array | Int8Array | Int32Array | BigInt64Array;

export interface TensorBlock {
  readonly spec: TensorSpec;
  /** The shape of one row, the tensor's without the batch; symbolic dimensions at their largest. */
  readonly rowShape: readonly number[];
  /** Elements a row. */
  readonly rowLength: number;
  /** Elements a row for each step of its symbolic dimension; 0 when it has none. */
  readonly stepLength: number;
  /** [capacity, ...rowShape] */
  readonly data: TensorData;
}

const ARRAYS = {
  float32: Float32Array,
  float16: Uint16Array,
  uint8: Uint8Array,
  int8: Int8Array,
  int32: Int32Array,
  int64: BigInt64Array,
} as const satisfies Record<TensorSpec['dtype'], new (length: number) => TensorData>;

/**
 * Room for `capacity` rows of a tensor.
 *
 * @param symbolicSize - what every symbolic dimension but the first, which is the batch, is fixed to.
 * @throws CopresenceError MODEL_INVALID when the batch is not the first dimension, or when another dimension than the
 * second is symbolic besides: only there can rows be packed and padded as a whole.
 */
export function allocateBlock(spec: TensorSpec, capacity: number, symbolicSize: number): TensorBlock {
  const [batch, ...row] = spec.shape;
  if (typeof batch !== 'string') throw new CopresenceError('MODEL_INVALID', `${spec.name}: the first dimension is the batch, and symbolic`);
  if (row.slice(1).some((size) => typeof size === 'string')) throw new CopresenceError('MODEL_INVALID', `${spec.name}: beside the batch only the second dimension may be symbolic`);
  const rowShape = row.map((size) => (typeof size === 'number' ? size : symbolicSize));
  const rowLength = rowShape.reduce((product, size) => product * size, 1);
  const stepLength = typeof row[0] === 'string' ? rowLength / symbolicSize : 0;
  return { spec, rowShape, rowLength, stepLength, data: new ARRAYS[spec.dtype](capacity * rowLength) };
}

/** Elements of a row whose symbolic dimension is of size `symbolicSize`. */
export function packedRowLength(block: TensorBlock, symbolicSize: number): number {
  return block.stepLength === 0 ? block.rowLength : block.stepLength * symbolicSize;
}

/** Brings rows 0 to `rowCount` from their places at the largest size to those at `symbolicSize`, cutting what lies behind. */
export function packRows(block: TensorBlock, rowCount: number, symbolicSize: number): void {
  const length = packedRowLength(block, symbolicSize);
  if (length === block.rowLength) return;
  for (let row = 1; row < rowCount; row++) block.data.copyWithin(row * length, row * block.rowLength, row * block.rowLength + length);
}

/** Some rows of a block, in the block's own memory. */
export interface BlockRows {
  readonly data: TensorData;
  /** [count, ...row] */
  readonly shape: readonly number[];
}

/**
 * Rows `first` to `first + count`, packed so that symbolic dimensions are of size `symbolicSize`.
 *
 * @param symbolicSize - 1..the size at allocation; nothing to a block without symbolic dimensions but the batch.
 */
export function viewRows(block: TensorBlock, first: number, count: number, symbolicSize: number): BlockRows {
  const row = block.spec.shape.slice(1).map((size) => (typeof size === 'number' ? size : symbolicSize));
  const length = packedRowLength(block, symbolicSize);
  return { data: block.data.subarray(first * length, (first + count) * length), shape: [count, ...row] };
}

/** Whether a packed row of an output holds only finite numbers; integers always do. */
export function isRowFinite(block: TensorBlock, row: number, symbolicSize: number): boolean {
  if (!(block.data instanceof Float32Array)) return true;
  const length = packedRowLength(block, symbolicSize);
  const end = (row + 1) * length;
  for (let index = row * length; index < end; index++) if (!Number.isFinite(block.data[index]!)) return false;
  return true;
}
