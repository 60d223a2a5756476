/** What the tasks share: the port between a runner and the code that knows what a model's numbers mean. */
import { CopresenceError } from '../../../core/errors.ts';
import type { ErrorCode } from '../../../core/errors.ts';
import { MAX_TEXT_FEATURES } from '../../../features/text.ts';
import type { InferenceRequest, ModelValue, PictureRegion } from '../../flow.ts';
import type { ModelManifest } from '../../../registry/manifest.ts';
import type { ReadFeatures } from '../look-counter.ts';
import type { TensorBlock } from '../tensor-block.ts';

/** One request as a worker sees it. */
export interface TaskItem {
  /** Read only. */
  readonly payload: Uint8Array;
  readonly encoding: InferenceRequest['encoding'];
  /** Of a picture; the whole of it where left out. */
  readonly region?: PictureRegion;
  /** `Origin.part` of the request. */
  readonly part: string;
  /** Whether it is to be counted for who watches what the model is asked. */
  readonly isWatched?: boolean;
}

/** Fills a model's input rows and reads its output rows. It may keep what it needs of a row between the two calls. */
export interface TaskAdapter {
  /** Writes one input row. @returns why the payload cannot be used, or `ready`; a refused row is free again. */
  prepare(item: TaskItem, row: number): ErrorCode | 'ready';
  /**
   * For an input with a symbolic dimension besides the batch: how much of a row that was prepared counts, 1.. The rest
   * of the row is padding, and a batch is packed to its longest row.
   */
  sizeOf?(row: number): number;
  /** Reads one output row; every number in it is finite. */
  finish(item: TaskItem, row: number): ModelValue;
  /** How many features of an input are looked at for drift; none where left out. */
  readonly featureCount?: number;
  /** The features of a row that was prepared. */
  features?(row: number): ReadFeatures;
  /** A realistic input to warm up and to measure with; `index` varies it. */
  sample(index: number): TaskItem;
}

/** A model's memory; the adapter writes the inputs, the model the outputs. */
export interface TaskTensors {
  readonly manifest: ModelManifest;
  readonly inputs: ReadonlyMap<string, TensorBlock>;
  readonly outputs: ReadonlyMap<string, TensorBlock>;
  /** Rows of each tensor. */
  readonly capacity: number;
}

/** The size of symbolic dimensions besides the batch at their largest. */
export const MAX_SYMBOLIC_SIZE = MAX_TEXT_FEATURES;

interface Expected<Data> {
  /** The array type of the tensor. */
  readonly type: abstract new (...args: never[]) => Data;
  /** The shape of a row; 0 stands for any size. */
  readonly rowShape: readonly number[];
}

/**
 * The only tensor of a model's inputs or outputs, with its type and shape checked.
 *
 * @throws CopresenceError SHAPE_MISMATCH when the model does not have the tensor that its task needs.
 */
export function onlyTensor<Data>(
  blocks: ReadonlyMap<string, TensorBlock>,
  expected: Expected<Data>,
): Omit<TensorBlock, 'data'> & { readonly data: Data } {
  const [block, another] = blocks.values();
  if (block === undefined || another !== undefined) throw new CopresenceError('SHAPE_MISMATCH', `one tensor is expected, not ${blocks.size}`);
  const { data, rowShape, spec } = block;
  const fits = rowShape.length === expected.rowShape.length && expected.rowShape.every((size, axis) => size === 0 || size === rowShape[axis]);
  if (!fits || !(data instanceof expected.type)) {
    throw new CopresenceError('SHAPE_MISMATCH', `${spec.name} is ${spec.dtype} [${rowShape.join(', ')}] a row; [${expected.rowShape.join(', ')}] ${expected.type.name} is expected`);
  }
  return { ...block, data };
}
