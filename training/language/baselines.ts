/** What the shared network is held against: the commonest class, and a linear model for each head alone. */
import { shuffle } from '../../core/random.ts';
import type { Random } from '../../core/random.ts';
import type { Head, HeadName } from './heads.ts';
import { crossEntropy, probabilitiesOf } from './loss.ts';
import { pool, poolScale } from './network.ts';
import { SparseAdagrad } from './optimisers.ts';
import { classesOf, idsOf } from './samples.ts';
import type { EncodedSamples, Sample } from './samples.ts';

const LINEAR_EPOCHS = 4;
const LINEAR_RATE = 0.1;

/** Gives every one of `count` samples the share that each class has in the training part. @returns [count, classes] */
export function majorityBaseline(train: EncodedSamples, head: Head, count: number): Float32Array {
  const shares = new Float32Array(head.classes.length);
  for (const sample of train.samples) {
    for (const label of classesOf(sample, head.name) ?? []) shares[label]! += 1 / train.samples.length;
  }
  const rows = new Float32Array(count * shares.length);
  for (let row = 0; row < count; row++) rows.set(shares, row * shares.length);
  return rows;
}

/** A linear model of the same features, trained on one head. */
export class LinearBaseline {
  readonly #head: Head;
  readonly #table: Float32Array;
  readonly #logits: Float32Array;

  constructor(head: Head, buckets: number) {
    this.#head = { ...head, offset: 0 };
    this.#table = new Float32Array(buckets * head.classes.length);
    this.#logits = new Float32Array(head.classes.length);
  }

  /** Trains for a few passes with a rate that falls to zero. */
  train(encoded: EncodedSamples, random: Random): void {
    const optimiser = new SparseAdagrad(this.#table, this.#logits.length);
    const gradients = new Float32Array(this.#logits.length);
    const visits = Array.from({ length: LINEAR_EPOCHS }, () => shuffle(random, encoded.samples.map((_, index) => index))).flat();
    visits.forEach((index, done) => {
      const ids = idsOf(encoded, index);
      pool(this.#table, ids, this.#logits);
      const classes = classesOf(encoded.samples[index] as Sample, this.#head.name as HeadName) ?? [];
      crossEntropy({ head: this.#head, logits: this.#logits, classes, weight: 1, gradients });
      optimiser.apply(ids, gradients, { rate: LINEAR_RATE * (1 - done / visits.length), scale: poolScale(ids.length) });
    });
  }

  /** @returns [samples, classes] row-major; the caller's. */
  predict(encoded: EncodedSamples): Float32Array {
    const width = this.#logits.length;
    const rows = new Float32Array(encoded.samples.length * width);
    for (let index = 0; index < encoded.samples.length; index++) {
      pool(this.#table, idsOf(encoded, index), this.#logits);
      probabilitiesOf(this.#head, this.#logits, rows.subarray(index * width, (index + 1) * width));
    }
    return rows;
  }
}
