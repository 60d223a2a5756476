/** Gaussian naive Bayes: every column normally distributed within a class, and independent of the others. */
import type { GraphBuilder } from '../../registry/onnx/graph-builder.ts';
import { classCounts } from '../dataset/table.ts';
import type { Table } from '../dataset/table.ts';
import type { Classifier } from './classifier.ts';

export interface NaiveBayes {
  readonly classCount: number;
  readonly size: number;
  /** [classCount] natural logarithms of the classes' shares. */
  readonly logPriors: readonly number[];
  /** [classCount, size] */
  readonly means: Float64Array;
  /** [classCount, size] with `smoothing` times the largest variance of a column added, as scikit-learn does. */
  readonly variances: Float64Array;
}

/** @param options.unbiased - divides by one row less, as sample variances do. */
export function fitNaiveBayes(table: Table, options: { readonly smoothing?: number; readonly unbiased?: boolean } = {}): NaiveBayes {
  const { smoothing = 1e-3, unbiased = false } = options;
  const { classCount, count, features, classes } = table;
  const size = table.width * table.steps;
  const counts = classCounts(table);
  const means = new Float64Array(classCount * size);
  const variances = new Float64Array(classCount * size);
  const each = (visit: (at: number, value: number, label: number) => void): void => {
    for (let row = 0; row < count; row++) {
      const label = classes[row]!;
      for (let column = 0; column < size; column++) visit(label * size + column, features[row * size + column]!, label);
    }
  };
  each((at, value, label) => (means[at]! += value / counts[label]!));
  each((at, value, label) => (variances[at]! += (value - means[at]!) ** 2 / Math.max(1, counts[label]! - (unbiased ? 1 : 0))));
  const floor = smoothing * largestVariance(table) + 1e-12;
  return { classCount, size, logPriors: counts.map((own) => Math.log(own / count)), means, variances: variances.map((variance) => variance + floor) };
}

function largestVariance({ features, count, width, steps }: Table): number {
  const size = width * steps;
  const sums = new Float64Array(size);
  const squares = new Float64Array(size);
  for (let at = 0; at < features.length; at++) {
    sums[at % size]! += features[at]! / count;
    squares[at % size]! += features[at]! ** 2 / count;
  }
  return Math.max(0, ...squares.map((square, column) => square - sums[column]! ** 2));
}

/** log(prior * likelihood) of each class for a row. @param offset - where the row begins in `features`. */
export function logJoint(model: NaiveBayes, features: Float32Array, offset: number): number[] {
  return model.logPriors.map((prior, label) => {
    let sum = prior;
    for (let column = 0; column < model.size; column++) {
      const variance = model.variances[label * model.size + column]!;
      const distance = features[offset + column]! - model.means[label * model.size + column]!;
      sum -= 0.5 * (Math.log(2 * Math.PI * variance) + (distance * distance) / variance);
    }
    return sum;
  });
}

export function naiveBayesClassifier(model: NaiveBayes): Classifier {
  const { classCount, size } = model;
  return {
    classCount,
    predict(features, count) {
      const result = new Float32Array(count * classCount);
      for (let row = 0; row < count; row++) {
        const logs = logJoint(model, features, row * size);
        const largest = Math.max(...logs);
        const shares = logs.map((value) => Math.exp(value - largest));
        const total = shares.reduce((sum, share) => sum + share, 0);
        result.set(shares.map((share) => share / total), row * classCount);
      }
      return result;
    },
    addTo: (graph, input, outputName) => addNaiveBayes(graph, model, input, outputName),
  };
}

/** The distances are squared one by one: multiplied out, float32 would lose what is left of large terms. */
function addNaiveBayes(graph: GraphBuilder, { classCount, size, logPriors, means, variances }: NaiveBayes, input: string, outputName?: string): string {
  const constants = logPriors.map((prior, label) => {
    const own = variances.subarray(label * size, (label + 1) * size);
    return prior - 0.5 * own.reduce((sum, variance) => sum + Math.log(2 * Math.PI * variance), 0);
  });
  const rows = graph.op('Unsqueeze', [input, graph.ints([1])]);
  const centred = graph.op('Sub', [rows, graph.constant('float32', [1, classCount, size], Float32Array.from(means))]);
  const deviations = graph.constant('float32', [1, classCount, size], Float32Array.from(variances, (variance) => Math.sqrt(2 * variance)));
  const scaled = graph.op('Div', [centred, deviations]);
  const distances = graph.op('ReduceSum', [graph.op('Mul', [scaled, scaled]), graph.ints([2])], { keepdims: 0 });
  // Only differences matter; the largest constant is taken off so that they keep their digits.
  const largest = Math.max(...constants);
  const offsets = graph.constant('float32', [1, classCount], Float32Array.from(constants, (value) => value - largest));
  return graph.op('Softmax', [graph.op('Sub', [offsets, distances])], { axis: -1 }, outputName);
}
