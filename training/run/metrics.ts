/** What is measured of a run: `metrics.json`. */
import type { FoldMean } from '../evaluate/intervals.ts';
import type { EvaluationReport } from '../evaluate/report.ts';
import type { RejectionFigures } from '../evaluate/threshold.ts';
import type { Latency } from '../export/run-onnx.ts';
import type { TrainingConfig } from './config.ts';
import type { RunDescription } from './folder.ts';
import type { PreparedData } from './prepare.ts';

/** The figures of one model on the test part. */
export interface BaselineFigures {
  readonly family: string;
  readonly accuracy: number;
  readonly macroF1: number;
}

export interface RunMetrics {
  readonly test: EvaluationReport;
  /** Where a label stands for none of the others. */
  readonly rejection?: RejectionFigures;
  readonly baselines: readonly BaselineFigures[];
  readonly latency: Latency;
  readonly bytes: number;
  /** The largest difference between the model as trained and its graph, over the probabilities of the test part. */
  readonly parity: number;
  readonly counts: PreparedData['counts'];
  /** Whose samples the test part holds; absent in runs of older programs. */
  readonly testParticipants?: number;
  readonly epochs: number;
}

export interface FoldFigures {
  readonly train: number;
  readonly validation: number;
  readonly test: number;
  /** In the test part. */
  readonly participants: number;
  readonly accuracy: number;
  readonly macroF1: number;
  readonly calibrationError: number;
}

/** What `metrics.json` says of a configuration. */
export interface CrossValidation {
  readonly format: 'copresence.cross-validation.v1';
  readonly name: string;
  readonly config: TrainingConfig;
  readonly lineage: RunDescription['lineage'];
  readonly folds: readonly FoldFigures[];
  readonly accuracy: FoldMean;
  readonly macroF1: FoldMean;
  readonly calibrationError: FoldMean;
  /** Over all samples, each judged by the one model that has not learnt from its participant. */
  readonly pooled: EvaluationReport;
}
