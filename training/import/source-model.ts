/** A foreign model, opened: its graph as ONNX, and the runtime that it was made for, to compare with. */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { CopresenceError } from '../../core/errors.ts';
import type { CheckedGraph } from './onnx-graph.ts';

export interface SourceModel {
  /** Not checked yet. */
  readonly graph: Uint8Array;
  /** What is left of it after the check, where that was made already. */
  readonly checked?: CheckedGraph;
  /** As they lie beside the model, if they do. */
  readonly labels: readonly string[] | undefined;
  /** Its name and version. */
  readonly runtime: string;
  /**
   * The source's own answer.
   *
   * @param rows - of `shape`, the batch first. Read only.
   */
  run(rows: SourceRows, shape: readonly number[]): Promise<Float32Array>;
  close(): Promise<void>;
}

export type SourceRows = Float32Array | Int32Array | Uint8Array;

/** One thread of ONNX Runtime's CPU provider. @throws CopresenceError MODEL_INVALID when it does not take the graph. */
export async function openSession(graph: Uint8Array | string): Promise<InferenceSession> {
  const options = { intraOpNumThreads: 1, logSeverityLevel: 4 } as const;
  const opened = typeof graph === 'string' ? InferenceSession.create(graph, options) : InferenceSession.create(graph, options);
  return opened.catch((cause: unknown) => {
    throw new CopresenceError('MODEL_INVALID', `ONNX Runtime does not take the graph: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  });
}

/** @throws CopresenceError MODEL_INVALID when the graph fails on these rows. */
export async function runSession(session: InferenceSession, names: { readonly input: string; readonly output: string }, rows: SourceRows, shape: readonly number[]): Promise<Tensor> {
  const type = rows instanceof Float32Array ? 'float32' : rows instanceof Int32Array ? 'int32' : 'uint8';
  try {
    const outputs = await session.run({ [names.input]: new Tensor(type, rows as Float32Array, [...shape]) }, [names.output]);
    return outputs[names.output]!;
  } catch (cause) {
    throw new CopresenceError('MODEL_INVALID', `the graph fails on a batch of ${shape[0]}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}
