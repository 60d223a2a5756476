/** What is measured of a run: `metrics.json`. */
import type { EvaluationReport } from '../evaluate/report.ts';
import type { Latency } from '../export/run-onnx.ts';
import type { PreparedData } from './prepare.ts';

/** The figures of one model on the test part. */
export interface BaselineFigures {
  readonly family: string;
  readonly accuracy: number;
  readonly macroF1: number;
}

export interface RunMetrics {
  readonly test: EvaluationReport;
  readonly baselines: readonly BaselineFigures[];
  readonly latency: Latency;
  readonly bytes: number;
  /** The largest difference between the model as trained and its graph, over the probabilities of the test part. */
  readonly parity: number;
  readonly counts: PreparedData['counts'];
  readonly epochs: number;
}
