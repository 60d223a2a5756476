/** What is measured of a run on tracks: `metrics.json`. */
import type { Part } from '../dataset/dataset.ts';
import type { FoldMean } from '../evaluate/intervals.ts';
import type { Latency } from '../export/run-onnx.ts';
import type { Candidate } from '../optimise/pareto.ts';
import type { TrainingConfig } from '../run/config.ts';
import type { RunDescription } from '../run/folder.ts';
import type { PredictionReport } from './evaluate.ts';

export interface PredictorMetrics {
  readonly format: 'copresence.prediction.v1';
  readonly test: PredictionReport;
  readonly latency: Latency;
  readonly bytes: number;
  /** The largest difference between the network as trained and its graph, metres or radians a second. */
  readonly parity: number;
  /** Tracks by part, and rows that were learnt from. */
  readonly counts: Readonly<Record<Part | 'trained', number>>;
  readonly epochs: number;
}

/** One of the graphs that `optimise` has compared. */
export interface PredictorForm extends Candidate {
  readonly gzipBytes: number;
  /** Over that of the straight line, by part; quality is one over that of the validation part. */
  readonly error: { readonly validation: number; readonly test: number };
}

export interface PredictorForms {
  readonly variants: readonly PredictorForm[];
  readonly front: readonly string[];
  readonly chosen: string;
}

/** One fold: tracks by part, participants of the test part, and the model's error there over others'. */
export interface PredictorFold extends Readonly<Record<Part | 'participants', number>> {
  readonly overLine: number;
  readonly overKalman: number;
}

/** What `metrics.json` says of a configuration. */
export interface PredictorCrossValidation {
  readonly format: 'copresence.prediction-folds.v1';
  readonly name: string;
  readonly config: TrainingConfig;
  readonly lineage: RunDescription['lineage'];
  readonly folds: readonly PredictorFold[];
  readonly overLine: FoldMean;
  readonly overKalman: FoldMean;
  /** Over all tracks, each judged by the one model that has not learnt from its participant. */
  readonly pooled: PredictionReport;
}
