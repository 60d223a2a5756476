/** The port between a runner, which knows what tensors mean, and whatever computes them. */
import type { ModelManifest } from '../../../registry/manifest.ts';
import type { TensorBlock } from '../tensor-block.ts';

/** What the registry hands out: a manifest and where its graph lies. */
export interface RunnerModel {
  readonly manifest: ModelManifest;
  readonly graphPath: string;
}

/** By the manifest's names. The runner writes the inputs, a backend the outputs. */
export interface ModelBlocks {
  readonly inputs: ReadonlyMap<string, TensorBlock>;
  readonly outputs: ReadonlyMap<string, TensorBlock>;
}

/** Rows of every tensor, with symbolic dimensions besides the batch at one size. */
export interface RowRange {
  readonly first: number;
  /** 1..capacity */
  readonly count: number;
  readonly symbolicSize: number;
}

/** One model on one device: computes output rows from input rows, in place. */
export interface Backend {
  /** What computes, as it stands in the log and in /v2: `cpu` or `cuda` for ONNX Runtime, `tfjs-wasm`, `oip-grpc`, `simulated`. */
  readonly provider: string;
  /** What would have been preferred and could not be had. */
  readonly refusedProviders: readonly string[];
  /**
   * Runs rows `first` to `first + count`.
   *
   * @param deadlineInMs - how long an answer is of use; a remote server is told.
   * @throws CopresenceError DEVICE_OUT_OF_MEMORY when the device has no room for so many; any other error when the model
   * cannot run on these rows, after which fewer of them may still run.
   * @bound no memory is kept after a range's first use.
   */
  run(range: RowRange, deadlineInMs: number): Promise<void>;
  /** Frees what it holds; of no use afterwards. */
  close(): Promise<void>;
}
