/** Runs one model version on one device: payloads in, results out, in memory that is allocated once. */
import { Tensor } from 'onnxruntime-node';
import type { InferenceSession } from 'onnxruntime-node';
import { CopresenceError } from '../../core/errors.ts';
import type { Task } from '../../core/tasks.ts';
import type { ModelManifest, TensorSpec } from '../../registry/manifest.ts';
import type { ItemOutcome } from '../flow.ts';
import { openSession } from './onnx-session.ts';
import type { SessionOptions } from './onnx-session.ts';
import { MAX_SYMBOLIC_SIZE } from './task/adapter.ts';
import type { TaskAdapter, TaskItem, TaskTensors } from './task/adapter.ts';
import { createBodyPose } from './task/body-pose.ts';
import { createGesture } from './task/gesture.ts';
import { createLanguage } from './task/language.ts';
import { allocateBlock, isRowFinite, viewRows } from './tensor-block.ts';
import type { TensorBlock } from './tensor-block.ts';

const ADAPTERS: Readonly<Record<Task, (tensors: TaskTensors) => TaskAdapter>> = {
  'body-pose': createBodyPose,
  gesture: createGesture,
  language: createLanguage,
};

export interface RunnerOptions extends SessionOptions {
  /** The largest batch. */
  readonly capacity: number;
}

export interface RunnerModel {
  readonly manifest: ModelManifest;
  readonly graphPath: string;
}

/** Rows of every tensor, with symbolic dimensions besides the batch at one size. */
interface RowRange {
  readonly first: number;
  readonly count: number;
  readonly symbolicSize: number;
}

/** The tensors of a range of rows. */
interface RowTensors {
  readonly feeds: Record<string, Tensor>;
  readonly fetches: Record<string, Tensor>;
}

type Blocks = ReadonlyMap<string, TensorBlock>;

/**
 * Loads a model.
 *
 * @throws CopresenceError MODEL_INVALID when ONNX Runtime does not take the graph, SHAPE_MISMATCH when its tensors are
 * not those of the manifest or of the task.
 */
export async function openRunner(model: RunnerModel, options: RunnerOptions): Promise<Runner> {
  const { manifest } = model;
  const opened = await openSession(model.graphPath, options);
  checkNames('input', manifest.inputs, opened.session.inputNames);
  checkNames('output', manifest.outputs, opened.session.outputNames);
  const tensors: TaskTensors = {
    manifest,
    inputs: allocateBlocks(manifest.inputs, options.capacity),
    outputs: allocateBlocks(manifest.outputs, options.capacity),
    capacity: options.capacity,
  };
  return new Runner({ ...opened, tensors, adapter: ADAPTERS[manifest.task](tensors) });
}

interface RunnerParts {
  readonly session: InferenceSession;
  readonly provider: string;
  readonly refused: readonly string[];
  readonly tensors: TaskTensors;
  readonly adapter: TaskAdapter;
}

export class Runner {
  readonly manifest: ModelManifest;
  /** The execution provider that runs it, and the preferred ones that would not. */
  readonly provider: string;
  readonly refusedProviders: readonly string[];
  readonly #parts: RunnerParts;
  readonly #byRange = new Map<string, RowTensors>();

  constructor(parts: RunnerParts) {
    this.manifest = parts.tensors.manifest;
    this.provider = parts.provider;
    this.refusedProviders = parts.refused;
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
   * @returns one outcome an item, in their order: VIDEO_INVALID, MESSAGE_INVALID or POSE_NOT_FINITE for a payload that
   * cannot be used, MODEL_FAILED for one that the model cannot run on or answers with a number that is not finite.
   * @bound no tensor is allocated after a batch size's first use.
   */
  async run(items: readonly TaskItem[]): Promise<ItemOutcome[]> {
    if (items.length > this.#parts.tensors.capacity) throw new RangeError(`bug: a batch of ${items.length}`);
    const { adapter } = this.#parts;
    let rows = 0;
    const rowOf = items.map((item) => {
      const prepared = adapter.prepare(item, rows);
      return prepared === 'ready' ? rows++ : prepared;
    });
    const failedRows = new Set<number>();
    if (rows > 0) await this.#runRows({ first: 0, count: rows, symbolicSize: adapter.pack?.(rows) ?? 1 }, failedRows);
    return items.map((item, index) => {
      const row = rowOf[index];
      if (typeof row !== 'number') return { kind: 'failed', code: row ?? 'MODEL_FAILED' };
      if (failedRows.has(row) || !this.#isFinite(row)) return { kind: 'failed', code: 'MODEL_FAILED' };
      return { kind: 'done', value: adapter.finish(item, row) };
    });
  }

  /** Frees the native memory; the runner is of no use afterwards. */
  async close(): Promise<void> {
    await this.#parts.session.release();
  }

  /**
   * Runs the model on a range of rows, and on its halves where that fails: one input that the model cannot run on
   * costs its batch at most 2 log2(b) more runs, and the others are still answered.
   */
  async #runRows(range: RowRange, failedRows: Set<number>): Promise<void> {
    const { feeds, fetches } = this.#tensorsOf(range);
    try {
      await this.#parts.session.run(feeds, fetches);
    } catch {
      const { first, count } = range;
      if (count === 1) {
        failedRows.add(first);
        return;
      }
      const half = count >> 1;
      await this.#runRows({ ...range, count: half }, failedRows);
      await this.#runRows({ ...range, first: first + half, count: count - half }, failedRows);
    }
  }

  #tensorsOf(range: RowRange): RowTensors {
    const key = `${range.first}+${range.count}x${range.symbolicSize}`;
    const known = this.#byRange.get(key);
    if (known !== undefined) return known;
    const { inputs, outputs } = this.#parts.tensors;
    const made = { feeds: tensorsOver(inputs, range), fetches: tensorsOver(outputs, range) };
    this.#byRange.set(key, made);
    return made;
  }

  #isFinite(row: number): boolean {
    for (const block of this.#parts.tensors.outputs.values()) if (!isRowFinite(block, row)) return false;
    return true;
  }
}

function allocateBlocks(specs: readonly TensorSpec[], capacity: number): Blocks {
  return new Map(specs.map((spec) => [spec.name, allocateBlock(spec, capacity, MAX_SYMBOLIC_SIZE)]));
}

function tensorsOver(blocks: Blocks, { first, count, symbolicSize }: RowRange): Record<string, Tensor> {
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
