/** The score from which a label counts, where one label means that nothing else does. */
import type { EvaluatedRows } from './report.ts';
import { bestClasses } from '../models/classifier.ts';
import { classificationReport } from './classification.ts';

export interface RejectionFigures {
  /** The label that lower scores count as. */
  readonly label: string;
  readonly threshold: number;
  /** On the test part, with the threshold. */
  readonly accuracy: number;
  readonly macroF1: number;
}

/** Scores tried: 0.3 to 0.95. */
const CANDIDATES = Array.from({ length: 14 }, (_, step) => Number((0.3 + step * 0.05).toFixed(2)));

/**
 * The threshold with the best accuracy, as the mean over the groups: a group with many rows that show nothing pulls it up, one
 * that always shows something pulls it down, whichever has more rows. The lowest of equals.
 *
 * @param rows - of the validation part; at least one.
 * @param rejection - the class that a lower score counts as.
 */
export function chooseThreshold(rows: EvaluatedRows, rejection: number): number {
  const groups = [...new Set(rows.groups)];
  const accuracyAt = (threshold: number): number => {
    const decided = decide(rows, rejection, threshold);
    const [right, all] = [new Map<string | undefined, number>(), new Map<string | undefined, number>()];
    decided.forEach((own, row) => {
      const group = rows.groups[row];
      all.set(group, (all.get(group) ?? 0) + 1);
      if (own === rows.classes[row]) right.set(group, (right.get(group) ?? 0) + 1);
    });
    return groups.reduce((sum, group) => sum + (right.get(group) ?? 0) / (all.get(group) ?? 1), 0) / groups.length;
  };
  let best = { threshold: 0, accuracy: -1 };
  for (const threshold of CANDIDATES) {
    const accuracy = accuracyAt(threshold);
    if (accuracy > best.accuracy) best = { threshold, accuracy };
  }
  return best.threshold;
}

/** The test part with a threshold. */
export function rejectionFigures(rows: EvaluatedRows, rejection: number, threshold: number): RejectionFigures {
  const { accuracy, macroF1 } = classificationReport({ labels: rows.labels, actual: rows.classes, predicted: decide(rows, rejection, threshold) });
  return { label: rows.labels[rejection] ?? '', threshold, accuracy, macroF1 };
}

function decide({ labels, probabilities }: EvaluatedRows, rejection: number, threshold: number): Int32Array {
  return bestClasses(probabilities, labels.length).map((own, row) => (probabilities[row * labels.length + own]! < threshold ? rejection : own));
}
