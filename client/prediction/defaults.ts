/**
 * How motions are predicted (decision 19): what erred little on all recordings that it was not tuned on. `bench/prediction/tune.ts` finds the numbers.
 */
import type { KalmanOptions } from './kalman.ts';

export interface Prediction {
  readonly kalman: KalmanOptions;
  /** With which time constant a motion fades of which nothing new is heard. */
  readonly moveFadeMs: number;
  readonly turnFadeMs: number;
}

/** Rounding on the wire and the tracker's noise, together. Only their ratio to the disturbance counts. */
export const MEASURED_M = 0.001;
export const MEASURED_RAD = 0.004;

export const HEAD_PREDICTION: Prediction = {
  kalman: {
    move: { states: 2, disturbance: 1, measured: MEASURED_M },
    turn: { states: 2, disturbance: 10 ** 1.5, measured: MEASURED_RAD },
  },
  moveFadeMs: 800,
  turnFadeMs: 800,
};

/** Controllers; and wrists, which are on the same arms. */
export const ARM_PREDICTION: Prediction = {
  kalman: {
    move: { states: 2, disturbance: 1, measured: MEASURED_M },
    turn: { states: 2, disturbance: 10 ** 2, measured: MEASURED_RAD },
  },
  moveFadeMs: 500,
  turnFadeMs: 300,
};
