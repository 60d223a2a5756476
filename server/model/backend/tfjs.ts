/** Computes with TensorFlow.js in this process. */
import type * as tfjs from '@tensorflow/tfjs';
import { CopresenceError } from '../../../core/errors.ts';
import { viewRows } from '../tensor-block.ts';
import type { TensorBlock, TensorData } from '../tensor-block.ts';
import type { Backend, ModelBlocks, RowRange, RunnerModel } from './backend.ts';
import { findTensorflow } from '../../../registry/tensorflow.ts';
import type { Tensorflow } from '../../../registry/tensorflow.ts';
import { loadTfjsModel } from './tfjs-model.ts';
import type { TfjsInput, TfjsModel } from './tfjs-model.ts';

interface Parts {
  readonly tf: Tensorflow;
  readonly model: TfjsModel;
  readonly blocks: ModelBlocks;
}

/**
 * Loads the model into the fastest TensorFlow.js that is installed. A graph that takes one row at a time, as most
 * published ones do, is run once a row.
 *
 * @throws CopresenceError MODEL_INVALID when TensorFlow.js is missing or does not take the model, MODEL_TAMPERED when
 * a file of it differs from its digest, SHAPE_MISMATCH when its tensors are not those of the manifest.
 */
export async function openTfjsBackend(model: RunnerModel, blocks: ModelBlocks): Promise<Backend> {
  const { tf, provider, refused } = await findTensorflow();
  const parts: Parts = { tf, blocks, model: await loadTfjsModel(tf, model) };
  const step = parts.model.inputs.some(({ isSingle }) => isSingle) ? 1 : Infinity;
  return {
    provider,
    refusedProviders: refused,
    async run(range) {
      for (let done = 0; done < range.count; done += step) {
        await runRows(parts, { ...range, first: range.first + done, count: Math.min(step, range.count - done) });
      }
    },
    close() {
      parts.model.dispose();
      return Promise.resolve();
    },
  };
}

async function runRows({ tf, model, blocks }: Parts, range: RowRange): Promise<void> {
  const results = tf.tidy(() => model.execute(Object.fromEntries(model.inputs.map((input) => [input.node, feed(tf, blocks, input, range)]))));
  try {
    for (const [index, spec] of model.outputs.entries()) {
      const result = results[index];
      if (result !== undefined) copyOut(await result.data(), blocks.outputs.get(spec.name), range);
    }
  } finally {
    tf.dispose(results);
  }
}

/** TensorFlow.js knows no smaller integers than int32, and copies what it is given. */
function feed(tf: Tensorflow, { inputs }: ModelBlocks, { spec, node, dtype }: TfjsInput, range: RowRange): tfjs.Tensor {
  const block = inputs.get(spec.name);
  if (block === undefined) throw new CopresenceError('SHAPE_MISMATCH', `nothing is known of ${node}`);
  const { data, shape } = viewRows(block, range.first, range.count, range.symbolicSize);
  const typed = dtype === 'float32' ? asFloats(data) : asInts(data);
  return tf.tensor(typed, [...shape], dtype);
}

function asFloats(data: TensorData): Float32Array {
  return data instanceof Float32Array ? data : Float32Array.from(data as Int32Array, Number);
}

function asInts(data: TensorData): Int32Array {
  return data instanceof Int32Array ? data : Int32Array.from(data as Uint8Array, Number);
}

function copyOut(values: tfjs.TypedArray, block: TensorBlock | undefined, { first, count, symbolicSize }: RowRange): void {
  if (block === undefined) return;
  const { data } = viewRows(block, first, count, symbolicSize);
  if (values.length !== data.length) throw new CopresenceError('SHAPE_MISMATCH', `${block.spec.name} has ${values.length} numbers for ${count} rows, not ${data.length}`);
  if (data instanceof BigInt64Array) values.forEach((value, index) => (data[index] = BigInt(value)));
  else data.set(values);
}
