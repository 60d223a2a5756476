/** Learning from another model's probabilities (Hinton, Vinyals and Dean 2015, "Distilling the Knowledge in a Neural Network"). */
import type * as tfjs from '@tensorflow/tfjs';
import type { Tensorflow } from '../../registry/tensorflow.ts';

export interface Teaching {
  /** [training rows, classes] as the teacher gives them, temperature 1. Read only. */
  readonly probabilities: Float32Array;
  /** Above 1 the classes that the teacher thinks unlikely count for more. */
  readonly temperature: number;
  /** The teacher's share of the loss, 0..1; the labels have the rest. */
  readonly weight: number;
}

/**
 * Probabilities at a temperature: the softmax of the logarithms over `temperature`, which of a softmax are its logits. So a teacher
 * need not have logits; trees and ensembles teach as networks do.
 *
 * @param probabilities - [rows, classCount]. Read only.
 * @returns [rows, classCount]; rows sum to 1.
 */
export function soften(probabilities: Float32Array, classCount: number, temperature: number): Float32Array {
  const softened = probabilities.map((value) => Math.max(0, value) ** (1 / temperature));
  for (let start = 0; start < softened.length; start += classCount) {
    let total = 0;
    for (let at = start; at < start + classCount; at++) total += softened[at]!;
    for (let at = start; at < start + classCount; at++) softened[at] = softened[at]! / total;
  }
  return softened;
}

export interface SoftTargets {
  /** [batch, classes] of the student. */
  readonly logits: tfjs.Tensor2D;
  /** [batch] cross-entropy with the labels. */
  readonly hard: tfjs.Tensor;
  /** [batch, classes] the teacher's, softened by the same temperature. */
  readonly soft: tfjs.Tensor2D;
  readonly temperature: number;
  readonly weight: number;
}

/**
 * The loss of each row: `weight` of the cross-entropy with the soft targets, the rest of `hard`.
 *
 * Gradients of soft targets shrink as 1 / temperature²; the factor temperature² keeps both parts in proportion whatever it is
 * (section 2 there).
 */
export function softTargetLoss(tf: Tensorflow, { logits, hard, soft, temperature, weight }: SoftTargets): tfjs.Tensor {
  const taught = soft.mul(tf.logSoftmax(logits.div(temperature))).sum(1).neg().mul(temperature ** 2);
  return taught.mul(weight).add(hard.mul(1 - weight));
}
