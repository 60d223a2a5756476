/** Metrics, SMOTE and boosting against published values, and values worked out by definition in the Python above each. */
import { describe, expect, it } from 'vitest';
import type { Random } from '../../../core/random.ts';
import { smote } from '../../../training/dataset/balance.ts';
import type { Table } from '../../../training/dataset/table.ts';
import { averagePrecision, classificationReport, expectedCalibrationError, rocAuc } from '../../../training/evaluate/classification.ts';
import { precisionRecallCurve, rocCurve, wilsonInterval } from '../../../training/evaluate/report.ts';
import { fitAdaBoost } from '../../../training/models/tree-ensemble.ts';

/** Chance that says what it was told to say, then 0. */
function scripted(...values: number[]): Random {
  return { next: () => values.shift() ?? 0 };
}

function tableOf(rows: readonly (readonly number[])[], classes: readonly number[]): Table {
  return { features: Float32Array.from(rows.flat()), classes: Int32Array.from(classes), count: rows.length, width: rows[0]?.length ?? 0, steps: 1, classCount: Math.max(...classes) + 1 };
}

// With ties, and neither perfect nor by chance.
const scores = [0.9, 0.8, 0.8, 0.7, 0.6, 0.55, 0.5, 0.4, 0.4, 0.3, 0.2, 0.1];
const positive = [1, 0, 1, 1, 0, 1, 0, 0, 1, 0, 1, 0];

describe('known answers', () => {
  it('F1 of three classes', () => {
    // for c in range(3): tp = sum(a == c == g); f.append(2 * tp / (sum(g == c) + sum(a == c))); print(f, sum(f) / 3)
    const report = classificationReport({ labels: ['a', 'b', 'c'], actual: [0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 2], predicted: [0, 0, 1, 2, 1, 1, 0, 2, 2, 0, 1, 2] });
    [0.5, 0.5714285714285714, 0.6666666666666666].forEach((value, at) => expect(report.classes[at]?.f1).toBeCloseTo(value, 12));
    expect(report.macroF1).toBeCloseTo(0.5793650793650794, 12);
  });

  it('ROC AUC as the share of pairs in the right order, and as the area under the drawn curve', () => {
    // P, N = scores of the positives, of the others
    // sum((p > n) + .5 * (p == n) for p in P for n in N) / len(P) / len(N)
    expect(rocAuc(scores, positive)).toBeCloseTo(0.6666666666666666, 12);
    const points = rocCurve(scores, positive);
    const area = points.slice(1).reduce((sum, [x, y], at) => sum + ((x - points[at]![0]) * (y + points[at]![1])) / 2, 0);
    expect(area).toBeCloseTo(0.6666666666666666, 12);
  });

  it('average precision as the sum over thresholds, and from the drawn curve', () => {
    // for t in sorted(set(s), reverse=True): tp, n = positives and all with s >= t; ap += (tp / P - last) * tp / n; last = tp / P
    expect(averagePrecision(scores, positive)).toBeCloseTo(0.6973905723905724, 12);
    const points = precisionRecallCurve(scores, positive);
    const sum = points.reduce((total, [recall, precision], at) => total + (recall - (points[at - 1]?.[0] ?? 0)) * precision, 0);
    expect(sum).toBeCloseTo(0.6973905723905724, 12);
  });

  it('expected calibration error of ten bins', () => {
    // for m in range(10): B = [i for i, c in enumerate(conf) if m / 10 < c <= (m + 1) / 10]
    //     e += len(B) / 10 * abs(mean(ok[i] for i in B) - mean(conf[i] for i in B))
    const confidences = [0.95, 0.92, 0.85, 0.83, 0.81, 0.72, 0.66, 0.64, 0.55, 0.51];
    expect(expectedCalibrationError(confidences, [1, 1, 1, 0, 1, 1, 0, 1, 0, 1], 10)).toBeCloseTo(0.126, 12);
  });

  it('score intervals of Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, method 3', () => {
    const published: readonly (readonly [number, number, number, number])[] = [[81, 263, 0.2553, 0.3662], [15, 148, 0.0624, 0.1605], [0, 20, 0, 0.1611], [1, 29, 0.0061, 0.1718]];
    for (const [hits, count, low, high] of published) expect(wilsonInterval(hits, count).map((bound) => Number(bound.toFixed(4)))).toEqual([low, high]);
  });

  it('SMOTE\'s own example: between (6, 4) and its nearest, (4, 3) (Chawla et al. 2002, figure 3)', () => {
    const table = tableOf([[6, 4], [4, 3], [9, 9], [9, 8], [8, 9], [8, 8]], [0, 0, 1, 1, 1, 1]);
    // Of each new row: which neighbour, then how far. (6, 4) + rand * (-2, -1), then back from (4, 3).
    const { features, classes } = smote(table, scripted(0, 0.25, 0, 0.75), 1);
    expect([...features.subarray(12)]).toEqual([5.5, 3.75, 5.5, 3.75]);
    expect([...classes]).toEqual([0, 0, 1, 1, 1, 1, 0, 0]);
  });

  it('SMOTE takes each row of the small class in turn, and one of its k nearest of that class alone', () => {
    // A row of the large class lies nearer to (0, 0) than any of its own.
    const table = tableOf([[0, 0], [4, 0], [0, 8], [0.5, 0], [20, 20], [21, 20], [20, 21], [21, 21]], [0, 0, 0, 1, 1, 1, 1, 1]);
    const { features } = smote(table, scripted(0.9, 0.5, 0.9, 0.5), 2);
    expect([...features.subarray(16)]).toEqual([0, 4, 2, 4]);
  });

  it('SAMME weighs a stump with one of four rows of three classes wrong by log(3) + log(2) (Zhu et al. 2009, algorithm 2)', () => {
    const { rounds } = fitAdaBoost(tableOf([[1], [2], [3], [4]], [0, 0, 1, 2]), { seed: 1, rounds: 1, maxDepth: 1 });
    expect(rounds[0]?.error).toBeCloseTo(0.25, 12);
    expect(rounds[0]?.alpha).toBeCloseTo(1.791759469228055, 12);
  });
});
