/** Runs one model version on one device: payloads in, results out, in memory that is allocated once. */
import { CopresenceError } from '../../core/errors.ts';
import type { ModelTask } from '../../core/tasks.ts';
import type { ModelManifest, TensorSpec } from '../../registry/manifest.ts';
import type { ItemOutcome } from '../flow.ts';
import type { Backend, RowRange, RunnerModel } from './backend/backend.ts';
import { openOnnxBackend } from './backend/onnx.ts';
import type { SessionOptions } from './backend/onnx-session.ts';
import { MAX_SYMBOLIC_SIZE } from './task/adapter.ts';
import type { TaskAdapter, TaskItem, TaskTensors } from './task/adapter.ts';
import { createBodyPose } from './task/body-pose.ts';
import { createGesture } from './task/gesture.ts';
import { createLanguage } from './task/language.ts';
import { allocateBlock, isRowFinite } from './tensor-block.ts';

const ADAPTERS: Readonly<Partial<Record<ModelTask, (tensors: TaskTensors) => TaskAdapter>>> = {
  'body-pose': createBodyPose,
  gesture: createGesture,
  language: createLanguage,
};

export interface RunnerOptions extends SessionOptions {
  /** The largest batch. */
  readonly capacity: number;
}

/**
 * Loads a model.
 *
 * @throws CopresenceError MODEL_INVALID when ONNX Runtime does not take the graph, SHAPE_MISMATCH when its tensors are
 * not those of the manifest or of the task.
 */
export async function openRunner(model: RunnerModel, options: RunnerOptions): Promise<Runner> {
  const { manifest } = model;
  const tensors: TaskTensors = {
    manifest,
    inputs: allocateBlocks(manifest.inputs, options.capacity),
    outputs: allocateBlocks(manifest.outputs, options.capacity),
    capacity: options.capacity,
  };
  const adapt = ADAPTERS[manifest.task];
  if (adapt === undefined) throw new CopresenceError('MODEL_INVALID', `${manifest.name}: nothing knows what to do with ${manifest.task}`);
  const adapter = adapt(tensors);
  return new Runner({ backend: await openOnnxBackend(model, tensors, options), tensors, adapter });
}

interface RunnerParts {
  readonly backend: Backend;
  readonly tensors: TaskTensors;
  readonly adapter: TaskAdapter;
}

export class Runner {
  readonly manifest: ModelManifest;
  /** The execution provider that runs it, and the preferred ones that would not. */
  readonly provider: string;
  readonly refusedProviders: readonly string[];
  readonly #parts: RunnerParts;

  constructor(parts: RunnerParts) {
    this.manifest = parts.tensors.manifest;
    this.provider = parts.backend.provider;
    this.refusedProviders = parts.backend.refusedProviders;
    this.#parts = parts;
  }

  /** A realistic input for this model; `index` varies it. */
  sample(index: number): TaskItem {
    return this.#parts.adapter.sample(index);
  }

  /**
   * Runs a batch. An item that cannot be used takes no row and does not touch the others.
   *
   * @param items - 1..capacity of them.
   * @param deadlineInMs - how long an answer is of use.
   * @returns one outcome an item, in their order: VIDEO_INVALID, MESSAGE_INVALID or POSE_NOT_FINITE for a payload that
   * cannot be used, MODEL_FAILED for one that the model cannot run on or answers with a number that is not finite.
   * @bound no tensor is allocated after a batch size's first use.
   */
  async run(items: readonly TaskItem[], deadlineInMs = Infinity): Promise<ItemOutcome[]> {
    if (items.length > this.#parts.tensors.capacity) throw new RangeError(`bug: a batch of ${items.length}`);
    const { adapter } = this.#parts;
    let rows = 0;
    const rowOf = items.map((item) => {
      const prepared = adapter.prepare(item, rows);
      return prepared === 'ready' ? rows++ : prepared;
    });
    const failedRows = new Set<number>();
    if (rows > 0) await this.#runRows({ first: 0, count: rows, symbolicSize: adapter.pack?.(rows) ?? 1 }, { deadlineInMs, failedRows });
    return items.map((item, index) => {
      const row = rowOf[index];
      if (typeof row !== 'number') return { kind: 'failed', code: row ?? 'MODEL_FAILED' };
      if (failedRows.has(row) || !this.#isFinite(row)) return { kind: 'failed', code: 'MODEL_FAILED' };
      return { kind: 'done', value: adapter.finish(item, row) };
    });
  }

  /** Frees the native memory; the runner is of no use afterwards. */
  async close(): Promise<void> {
    await this.#parts.backend.close();
  }

  /**
   * Runs the model on a range of rows, and on its halves where that fails: one input that the model cannot run on
   * costs its batch at most 2 log2(b) more runs, and the others are still answered.
   */
  async #runRows(range: RowRange, run: { readonly deadlineInMs: number; readonly failedRows: Set<number> }): Promise<void> {
    try {
      await this.#parts.backend.run(range, run.deadlineInMs);
    } catch {
      const { first, count } = range;
      if (count === 1) {
        run.failedRows.add(first);
        return;
      }
      const half = count >> 1;
      await this.#runRows({ ...range, count: half }, run);
      await this.#runRows({ ...range, first: first + half, count: count - half }, run);
    }
  }

  #isFinite(row: number): boolean {
    for (const block of this.#parts.tensors.outputs.values()) if (!isRowFinite(block, row)) return false;
    return true;
  }
}

function allocateBlocks(specs: readonly TensorSpec[], capacity: number): TaskTensors['inputs'] {
  return new Map(specs.map((spec) => [spec.name, allocateBlock(spec, capacity, MAX_SYMBOLIC_SIZE)]));
}
