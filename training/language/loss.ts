/** Probabilities, and the cross-entropy of one head with its gradient. */
import type { Head } from './heads.ts';

/** The part of a head that this needs. */
type Columns = Pick<Head, 'kind' | 'classes' | 'offset'>;

/** Writes the head's probabilities over its columns of `logits` into `probabilities` (same columns). */
export function probabilitiesOf(head: Columns, logits: Float32Array, probabilities: Float32Array): void {
  const end = head.offset + head.classes.length;
  if (head.kind === 'sigmoid') {
    for (let column = head.offset; column < end; column++) probabilities[column] = 1 / (1 + Math.exp(-logits[column]!));
    return;
  }
  let largest = -Infinity;
  for (let column = head.offset; column < end; column++) largest = Math.max(largest, logits[column]!);
  let sum = 0;
  for (let column = head.offset; column < end; column++) {
    const power = Math.exp(logits[column]! - largest);
    probabilities[column] = power;
    sum += power;
  }
  for (let column = head.offset; column < end; column++) probabilities[column]! /= sum;
}

export interface LossInput {
  readonly head: Columns;
  readonly logits: Float32Array;
  /** Classes that hold. */
  readonly classes: readonly number[];
  /** Factor on loss and gradient. */
  readonly weight: number;
  /** The head's columns are overwritten. */
  readonly gradients: Float32Array;
}

/**
 * The weighted cross-entropy in nats, and its gradient with respect to the logits.
 *
 * A softmax head's target is even over `classes`; a sigmoid head's loss is the sum over its columns.
 */
export function crossEntropy(input: LossInput): number {
  const { head, logits, classes, weight, gradients } = input;
  probabilitiesOf(head, logits, gradients);
  const share = head.kind === 'softmax' ? 1 / classes.length : 1;
  let loss = 0;
  for (let index = 0; index < head.classes.length; index++) {
    const column = head.offset + index;
    const probability = gradients[column]!;
    const target = classes.includes(index) ? share : 0;
    if (target > 0) loss -= target * Math.log(Math.max(probability, 1e-12));
    if (target === 0 && head.kind === 'sigmoid') loss -= Math.log(Math.max(1 - probability, 1e-12));
    gradients[column] = (probability - target) * weight;
  }
  return loss * weight;
}
