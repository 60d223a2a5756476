/** What is compared: each predictor as `tune.ts` sets it, the SDK's among them. */
import { ARM_PREDICTION, HEAD_PREDICTION, MEASURED_M, MEASURED_RAD, type Prediction } from '../../client/prediction/defaults.ts';
import { DoubleExponentialMotion } from './double-exponential.ts';
import { KalmanMotion, type KalmanModel } from '../../client/prediction/kalman.ts';
import { LineMotion } from './line.ts';
import { createMotion, type Motion, type MotionEstimator } from '../../client/prediction/motion.ts';

/** A predictor under test. */
export interface Candidate {
  readonly estimator: () => MotionEstimator;
  /** How what the estimator has seen goes on; its motion, fading, when left out. Writes 7 floats from `at` of `into`. */
  readonly goOn?: (estimator: MotionEstimator, aheadMs: number, into: Float32Array, at: number) => void;
  readonly moveFadeMs: number;
  readonly turnFadeMs: number;
}

/** Parts of the body that are tuned and measured apart. */
export type BodyPart = 'head' | 'controllers';

export const STANDING_STILL = 'hold';
/** What the SDK does. */
export const CHOSEN = 'Kalman, velocity';

/** By name. */
export function candidatesOf(part: BodyPart): Readonly<Record<string, Candidate>> {
  const head = part === 'head';
  return {
    [STANDING_STILL]: { estimator: () => new NoMotion(), moveFadeMs: Infinity, turnFadeMs: Infinity },
    'line': { estimator: () => new LineMotion({ moveWindowMs: 45, turnWindowMs: 30 }), moveFadeMs: head ? Infinity : 800, turnFadeMs: head ? 800 : 400 },
    'double exponential': { estimator: () => new DoubleExponentialMotion({ moveMemoryMs: 8, turnMemoryMs: 4 }), moveFadeMs: head ? Infinity : 800, turnFadeMs: head ? 800 : 400 },
    [CHOSEN]: candidateOf(head ? HEAD_PREDICTION : ARM_PREDICTION),
    'Kalman, acceleration': candidateOf({ kalman: kalman(3, { move: head ? 1.5 : 2, turn: head ? 3 : 2 }), moveFadeMs: head ? 500 : 300, turnFadeMs: head ? 200 : 90 }),
  };
}

/** @param disturbances - decimal logarithms. */
export function kalman(states: KalmanModel['states'], disturbances: { readonly move: number; readonly turn: number }): Prediction['kalman'] {
  return {
    move: { states, disturbance: 10 ** disturbances.move, measured: MEASURED_M },
    turn: { states, disturbance: 10 ** disturbances.turn, measured: MEASURED_RAD },
  };
}

function candidateOf({ kalman: options, moveFadeMs, turnFadeMs }: Prediction): Candidate {
  return { estimator: () => new KalmanMotion(options), moveFadeMs, turnFadeMs };
}

/** Stands still. */
class NoMotion implements MotionEstimator {
  readonly motion: Motion = createMotion();
  observe(): void {}
  reset(): void {}
}
