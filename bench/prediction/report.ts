/** What the benchmark finds. */
import type { BodyPart } from './candidates.ts';
import type { PlayoutRow } from './playout.ts';

/** Percentiles 50, 95, 99. */
export type Spread = readonly [number, number, number];

export interface ErrorRow {
  readonly recordings: string;
  readonly link: 'steady' | 'shaky';
  readonly part: BodyPart;
  readonly rateHz: number;
  readonly predictor: string;
  readonly predictions: number;
  /** By horizon: millimetres, degrees. */
  readonly moveMm: readonly Spread[];
  readonly turnDegrees: readonly Spread[];
  readonly overshootP95Mm: readonly number[];
  readonly jerkRatio: number;
}

export interface CostRow {
  readonly predictor: string;
  readonly observeNs: number;
  readonly predictNs: number;
}

export interface PredictionReport {
  readonly errors: readonly ErrorRow[];
  readonly playout: readonly PlayoutRow[];
  readonly costs: readonly CostRow[];
}
