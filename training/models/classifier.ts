/** What every trained model is: probabilities for rows, and its own part of an ONNX graph. */
import type { GraphBuilder } from '../../registry/onnx/graph-builder.ts';
import { classCounts } from '../dataset/table.ts';
import type { Table } from '../dataset/table.ts';

export interface Classifier {
  readonly classCount: number;
  /**
   * Probabilities, [count, classCount] float32; a row sums to 1.
   *
   * @param features - [count, steps * width]. Read only.
   */
  predict(features: Float32Array, count: number): Float32Array;
  /**
   * Adds the model to a graph.
   *
   * @param input - the name of a float32 value [N, steps * width].
   * @param outputName - for the result; chosen by the builder when left out.
   * @returns the name of the probabilities, [N, classCount] float32.
   */
  addTo(graph: GraphBuilder, input: string, outputName?: string): string;
}

/** The class with the highest probability, for each row; the first of equals. */
export function bestClasses(probabilities: Float32Array, classCount: number): Int32Array {
  return Int32Array.from({ length: probabilities.length / classCount }, (_, row) => {
    let best = 0;
    for (let column = 1; column < classCount; column++) {
      if (probabilities[row * classCount + column]! > probabilities[row * classCount + best]!) best = column;
    }
    return best;
  });
}

/** Weights by which every class counts the same, 1 on average over the rows; 0 for a class without rows. */
export function balancedWeights(counts: readonly number[]): number[] {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const present = counts.filter((count) => count > 0).length;
  return counts.map((count) => (count === 0 ? 0 : total / (present * count)));
}

/** Gives every row the shares that the classes have in a table: what a model must beat. */
export function majorityClassifier(table: Table): Classifier {
  const shares = classCounts(table).map((count) => count / table.count);
  return {
    classCount: table.classCount,
    predict: (_, count) => Float32Array.from({ length: count * shares.length }, (_value, at) => shares[at % shares.length]!),
    addTo: (graph, input, outputName) => {
      const zero = graph.op('Mul', [graph.op('ReduceMax', [input], { axes: [1], keepdims: 1 }), graph.scalar(0)]);
      return graph.op('Add', [zero, graph.constant('float32', [1, shares.length], Float32Array.from(shares))], {}, outputName);
    },
  };
}
