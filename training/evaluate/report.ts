/** Everything that is said of a model on rows that it has not learnt. */
import { bestClasses } from '../models/classifier.ts';
import { averagePrecision, classificationReport, expectedCalibrationError, rocAuc } from './classification.ts';
import type { ClassificationReport } from './classification.ts';

export interface EvaluatedRows {
  readonly labels: readonly string[];
  /** [count] */
  readonly classes: ArrayLike<number>;
  /** [count, labels] */
  readonly probabilities: Float32Array;
  /** [count] what each row's results are also reported under; empty for none. */
  readonly groups: readonly (string | undefined)[];
}

/** One class against all others. */
export interface ClassRanking {
  readonly label: string;
  readonly rocAuc: number;
  readonly averagePrecision: number;
}

export interface CalibrationBin {
  /** Mean score of the rows in it, and the share of them that was right. */
  readonly confidence: number;
  readonly accuracy: number;
  readonly count: number;
}

export interface GroupFigures {
  readonly group: string;
  readonly count: number;
  readonly accuracy: number;
  readonly macroF1: number;
}

/** Points of both curves of one class, thinned for drawing. */
export interface ClassCurves {
  readonly label: string;
  readonly roc: readonly (readonly [number, number])[];
  readonly precisionRecall: readonly (readonly [number, number])[];
}

export interface EvaluationReport {
  readonly count: number;
  readonly classification: ClassificationReport;
  /** 95 %, of the accuracy (Wilson 1927). */
  readonly accuracyInterval: readonly [number, number];
  readonly ranking: readonly ClassRanking[];
  readonly calibrationError: number;
  readonly calibration: readonly CalibrationBin[];
  readonly groups: readonly GroupFigures[];
  readonly curves: readonly ClassCurves[];
}

export function evaluateRows(rows: EvaluatedRows): EvaluationReport {
  const { labels, classes, probabilities, groups } = rows;
  const predicted = bestClasses(probabilities, labels.length);
  const classification = classificationReport({ labels, actual: classes, predicted });
  const scores = Array.from(predicted, (own, row) => probabilities[row * labels.length + own]!);
  const correct = scores.map((_, row) => predicted[row] === classes[row]);
  const ranked = labels.map((label, index) => {
    const own = Array.from(predicted, (_, row) => probabilities[row * labels.length + index]!);
    return { label, own, positive: own.map((_, row) => classes[row] === index) };
  });
  return {
    count: predicted.length,
    classification,
    accuracyInterval: wilsonInterval(correct.filter(Boolean).length, predicted.length),
    ranking: ranked.map(({ label, own, positive }) => ({ label, rocAuc: rocAuc(own, positive), averagePrecision: averagePrecision(own, positive) })),
    calibrationError: expectedCalibrationError(scores, correct),
    calibration: calibrationBins(scores, correct),
    groups: groupFigures({ labels, classes, groups }, predicted),
    curves: ranked.map(({ label, own, positive }) => ({
      label, roc: thin(rocCurve(own, positive)), precisionRecall: thin(precisionRecallCurve(own, positive)),
    })),
  };
}

const DRAWN_POINTS = 80;

function thin(points: readonly (readonly [number, number])[]): (readonly [number, number])[] {
  const step = Math.max(1, Math.ceil(points.length / DRAWN_POINTS));
  return points.filter((_, at) => at % step === 0 || at === points.length - 1).map(([x, y]) => [Number(x.toFixed(4)), Number(y.toFixed(4))]);
}

const NORMAL_95 = 1.959964;

/** The score interval of a share (Wilson 1927); [0, 1] for no rows. */
export function wilsonInterval(hits: number, count: number, z = NORMAL_95): readonly [number, number] {
  if (count === 0) return [0, 1];
  const share = hits / count;
  const centre = (share + (z * z) / (2 * count)) / (1 + (z * z) / count);
  const half = (z / (1 + (z * z) / count)) * Math.sqrt((share * (1 - share)) / count + (z * z) / (4 * count * count));
  return [Math.max(0, centre - half), Math.min(1, centre + half)];
}

const BINS = 10;

function calibrationBins(scores: readonly number[], correct: readonly boolean[]): CalibrationBin[] {
  const bins = Array.from({ length: BINS }, () => ({ confidence: 0, accuracy: 0, count: 0 }));
  scores.forEach((score, row) => {
    const bin = bins[Math.min(BINS - 1, Math.floor(score * BINS))];
    if (bin === undefined) return;
    bin.count++;
    bin.confidence += score;
    bin.accuracy += correct[row] ? 1 : 0;
  });
  return bins.filter(({ count }) => count > 0).map(({ confidence, accuracy, count }) => ({ confidence: confidence / count, accuracy: accuracy / count, count }));
}

function groupFigures({ labels, classes, groups }: Omit<EvaluatedRows, 'probabilities'>, predicted: Int32Array): GroupFigures[] {
  const names = [...new Set(groups.filter((group) => group !== undefined))].sort();
  return names.map((group) => {
    const rows = groups.flatMap((own, row) => (own === group ? [row] : []));
    const { accuracy, macroF1 } = classificationReport({ labels, actual: rows.map((row) => classes[row] ?? -1), predicted: rows.map((row) => predicted[row] ?? -1) });
    return { group, count: rows.length, accuracy, macroF1 };
  });
}

/** Points of the ROC curve, [false positive rate, true positive rate], from (0, 0) to (1, 1); equal scores are one point. */
export function rocCurve(scores: ArrayLike<number>, positive: ArrayLike<boolean | number>): [number, number][] {
  return sweep(scores, positive).map(({ hits, alarms, positives, negatives }) => [alarms / negatives, hits / positives]);
}

/** Points of the precision-recall curve, [recall, precision], in falling order of score. */
export function precisionRecallCurve(scores: ArrayLike<number>, positive: ArrayLike<boolean | number>): [number, number][] {
  return sweep(scores, positive).slice(1).map(({ hits, alarms, positives }) => [hits / positives, hits / (hits + alarms)]);
}

interface SweepPoint {
  readonly hits: number;
  readonly alarms: number;
  readonly positives: number;
  readonly negatives: number;
}

function sweep(scores: ArrayLike<number>, positive: ArrayLike<boolean | number>): SweepPoint[] {
  const order = Array.from(scores, (_, row) => row).sort((a, b) => scores[b]! - scores[a]!);
  const positives = order.filter((row) => positive[row]).length;
  const negatives = order.length - positives;
  const points: SweepPoint[] = [{ hits: 0, alarms: 0, positives, negatives }];
  let hits = 0;
  for (let at = 0; at < order.length; at++) {
    if (positive[order[at]!]) hits++;
    if (at + 1 < order.length && scores[order[at + 1]!] === scores[order[at]!]) continue;
    points.push({ hits, alarms: at + 1 - hits, positives, negatives });
  }
  return points;
}
