/** How far a mean over folds can be trusted. */
import { CopresenceError } from '../../core/errors.ts';

/** Of a figure over folds; the interval is of the figure that models of such training parts have on strangers. */
export interface FoldMean {
  readonly mean: number;
  /** Between the folds (n - 1). */
  readonly deviation: number;
  /** 95 % */
  readonly interval: readonly [number, number];
}

/** 97.5 % points of Student's t for 1, 2, … degrees of freedom. */
const STUDENT_975 = [
  12.7062, 4.30265, 3.18245, 2.77645, 2.57058, 2.44691, 2.36462, 2.306, 2.26216, 2.22814, 2.20099, 2.17881, 2.16037, 2.14479, 2.13145, 2.11991, 2.10982, 2.10092, 2.09302,
];
export const MAX_FOLDS = STUDENT_975.length + 1;

/**
 * Mean and 95 % interval by the corrected resampled t (Nadeau and Bengio 2003, "Inference for the Generalization Error", section 3): folds
 * share training rows, so that the plain t interval is too narrow; the variance of the mean is (1/k + test/train) s² and not s²/k.
 *
 * @param values - 0 or more, one a fold; 2 to MAX_FOLDS.
 * @param testOverTrain - rows of the test part by rows of the training part.
 * @param bounds - `most` that a value can be: 1 of shares, Infinity of ratios.
 */
export function correctedInterval(values: readonly number[], testOverTrain: number, { most = 1 }: { readonly most?: number } = {}): FoldMean {
  const student = STUDENT_975[values.length - 2];
  if (student === undefined) throw new CopresenceError('SHAPE_MISMATCH', `${values.length} folds, not 2 to ${MAX_FOLDS}`);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  const half = student * Math.sqrt((1 / values.length + testOverTrain) * variance);
  return { mean, deviation: Math.sqrt(variance), interval: [Math.max(0, mean - half), Math.min(most, mean + half)] };
}

/** How much larger or smaller one figure is than another over the same recordings: a ratio, below 1 where the first is lower. */
export interface PairedRatio {
  /** Geometric mean over the recordings. */
  readonly ratio: number;
  /** 95 %; undefined for one recording. */
  readonly interval: readonly [number, number] | undefined;
  readonly recordings: number;
  /** Of them, where the first figure is lower. */
  readonly lower: number;
}

/**
 * Student's t interval of the mean logarithm of the ratios. Recordings and not moments are counted: the moments of one are much alike.
 *
 * @param pairs - by recording, both above 0; 1 or more.
 */
export function pairedRatio(pairs: readonly (readonly [number, number])[]): PairedRatio {
  const logs = pairs.map(([first, second]) => Math.log(first / second));
  const mean = logs.reduce((sum, value) => sum + value, 0) / logs.length;
  const lower = logs.filter((value) => value < 0).length;
  if (logs.length < 2) return { ratio: Math.exp(mean), interval: undefined, recordings: logs.length, lower };
  const variance = logs.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (logs.length - 1);
  // From 20 degrees of freedom on the point hardly falls any more; the last that is known is on the safe side.
  const half = (STUDENT_975[logs.length - 2] ?? STUDENT_975.at(-1)!) * Math.sqrt(variance / logs.length);
  return { ratio: Math.exp(mean), interval: [Math.exp(mean - half), Math.exp(mean + half)], recordings: logs.length, lower };
}
