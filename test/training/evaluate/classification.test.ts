/** Classification metrics against answers published with scikit-learn and worked out by hand. */
import { describe, expect, it } from 'vitest';
import {
  averagePrecision,
  classificationReport,
  confusionMatrix,
  expectedCalibrationError,
  rocAuc,
} from '../../../training/evaluate/classification.ts';

describe('classification metrics', () => {
  it('the confusion matrix is that of scikit-learn\'s documentation', () => {
    const labels = ['a', 'b', 'c'];
    const actual = [2, 0, 2, 2, 0, 1];
    const predicted = [0, 0, 2, 2, 0, 2];
    expect(confusionMatrix({ labels, actual, predicted })).toEqual([[2, 0, 0], [0, 0, 1], [1, 0, 2]]);
  });

  it('the report is that of scikit-learn\'s documentation of classification_report', () => {
    const report = classificationReport({
      labels: ['class 0', 'class 1', 'class 2'],
      actual: [0, 1, 2, 2, 2],
      predicted: [0, 0, 2, 2, 1],
    });
    expect(report.accuracy).toBeCloseTo(0.6, 10);
    expect(report.macroF1).toBeCloseTo(0.49, 2);
    const rounded = report.classes.map((score) => [score.precision, score.recall, score.f1].map((x) => x.toFixed(2)));
    expect(rounded).toEqual([['0.50', '1.00', '0.67'], ['0.00', '0.00', '0.00'], ['1.00', '0.67', '0.80']]);
    expect(report.classes.map((score) => score.support)).toEqual([1, 1, 3]);
  });

  it('a class without samples does not enter the macro F1', () => {
    const report = classificationReport({ labels: ['a', 'b', 'c'], actual: [0, 1], predicted: [0, 1] });
    expect(report.macroF1).toBe(1);
  });

  it('the area under the ROC curve is that of scikit-learn\'s documentation', () => {
    expect(rocAuc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])).toBeCloseTo(0.75, 10);
  });

  it('ties count half and a missing kind gives no area', () => {
    expect(rocAuc([0.5, 0.5, 0.5], [1, 0, 1])).toBe(0.5);
    expect(rocAuc([0.1, 0.2], [1, 1])).toBeNaN();
  });

  it('the average precision is that of scikit-learn\'s documentation', () => {
    expect(averagePrecision([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])).toBeCloseTo(0.8333333, 6);
    expect(averagePrecision([0.5, 0.5], [1, 0])).toBe(0.5);
  });

  it('confidence that matches accuracy has no calibration error, and certainty that is wrong has all of it', () => {
    expect(expectedCalibrationError([0.5, 0.5], [1, 0])).toBe(0);
    expect(expectedCalibrationError([1, 1], [0, 0])).toBe(1);
    expect(expectedCalibrationError([0.9, 0.9, 0.6, 0.6], [1, 1, 1, 0], 10)).toBeCloseTo(0.1, 10);
  });

  it('a class outside the labels or lengths that differ are refused', () => {
    expect(() => confusionMatrix({ labels: ['a'], actual: [0], predicted: [1] })).toThrow('SHAPE_MISMATCH');
    expect(() => rocAuc([0.1], [1, 0])).toThrow('SHAPE_MISMATCH');
  });
});
