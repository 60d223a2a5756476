/** Runs one model version on one device: payloads in, results out, in memory that is allocated once. */
import { systemClock } from '../../core/clock.ts';
import type { Clock } from '../../core/clock.ts';
import { CopresenceError } from '../../core/errors.ts';
import type { ErrorCode } from '../../core/errors.ts';
import type { ModelTask } from '../../core/tasks.ts';
import type { ModelManifest, TensorSpec } from '../../registry/manifest.ts';
import type { ItemOutcome, ModelValue } from '../flow.ts';
import type { Backend, RowRange, RunnerModel } from './backend/backend.ts';
import { CPU_BACKEND } from './backend/choice.ts';
import type { BackendChoice } from './backend/choice.ts';
import { openBackend } from './backend/open.ts';
import { MAX_SYMBOLIC_SIZE } from './task/adapter.ts';
import type { TaskAdapter, TaskItem, TaskTensors } from './task/adapter.ts';
import { createBodyLandmarks } from './task/body-landmarks.ts';
import { createBodyPose } from './task/body-pose.ts';
import { createDynamicGesture } from './task/dynamic-gesture.ts';
import { createGesture } from './task/gesture.ts';
import { createHandDetection } from './task/hand-detection.ts';
import { createHandLandmarks } from './task/hand-landmarks.ts';
import { createLanguage } from './task/language.ts';
import { createTensorsOnly } from './task/tensors-only.ts';
import { allocateBlock, isRowFinite, packRows } from './tensor-block.ts';
import type { ModelReference } from '../../registry/reference.ts';
import type { Looks } from '../watch-flow.ts';
import { LookCounter } from './look-counter.ts';
import { TensorItems } from './tensor-items.ts';

const ADAPTERS: Readonly<Partial<Record<ModelTask, (tensors: TaskTensors) => TaskAdapter>>> = {
  'body-pose': createBodyPose,
  'body-landmarks': createBodyLandmarks,
  'hand-detection': createHandDetection,
  'hand-landmarks': createHandLandmarks,
  gesture: createGesture,
  'dynamic-gesture': createDynamicGesture,
  language: createLanguage,
  'pose-prediction': createTensorsOnly,
};

/** Batches are packed to a multiple of this where a dimension is symbolic, so that few different shapes occur. */
const SYMBOLIC_STEP = 64;

export interface RunnerOptions {
  /** The largest batch. */
  readonly capacity: number;
  /** What computes; ONNX Runtime on one core where left out. */
  readonly backend?: BackendChoice;
  /** What the version was trained on, for counting what it is asked in the same bins. */
  readonly reference?: ModelReference | undefined;
}

/**
 * Loads a model.
 *
 * @throws CopresenceError MODEL_INVALID when the backend does not take the graph, SHAPE_MISMATCH when its tensors are
 * not those of the manifest or of the task.
 */
export async function openRunner(model: RunnerModel, options: RunnerOptions, clock: Clock = systemClock()): Promise<Runner> {
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
  const counter = new LookCounter(options.reference, adapter.featureCount ?? 0);
  const backend = await openBackend({ clock, model, blocks: tensors }, options.backend ?? CPU_BACKEND);
  return new Runner({ backend, tensors, adapter, counter, tensorItems: new TensorItems(tensors, MAX_SYMBOLIC_SIZE) });
}

interface RunnerParts {
  readonly backend: Backend;
  readonly tensors: TaskTensors;
  readonly adapter: TaskAdapter;
  /** Counts watched items, where somebody watches. */
  readonly counter?: LookCounter;
  readonly tensorItems: TensorItems;
}

/** One attempt at a batch. */
interface Attempt {
  readonly deadlineInMs: number;
  /** Why the model gave no answer, by row. */
  readonly failures: Map<number, ErrorCode>;
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
   * @returns one outcome an item, in their order: VIDEO_INVALID, MESSAGE_INVALID, POSE_NOT_FINITE or TENSOR_INVALID for
   * a payload that cannot be used, MODEL_FAILED for one that the model cannot run on or answers with a number that is
   * not finite; for all that met it, what no input is at fault for: DEVICE_OUT_OF_MEMORY, or what a remote model says.
   * @bound no tensor is allocated after a batch size's first use.
   */
  async run(items: readonly TaskItem[], deadlineInMs = Infinity): Promise<ItemOutcome[]> {
    if (items.length > this.#parts.tensors.capacity) throw new RangeError(`bug: a batch of ${items.length}`);
    let count = 0;
    let longest = 1;
    const rowOf = items.map((item) => {
      const prepared = this.#prepare(item, count);
      if (prepared !== 'ready') return prepared;
      longest = Math.max(longest, this.#sizeOf(item, count));
      return count++;
    });
    const range: RowRange = { first: 0, count, symbolicSize: this.#pack(count, longest) };
    const failures = new Map<number, ErrorCode>();
    if (count > 0) await this.#runRows(range, { deadlineInMs, failures });
    return items.map((item, index) => {
      const row = rowOf[index];
      if (typeof row !== 'number') return { kind: 'failed', code: row ?? 'MODEL_FAILED' };
      const code = failures.get(row) ?? (this.#isFinite(row, range.symbolicSize) ? undefined : 'MODEL_FAILED');
      return code === undefined ? { kind: 'done', value: this.#finish(item, row, range.symbolicSize) } : { kind: 'failed', code };
    });
  }

  /** What was counted of watched items, now and then. */
  takeLooks(nowMs: number): Looks | undefined {
    return this.#parts.counter?.take(nowMs);
  }

  /** Frees the native memory; the runner is of no use afterwards. */
  async close(): Promise<void> {
    await this.#parts.backend.close();
  }

  #prepare(item: TaskItem, row: number): ErrorCode | 'ready' {
    const { adapter, tensorItems } = this.#parts;
    return item.encoding === 'tensors' ? tensorItems.prepare(item.payload, row) : adapter.prepare(item, row);
  }

  #sizeOf(item: TaskItem, row: number): number {
    const { adapter, tensorItems } = this.#parts;
    return item.encoding === 'tensors' ? tensorItems.sizeOf(row) : (adapter.sizeOf?.(row) ?? 1);
  }

  #finish(item: TaskItem, row: number, symbolicSize: number): ModelValue {
    const { adapter, counter, tensorItems } = this.#parts;
    if (item.encoding === 'tensors') return tensorItems.finish(row, symbolicSize);
    const value = adapter.finish(item, row);
    if (item.isWatched === true) counter?.look(value, adapter.features?.(row));
    return value;
  }

  /** Brings the rows together at the size that the longest of them needs, and gives that size. */
  #pack(rowCount: number, longest: number): number {
    const size = Math.min(MAX_SYMBOLIC_SIZE, Math.ceil(longest / SYMBOLIC_STEP) * SYMBOLIC_STEP);
    for (const block of this.#parts.tensors.inputs.values()) packRows(block, rowCount, size);
    return size;
  }

  /**
   * Runs the model on a range of rows, and on its halves where that fails: one input that the model cannot run on
   * costs its batch at most 2 log2(b) more runs, and the others are still answered. Where no
   * input is at fault (no memory, a remote server that is down, busy or late) nothing is tried again.
   */
  async #runRows(range: RowRange, attempt: Attempt): Promise<void> {
    const { first, count } = range;
    try {
      await this.#parts.backend.run(range, attempt.deadlineInMs);
    } catch (error) {
      const code = error instanceof CopresenceError && error.entry.retry === 'later' ? error.code : 'MODEL_FAILED';
      if (count === 1 || code !== 'MODEL_FAILED') {
        for (let row = first; row < first + count; row++) attempt.failures.set(row, code);
        return;
      }
      const half = count >> 1;
      await this.#runRows({ ...range, count: half }, attempt);
      await this.#runRows({ ...range, first: first + half, count: count - half }, attempt);
    }
  }

  #isFinite(row: number, symbolicSize: number): boolean {
    for (const block of this.#parts.tensors.outputs.values()) if (!isRowFinite(block, row, symbolicSize)) return false;
    return true;
  }
}

function allocateBlocks(specs: readonly TensorSpec[], capacity: number): TaskTensors['inputs'] {
  return new Map(specs.map((spec) => [spec.name, allocateBlock(spec, capacity, MAX_SYMBOLIC_SIZE)]));
}
