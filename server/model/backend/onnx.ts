/** Computes with ONNX Runtime in this process. */
import { Tensor } from 'onnxruntime-node';
import type { InferenceSession } from 'onnxruntime-node';
import { CopresenceError } from '../../../core/errors.ts';
import type { TensorSpec } from '../../../registry/manifest.ts';
import { viewRows } from '../tensor-block.ts';
import type { TensorBlock } from '../tensor-block.ts';
import type { Backend, ModelBlocks, RowRange, RunnerModel } from './backend.ts';
import { openSession } from './onnx-session.ts';
import { nameOutOfMemory } from './out-of-memory.ts';
import type { OnnxOptions } from './onnx-session.ts';

/** The tensors of a range of rows, over the blocks' own memory. */
interface RowTensors {
  readonly feeds: Record<string, Tensor>;
  readonly fetches: Record<string, Tensor>;
}

/**
 * Loads the model's graph.
 *
 * @throws CopresenceError MODEL_INVALID when ONNX Runtime does not take the graph, SHAPE_MISMATCH when its tensors are
 * not those of the manifest.
 */
export async function openOnnxBackend(model: RunnerModel, blocks: ModelBlocks, options: OnnxOptions): Promise<Backend> {
  const { session, provider, refused } = await openSession(model.graphPath, options);
  checkNames('input', model.manifest.inputs, session.inputNames);
  checkNames('output', model.manifest.outputs, session.outputNames);
  const byRange = new Map<string, RowTensors>();
  return {
    provider,
    refusedProviders: refused,
    async run(range) {
      const { feeds, fetches } = tensorsOf(byRange, blocks, range);
      await session.run(feeds, fetches).catch((error: unknown) => {
        throw nameOutOfMemory(error);
      });
    },
    close: () => release(session),
  };
}

async function release(session: InferenceSession): Promise<void> {
  await session.release();
}

function tensorsOf(byRange: Map<string, RowTensors>, { inputs, outputs }: ModelBlocks, range: RowRange): RowTensors {
  const key = `${range.first}+${range.count}x${range.symbolicSize}`;
  const known = byRange.get(key);
  if (known !== undefined) return known;
  const made = { feeds: tensorsOver(inputs, range), fetches: tensorsOver(outputs, range) };
  byRange.set(key, made);
  return made;
}

function tensorsOver(blocks: ReadonlyMap<string, TensorBlock>, { first, count, symbolicSize }: RowRange): Record<string, Tensor> {
  const tensors: Record<string, Tensor> = {};
  for (const [name, block] of blocks) {
    const { data, shape } = viewRows(block, first, count, symbolicSize);
    tensors[name] = new Tensor(block.spec.dtype, data, shape);
  }
  return tensors;
}

function checkNames(kind: string, specs: readonly TensorSpec[], names: readonly string[]): void {
  const fits = specs.length === names.length && specs.every((spec) => names.includes(spec.name));
  if (fits) return;
  throw new CopresenceError('SHAPE_MISMATCH', `the graph's ${kind}s are ${names.join(', ')}; its manifest says ${specs.map((spec) => spec.name).join(', ')}`);
}
