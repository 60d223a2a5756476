/** What a model worker and its parent say to one another. Structured clone carries the bytes as they are. */
import type { ErrorCode } from '../../core/errors.ts';
import type { ModelTask } from '../../core/tasks.ts';
import type { TensorSpec } from '../../registry/manifest.ts';
import type { ItemOutcome } from '../flow.ts';
import type { BackendChoice } from './backend/choice.ts';
import type { RunnerOptions } from './runner.ts';
import type { ModelReference } from '../../registry/reference.ts';
import type { Looks } from '../watch-flow.ts';
import type { TaskItem } from './task/adapter.ts';

/** A model version that a worker is to load. */
export interface ModelToLoad {
  /** What batches call it: its name, or the name and `@canary` for a version on trial beside the one that serves. */
  readonly key: string;
  readonly name: string;
  /** What the store takes for current when left out. */
  readonly version?: string | undefined;
}

/** The first message to a worker, once. */
export interface LoadMessage extends RunnerOptions {
  readonly kind: 'load';
  readonly modelsFolder: string;
  readonly cacheFolder: string;
  /** With one, only what the signers in it have signed is loaded. */
  readonly signersFile?: string | undefined;
  /** By model, what computes it where that is not `backend`. */
  readonly backendOf?: Readonly<Record<string, BackendChoice>>;
  readonly models: readonly ModelToLoad[];
}

/** One batch; the next is sent after its answer. */
export interface RunMessage {
  readonly kind: 'run';
  /** A key. */
  readonly model: string;
  readonly items: readonly TaskItem[];
  /** How long the answers are of use; Infinity for samples. */
  readonly deadlineInMs: number;
}

/** Closes a model and opens it anew, which gives back the memory that it holds on the device. */
export interface RebuildMessage {
  readonly kind: 'rebuild';
  readonly model: string;
}

export type ToWorker = LoadMessage | RunMessage | RebuildMessage;

export interface LoadedModel {
  readonly key: string;
  readonly name: string;
  readonly version: string;
  readonly task: ModelTask;
  /** The execution provider that runs it. */
  readonly provider: string;
  /** Preferred providers that could not. */
  readonly refusedProviders: readonly string[];
  /** In the order in which rows of encoding `tensors` have them. */
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  /** What it was trained on, where it says so. */
  readonly reference?: ModelReference | undefined;
  /** Realistic inputs to warm up and to measure with. */
  readonly samples: readonly TaskItem[];
}

/** `refused`: a model could not be loaded; the worker ends. */
export type FromWorker =
  | { readonly kind: 'loaded'; readonly models: readonly LoadedModel[] }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly detail: string }
  | { readonly kind: 'rebuilt' }
  | { readonly kind: 'ran'; readonly items: readonly ItemOutcome[]; readonly runMs: number; readonly looks?: Looks | undefined };
