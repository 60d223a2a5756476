/** Items of encoding `tensors`: the rows of a model's inputs as raw bytes, and the rows of its outputs likewise. */
import type { ErrorCode } from '../../core/errors.ts';
import type { StageValue } from '../flow.ts';
import type { TaskTensors } from './task/adapter.ts';
import { packedRowLength } from './tensor-block.ts';
import type { TensorBlock } from './tensor-block.ts';

/** A block's memory as bytes, in the machine's order, which is little-endian wherever Node runs on ONNX Runtime's builds. */
interface BlockBytes {
  readonly block: TensorBlock;
  readonly bytes: Uint8Array;
}

/** Works on any model; an item's symbolic dimension, where the model has one, follows from the length of its payload. */
export class TensorItems {
  readonly #inputs: readonly BlockBytes[];
  readonly #outputs: readonly BlockBytes[];
  readonly #maxSymbolicSize: number;
  readonly #sizes: Int32Array;

  /** @param maxSymbolicSize - the size of symbolic dimensions at allocation. */
  constructor(tensors: TaskTensors, maxSymbolicSize: number) {
    this.#inputs = bytesOf(tensors.inputs);
    this.#outputs = bytesOf(tensors.outputs);
    this.#maxSymbolicSize = maxSymbolicSize;
    this.#sizes = new Int32Array(tensors.capacity);
  }

  /**
   * Writes one row of every input, with zeros behind a symbolic dimension that is not at its largest.
   *
   * @param payload - the rows in the manifest's order, without gaps. Read only.
   * @returns TENSOR_INVALID when it has another length.
   */
  prepare(payload: Uint8Array, row: number): ErrorCode | 'ready' {
    const size = this.#symbolicSize(payload.length);
    if (size === undefined) return 'TENSOR_INVALID';
    this.#sizes[row] = size;
    let from = 0;
    for (const { block, bytes } of this.#inputs) {
      const rowBytes = block.rowLength * block.data.BYTES_PER_ELEMENT;
      const length = packedRowLength(block, size) * block.data.BYTES_PER_ELEMENT;
      bytes.set(payload.subarray(from, from + length), row * rowBytes);
      bytes.fill(0, row * rowBytes + length, (row + 1) * rowBytes);
      from += length;
    }
    return 'ready';
  }

  /** The symbolic dimension of a row that was prepared, 1.. */
  sizeOf(row: number): number {
    return this.#sizes[row] ?? 1;
  }

  /** Copies one row of every output, its symbolic dimension cut to the item's own size. @param batchSize - what the batch was packed to. */
  finish(row: number, batchSize: number): StageValue {
    const size = this.sizeOf(row);
    const parts = this.#outputs.map(({ block, bytes }) => {
      const from = row * packedRowLength(block, batchSize) * block.data.BYTES_PER_ELEMENT;
      return bytes.subarray(from, from + packedRowLength(block, size) * block.data.BYTES_PER_ELEMENT);
    });
    return { task: 'tensors', outputs: joined(parts) };
  }

  /** What the symbolic dimension must be for a payload of this length; undefined when no size fits. */
  #symbolicSize(payloadBytes: number): number | undefined {
    const bytesAt = (size: number): number => this.#inputs.reduce((sum, { block }) => sum + packedRowLength(block, size) * block.data.BYTES_PER_ELEMENT, 0);
    const fixed = bytesAt(0);
    const each = bytesAt(1) - fixed;
    if (each === 0) return payloadBytes === fixed ? 1 : undefined;
    const size = (payloadBytes - fixed) / each;
    return Number.isInteger(size) && size >= 1 && size <= this.#maxSymbolicSize ? size : undefined;
  }
}

function bytesOf(blocks: ReadonlyMap<string, TensorBlock>): BlockBytes[] {
  return [...blocks.values()].map((block) => ({ block, bytes: new Uint8Array(block.data.buffer, block.data.byteOffset, block.data.byteLength) }));
}

/** Not a `Buffer` of Node's shared pool: the outcome is sent on as it is. */
function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
