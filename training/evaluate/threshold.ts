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
 * The lowest threshold whose accuracy is within a standard error of the best (the rule of Breiman, Friedman, Olshen and Stone 1984, section
 * 3.4.3): a model that has learnt what shows nothing says so itself, and a threshold above that only takes away.
 *
 * Accuracy is the mean over the groups: a group with many rows that show nothing pulls the threshold up, one that always shows
 * something pulls it down, whichever has more rows.
 *
 * @param rows - of the validation part; at least one.
 * @param rejection - the class that a lower score counts as.
 */
export function chooseThreshold(rows: EvaluatedRows, rejection: number): number {
  const tried = CANDIDATES.map((threshold) => ({ threshold, ...meanAccuracy(rows, decide(rows, rejection, threshold)) }));
  const best = tried.reduce((one, other) => (other.accuracy > one.accuracy ? other : one));
  return tried.find(({ accuracy }) => accuracy >= best.accuracy - best.error)?.threshold ?? best.threshold;
}

/** Over the groups, with its standard error. */
function meanAccuracy({ groups, classes }: EvaluatedRows, decided: Int32Array): { accuracy: number; error: number } {
  const counts = new Map<string | undefined, { right: number; all: number }>();
  decided.forEach((own, row) => {
    const count = counts.get(groups[row]) ?? { right: 0, all: 0 };
    counts.set(groups[row], { right: count.right + (own === classes[row] ? 1 : 0), all: count.all + 1 });
  });
  const shares = [...counts.values()].map(({ right, all }) => ({ share: right / all, variance: ((right / all) * (1 - right / all)) / all }));
  const mean = (of: (own: { share: number; variance: number }) => number): number => shares.reduce((sum, own) => sum + of(own), 0) / shares.length;
  return { accuracy: mean(({ share }) => share), error: Math.sqrt(mean(({ variance }) => variance) / shares.length) };
}

/** The test part with a threshold. */
export function rejectionFigures(rows: EvaluatedRows, rejection: number, threshold: number): RejectionFigures {
  const { accuracy, macroF1 } = classificationReport({ labels: rows.labels, actual: rows.classes, predicted: decide(rows, rejection, threshold) });
  return { label: rows.labels[rejection] ?? '', threshold, accuracy, macroF1 };
}

function decide({ labels, probabilities }: EvaluatedRows, rejection: number, threshold: number): Int32Array {
  return bestClasses(probabilities, labels.length).map((own, row) => (probabilities[row * labels.length + own]! < threshold ? rejection : own));
}
