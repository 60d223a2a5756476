/** How good a classifier is: confusion, precision and recall by class, and how far to trust its scores. */
import { CopresenceError } from '../../core/errors.ts';

/** What a class scored; all in [0, 1] but `support`, the number of samples that are of it. */
export interface ClassScore {
  readonly label: string;
  /** Share of the samples called this that are of it; 0 where none was called this. */
  readonly precision: number;
  /** Share of the samples of this that were called it; 0 where there are none. */
  readonly recall: number;
  /** Harmonic mean of precision and recall; 0 where both are. */
  readonly f1: number;
  readonly support: number;
}

export interface ClassificationReport {
  readonly accuracy: number;
  /** Mean F1 of the classes that have samples. */
  readonly macroF1: number;
  readonly classes: readonly ClassScore[];
  /** `confusion[actual][predicted]`, counts. */
  readonly confusion: readonly (readonly number[])[];
}

export interface Predictions {
  readonly labels: readonly string[];
  /** [samples] the true class of each, an index into `labels`. */
  readonly actual: ArrayLike<number>;
  /** [samples] the class that the model gave. */
  readonly predicted: ArrayLike<number>;
}

/**
 * Scores predictions of one class a sample, as scikit-learn's `classification_report` does.
 *
 * @throws CopresenceError SHAPE_MISMATCH when the lengths differ or a class is outside `labels`.
 */
export function classificationReport(predictions: Predictions): ClassificationReport {
  const confusion = confusionMatrix(predictions);
  const classes = predictions.labels.map((label, index) => scoreClass(label, index, confusion));
  const correct = confusion.reduce((sum, row, index) => sum + (row[index] ?? 0), 0);
  const present = classes.filter((score) => score.support > 0);
  return {
    accuracy: ratio(correct, predictions.actual.length),
    macroF1: ratio(present.reduce((sum, score) => sum + score.f1, 0), present.length),
    classes,
    confusion,
  };
}

/** Counts by true class (row) and given class (column). @throws CopresenceError SHAPE_MISMATCH as above. */
export function confusionMatrix({ labels, actual, predicted }: Predictions): number[][] {
  requireSameLength(actual, predicted);
  const counts = labels.map(() => labels.map(() => 0));
  for (let sample = 0; sample < actual.length; sample++) {
    const row = counts[actual[sample] ?? -1];
    const column = predicted[sample] ?? -1;
    const count = row?.[column];
    if (row === undefined || count === undefined) {
      throw new CopresenceError('SHAPE_MISMATCH', `sample ${sample} has a class outside the ${labels.length} labels`);
    }
    row[column] = count + 1;
  }
  return counts;
}

/**
 * The area under the ROC curve: the chance that a positive scores above a negative, ties counted half.
 *
 * @param scores - [samples] higher means more positive.
 * @param positive - [samples] 1 or true for positives.
 * @returns in [0, 1]; NaN where one of the two kinds is missing.
 * @throws CopresenceError SHAPE_MISMATCH when the lengths differ.
 */
export function rocAuc(scores: ArrayLike<number>, positive: ArrayLike<number | boolean>): number {
  requireSameLength(scores, positive);
  const order = Array.from(scores, (_, index) => index).sort((a, b) => (scores[a] ?? 0) - (scores[b] ?? 0));
  let rankSum = 0;
  let positives = 0;
  for (let start = 0, end = 0; start < order.length; start = end) {
    const score = scores[order[start] ?? 0];
    while (end < order.length && scores[order[end] ?? 0] === score) end++;
    const meanRank = (start + 1 + end) / 2;
    for (let at = start; at < end; at++) {
      if (!positive[order[at] ?? 0]) continue;
      positives++;
      rankSum += meanRank;
    }
  }
  const negatives = order.length - positives;
  if (positives === 0 || negatives === 0) return Number.NaN;
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives);
}

/**
 * The average precision: precision at each positive found, in falling order of score, weighted by the recall that
 * it adds. Samples of equal score count as found together.
 *
 * @returns in [0, 1]; NaN where there is no positive.
 * @throws CopresenceError SHAPE_MISMATCH when the lengths differ.
 */
export function averagePrecision(scores: ArrayLike<number>, positive: ArrayLike<number | boolean>): number {
  requireSameLength(scores, positive);
  const order = Array.from(scores, (_, index) => index).sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0));
  let found = 0;
  let sum = 0;
  for (let start = 0, end = 0; start < order.length; start = end) {
    const score = scores[order[start] ?? 0];
    const before = found;
    for (; end < order.length && scores[order[end] ?? 0] === score; end++) if (positive[order[end] ?? 0]) found++;
    sum += (found - before) * (found / end);
  }
  return sum / found;
}

/**
 * The expected calibration error: how far confidence and accuracy differ, over bins of equal width weighted by
 * their samples (Guo et al. 2017, "On Calibration of Modern Neural Networks", equation 3).
 *
 * @param confidences - [samples] the score of the class that was given, in [0, 1].
 * @param correct - [samples] 1 or true where that class was right.
 * @returns in [0, 1]; 0 for no samples.
 * @throws CopresenceError SHAPE_MISMATCH when the lengths differ.
 */
export function expectedCalibrationError(
  confidences: ArrayLike<number>,
  correct: ArrayLike<number | boolean>,
  binCount = 15,
): number {
  requireSameLength(confidences, correct);
  const gaps = new Array<number>(binCount).fill(0);
  for (let sample = 0; sample < confidences.length; sample++) {
    const confidence = confidences[sample] ?? 0;
    // Bins are open below and closed above, as in the paper.
    const bin = Math.min(binCount - 1, Math.max(0, Math.ceil(confidence * binCount) - 1));
    gaps[bin] = (gaps[bin] ?? 0) + (correct[sample] ? 1 : 0) - confidence;
  }
  return ratio(gaps.reduce((sum, gap) => sum + Math.abs(gap), 0), confidences.length);
}

function scoreClass(label: string, index: number, confusion: readonly (readonly number[])[]): ClassScore {
  const hits = confusion[index]?.[index] ?? 0;
  const support = (confusion[index] ?? []).reduce((sum, count) => sum + count, 0);
  const called = confusion.reduce((sum, row) => sum + (row[index] ?? 0), 0);
  const precision = ratio(hits, called);
  const recall = ratio(hits, support);
  return { label, precision, recall, f1: ratio(2 * precision * recall, precision + recall), support };
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

function requireSameLength(a: ArrayLike<unknown>, b: ArrayLike<unknown>): void {
  if (a.length !== b.length) throw new CopresenceError('SHAPE_MISMATCH', `${a.length} values against ${b.length}`);
}
