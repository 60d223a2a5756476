/** Runs the graph of a model of movement as the server would. */
import { Tensor } from 'onnxruntime-node';
import type { Clock } from '../../core/clock.ts';
import { MOTION_AXES } from '../../features/motion-window.ts';
import type { Encoding } from '../dataset/table.ts';
import { openGraph } from '../export/run-onnx.ts';
import type { Latency } from '../export/run-onnx.ts';
import { inputSpec } from '../models/export.ts';
import type { MotionRows } from './rows.ts';

/** The graph's output: what is added to the straight line, [N, horizons]. */
export const RESIDUAL_OUTPUT = 'residuals';

export interface OpenPredictor {
  /** [rows, horizons] */
  ask(features: Float32Array, rows: number): Promise<Float32Array>;
  /** For the six axes of one part, the first of `rows`. */
  measureLatency(clock: Clock, rows: MotionRows): Promise<Latency>;
  close(): Promise<void>;
}

/** Rows that one call of the graph takes. */
const ASKED_ROWS = 1536;

/** @throws CopresenceError MODEL_INVALID when the bytes are no graph that runs. */
export async function openPredictor(graph: Uint8Array, { kind, steps, width }: Encoding): Promise<OpenPredictor> {
  const session = await openGraph(graph, inputSpec({ kind, steps, width }).name, RESIDUAL_OUTPUT);
  const size = steps * width;
  const tensorOf = (features: Float32Array, start: number, rows: number): Tensor => new Tensor('float32', features.slice(start * size, (start + rows) * size), [rows, steps, width]);
  return {
    async ask(features, rows) {
      const parts: Float32Array[] = [];
      for (let start = 0; start < rows; start += ASKED_ROWS) parts.push((await session.run(tensorOf(features, start, Math.min(ASKED_ROWS, rows - start)))).slice());
      const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
      parts.reduce((at, part) => (all.set(part, at), at + part.length), 0);
      return all;
    },
    measureLatency: (clock, { features }) => session.measureLatency(clock, [tensorOf(features, 0, MOTION_AXES)]),
    close: () => session.close(),
  };
}
