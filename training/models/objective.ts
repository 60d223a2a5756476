/** What a network is to learn: the loss of its outputs for some rows, and how good it is on rows that it does not learn from. */
import type * as tfjs from '@tensorflow/tfjs';
import type { Tensorflow } from '../../registry/tensorflow.ts';
import { classCounts, oneHot } from '../dataset/table.ts';
import type { Table } from '../dataset/table.ts';
import { balancedWeights, bestClasses } from './classifier.ts';
import { softTargetLoss, soften } from './distil.ts';
import type { Teaching } from './distil.ts';
import { networkClassifier } from './network.ts';
import type { Network } from './network.ts';

/** How good a network is after an epoch; the lower loss is the better. */
export interface Validation {
  readonly validationLoss: number;
  /** Of a classifier. */
  readonly validationAccuracy?: number;
}

export interface Objective {
  /**
   * The mean loss of the network's last layer for some training rows.
   *
   * @param rows - indices. Called in a tidy: what it makes need not be freed.
   */
  forRows(tf: Tensorflow, rows: readonly number[]): (outputs: tfjs.Tensor2D) => tfjs.Scalar;
  validate(tf: Tensorflow, network: Network): Validation;
}

export interface ClassificationRows {
  readonly train: Table;
  readonly validation: Table;
  /** What a teacher says of the training rows; the labels alone when left out. */
  readonly teaching?: Teaching | undefined;
}

export interface ClassificationOptions {
  readonly labelSmoothing: number;
  readonly classWeights: 'balanced' | 'none';
}

/** Cross-entropy with smoothed labels, each class weighted, and with what a teacher says. */
export function classificationObjective({ train, validation, teaching }: ClassificationRows, options: ClassificationOptions): Objective {
  const { classCount } = train;
  const targets = smooth(oneHot(train), classCount, options.labelSmoothing);
  const rowWeights = rowWeightsOf(train, options);
  const softened = teaching && soften(teaching.probabilities, classCount, teaching.temperature);
  return {
    forRows(tf, rows) {
      const importance = tf.tensor1d(rows.map((row) => rowWeights[row]!));
      const wanted = rowsOf(tf, targets, rows, classCount);
      const soft = softened && rowsOf(tf, softened, rows, classCount);
      return (logits) => {
        const hard = wanted.mul(tf.logSoftmax(logits)).sum(1).neg();
        const each = teaching && soft ? softTargetLoss(tf, { logits, hard, soft, ...teaching }) : hard;
        return each.mul(importance).mean().asScalar();
      };
    },
    validate: (tf, network) => validateClasses(tf, network, validation),
  };
}

/** Some rows of a [count, width] array. */
export function rowsOf(tf: Tensorflow, values: Float32Array, rows: readonly number[], width: number): tfjs.Tensor2D {
  const taken = new Float32Array(rows.length * width);
  rows.forEach((row, at) => taken.set(values.subarray(row * width, (row + 1) * width), at * width));
  return tf.tensor2d(taken, [rows.length, width]);
}

function validateClasses(tf: Tensorflow, network: Network, table: Table): Validation {
  const probabilities = networkClassifier(tf, network).predict(table.features, table.count);
  const given = bestClasses(probabilities, table.classCount);
  let loss = 0;
  let correct = 0;
  for (let row = 0; row < table.count; row++) {
    const own = table.classes[row]!;
    loss -= Math.log(Math.max(1e-12, probabilities[row * table.classCount + own]!));
    if (given[row] === own) correct++;
  }
  return { validationLoss: loss / table.count, validationAccuracy: correct / table.count };
}

function smooth(targets: Float32Array, classCount: number, share: number): Float32Array {
  return targets.map((value) => value * (1 - share) + share / classCount);
}

function rowWeightsOf(train: Table, { classWeights }: Pick<ClassificationOptions, 'classWeights'>): Float32Array {
  const weights = classWeights === 'balanced' ? balancedWeights(classCounts(train)) : undefined;
  return Float32Array.from(train.classes, (label) => weights?.[label] ?? 1);
}
