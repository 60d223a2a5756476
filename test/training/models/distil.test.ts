/** Learning from a teacher: the gradients of the paper, and a student of soft targets alone. */
import { beforeAll, describe, expect, it } from 'vitest';
import type * as tfjs from '@tensorflow/tfjs';
import { randomNormal, seededRandom } from '../../../core/random.ts';
import { findTensorflow } from '../../../registry/tensorflow.ts';
import type { Tensorflow } from '../../../registry/tensorflow.ts';
import type { Table } from '../../../training/dataset/table.ts';
import { bestClasses } from '../../../training/models/classifier.ts';
import { softTargetLoss, soften } from '../../../training/models/distil.ts';
import { DEFAULT_FIT, fitNetwork } from '../../../training/models/fit-network.ts';
import { createNetwork, networkClassifier } from '../../../training/models/network.ts';

let tf: Tensorflow;
beforeAll(async () => {
  ({ tf } = await findTensorflow());
});

const softmax = (logits: readonly number[], temperature: number): number[] => {
  const powers = logits.map((logit) => Math.exp(logit / temperature));
  return powers.map((power) => power / powers.reduce((sum, own) => sum + own, 0));
};

/** Of the loss of one row by the student's logits. */
function gradientOf(student: readonly number[], teacher: readonly number[], temperature: number, weight: number): number[] {
  const soft = tf.tensor2d(soften(Float32Array.from(softmax(teacher, 1)), teacher.length, temperature), [1, teacher.length]);
  const loss = (logits: tfjs.Tensor): tfjs.Tensor => {
    const hard = tf.logSoftmax(logits).slice([0, 0], [1, 1]).neg().reshape([1]);
    return softTargetLoss(tf, { logits: logits as tfjs.Tensor2D, hard, soft, temperature, weight });
  };
  return Array.from(tf.grad(loss)(tf.tensor2d([...student], [1, student.length])).dataSync());
}

describe('soft targets', () => {
  it('of probabilities are the softmax of the logits over the temperature', () => {
    // python3: e = [math.exp(v / 2) for v in (1, 2, 3)]; [x / sum(e) for x in e]
    const softened = soften(Float32Array.from([...softmax([1, 2, 3], 1), 1, 0, 0]), 3, 2);
    for (const [at, value] of [0.1863237232258476, 0.3071958853, 0.5064803911, 1, 0, 0].entries()) expect(softened[at]).toBeCloseTo(value, 6);
  });

  it('have T times the difference of the two softmaxes as their gradient (equation 2, times T squared)', () => {
    const [student, teacher, temperature] = [[2, -1, 0.5], [1, 3, -2], 4];
    const [own, taught] = [softmax(student, temperature), softmax(teacher, temperature)];
    gradientOf(student, teacher, temperature, 1).forEach((value, at) => expect(value).toBeCloseTo(temperature * (own[at]! - taught[at]!), 4));
  });

  it('at a high temperature pull logits together in proportion to their distance (equation 4)', () => {
    // Both have a mean of 0; the gradient is (student - teacher) / classes.
    const [student, teacher] = [[2, -1, -1], [1, 1.5, -2.5]];
    gradientOf(student, teacher, 100, 1).forEach((value, at) => expect(value).toBeCloseTo((student[at]! - teacher[at]!) / 3, 1));
  });

  it('leave the labels the rest of the loss, which at weight 0 is all of it', () => {
    const student = [2, -1, 0.5];
    gradientOf(student, [1, 3, -2], 4, 0).forEach((value, at) => expect(value).toBeCloseTo(softmax(student, 1)[at]! - (at === 0 ? 1 : 0), 5));
  });
});

describe('a student', () => {
  it('that hears the teacher alone learns what the labels never said', async () => {
    const random = seededRandom(1);
    const count = 200;
    const features = Float32Array.from({ length: count }, (_, row) => randomNormal(random) + (row % 2) * 6 - 3);
    // Every label says class 0; the teacher knows better.
    const train: Table = { features, classes: new Int32Array(count), count, width: 1, steps: 1, classCount: 2 };
    const probabilities = Float32Array.from({ length: count * 2 }, (_, at) => ((at % 2 === 1) === (features[Math.floor(at / 2)]! > 0) ? 0.95 : 0.05));
    const network = createNetwork({ family: 'linear', hidden: [] }, train, 1);
    const teaching = { probabilities, temperature: 2, weight: 1 };
    await fitNetwork(tf, { network, train, validation: train, teaching }, { ...DEFAULT_FIT, seed: 1, maxEpochs: 12, patience: 12, batchSize: 20, learningRate: 0.05, classWeights: 'none', schedule: 'constant' });
    // The validation loss, by the wrong labels, keeps the least taught epoch; all of them are taught.
    const given = bestClasses(networkClassifier(tf, network).predict(features, count), 2);
    const taught = given.filter((label, row) => label === (features[row]! > 0 ? 1 : 0)).length;
    expect(taught / count).toBeGreaterThan(0.8);
  });
});
