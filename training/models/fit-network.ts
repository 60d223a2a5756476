/** Trains a network: batches, dropout, a rate that falls, early stopping, and a state after each epoch from which to go on. */
import type * as tfjs from '@tensorflow/tfjs';
import { CopresenceError } from '../../core/errors.ts';
import { seededRandom, shuffle } from '../../core/random.ts';
import type { Random } from '../../core/random.ts';
import type { Tensorflow } from '../../registry/tensorflow.ts';
import { classCounts, oneHot } from '../dataset/table.ts';
import type { Table } from '../dataset/table.ts';
import { adamStep, createAdamState } from './adam.ts';
import type { AdamState } from './adam.ts';
import { balancedWeights, bestClasses } from './classifier.ts';
import { softTargetLoss, soften } from './distil.ts';
import type { Teaching } from './distil.ts';
import { applyLayer } from './layers.ts';
import { networkClassifier, toInput } from './network.ts';
import type { Network } from './network.ts';

export interface FitOptions {
  readonly seed: number;
  readonly maxEpochs: number;
  /** Epochs without a lower validation loss after which training ends. */
  readonly patience: number;
  readonly batchSize: number;
  readonly learningRate: number;
  /** `cosine` falls to 0 at `maxEpochs`; `step` halves every fifth of them. */
  readonly schedule: 'constant' | 'cosine' | 'step';
  /** Share of hidden units that one pass does not see, 0..1. */
  readonly dropout: number;
  readonly weightDecay: number;
  readonly labelSmoothing: number;
  readonly classWeights: 'balanced' | 'none';
}

export const DEFAULT_FIT: Omit<FitOptions, 'seed'> = {
  maxEpochs: 40, patience: 6, batchSize: 64, learningRate: 2e-3, schedule: 'cosine', dropout: 0.2, weightDecay: 0.01,
  labelSmoothing: 0.02, classWeights: 'balanced',
};

export interface EpochFigures {
  /** From 1. */
  readonly epoch: number;
  /** Mean training loss of the epoch's batches. */
  readonly loss: number;
  /** Mean cross-entropy on the validation rows. */
  readonly validationLoss: number;
  readonly validationAccuracy: number;
}

/** Everything that training is, between two epochs. Weights and moments are the training's own and change with the next one. */
export interface FitState {
  readonly epoch: number;
  readonly adam: AdamState;
  readonly best: { readonly epoch: number; readonly validationLoss: number; readonly weights: readonly Float32Array[] };
  readonly history: readonly EpochFigures[];
}

export interface FitInput {
  /** Trained in place; holds the best weights at the end. */
  readonly network: Network;
  readonly train: Table;
  readonly validation: Table;
  /** What a teacher says of the training rows; the labels alone when left out. */
  readonly teaching?: Teaching | undefined;
  /** After each step: may change the weights in place, as holding those at 0 that were taken out. */
  readonly constrain?: () => void;
  /** From which to go on; the network must hold the weights of that moment. */
  readonly resume?: FitState;
  /** After each epoch; training waits for it, and ends early when it gives `stop`. */
  readonly onEpoch?: (figures: EpochFigures, state: FitState) => Promise<'stop' | undefined | void>;
}

/**
 * Trains until the validation loss has not fallen for `patience` epochs. The same seed gives the same weights on one
 * backend, cut off and resumed or not: the chance of each epoch depends on the seed and its number alone.
 *
 * @throws CopresenceError TRAINING_FAILED when the loss is no number any more.
 */
export async function fitNetwork(tf: Tensorflow, input: FitInput, options: FitOptions): Promise<FitState> {
  const { network, train, validation } = input;
  const weights = network.layers.flatMap((layer) => layer.weights);
  const copy = (): Float32Array[] => weights.map(({ values }) => values.slice());
  const targets = smooth(oneHot(train), train.classCount, options.labelSmoothing);
  const rowWeights = rowWeightsOf(train, options);
  const soft = input.teaching && soften(input.teaching.probabilities, train.classCount, input.teaching.temperature);
  const adam = input.resume?.adam ?? createAdamState(weights);
  let best = input.resume?.best ?? { epoch: 0, validationLoss: Number.POSITIVE_INFINITY, weights: copy() };
  const history = [...(input.resume?.history ?? [])];
  for (let epoch = (input.resume?.epoch ?? 0) + 1; epoch <= options.maxEpochs && epoch - best.epoch <= options.patience; epoch++) {
    const random = seededRandom((Math.imul(options.seed, 0x9e3779b1) + epoch) >>> 0);
    const loss = runEpoch(tf, { input, targets, soft, rowWeights, adam, random, rate: rateAt(epoch, options) }, options);
    const figures = { epoch, loss, ...validate(tf, network, validation) };
    if (!Number.isFinite(loss) || !Number.isFinite(figures.validationLoss)) {
      throw new CopresenceError('TRAINING_FAILED', `the loss of epoch ${epoch} is ${loss}: try a learning rate below ${options.learningRate}`);
    }
    if (figures.validationLoss < best.validationLoss) best = { epoch, validationLoss: figures.validationLoss, weights: copy() };
    history.push(figures);
    const told = await input.onEpoch?.(figures, { epoch, adam, best, history });
    if (told === 'stop') break;
  }
  weights.forEach(({ values }, index) => values.set(best.weights[index]!));
  return { epoch: history.length, adam, best, history };
}

/** The learning rate of an epoch from 1. */
export function rateAt(epoch: number, { learningRate, schedule, maxEpochs }: Pick<FitOptions, 'learningRate' | 'schedule' | 'maxEpochs'>): number {
  const done = (epoch - 1) / maxEpochs;
  if (schedule === 'cosine') return (learningRate * (1 + Math.cos(Math.PI * done))) / 2;
  return schedule === 'step' ? learningRate * 0.5 ** Math.floor(done * 5) : learningRate;
}

interface EpochRun {
  readonly input: FitInput;
  readonly targets: Float32Array;
  /** [rows, classes] the teacher's softened probabilities. */
  readonly soft: Float32Array | undefined;
  readonly rowWeights: Float32Array;
  readonly adam: AdamState;
  readonly random: Random;
  readonly rate: number;
}

/** One pass over the rows in a new order; returns the mean loss. */
function runEpoch(tf: Tensorflow, run: EpochRun, options: FitOptions): number {
  const { network, train } = run.input;
  const weights = network.layers.flatMap((layer) => layer.weights);
  const order = shuffle(run.random, Array.from({ length: train.count }, (_, row) => row));
  let lossSum = 0;
  for (let start = 0; start < order.length; start += options.batchSize) {
    const rows = order.slice(start, start + options.batchSize);
    const { loss, gradients } = batchGradients(tf, run, rows, options);
    lossSum += loss * rows.length;
    adamStep(weights, gradients, run.adam, { rate: run.rate, weightDecay: options.weightDecay });
    run.input.constrain?.();
  }
  return lossSum / order.length;
}

function batchGradients(tf: Tensorflow, run: EpochRun, rows: readonly number[], options: FitOptions): { loss: number; gradients: Float32Array[] } {
  const { network, train } = run.input;
  const size = train.width * train.steps;
  const features = new Float32Array(rows.length * size);
  rows.forEach((row, at) => features.set(train.features.subarray(row * size, (row + 1) * size), at * size));
  let result: { loss: number; gradients: Float32Array[] } = { loss: Number.NaN, gradients: [] };
  // What a tidy returns is searched for tensors, number by number.
  tf.tidy(() => {
    const inputs = toInput(tf, network, features, rows.length);
    const importance = tf.tensor1d(rows.map((row) => run.rowWeights[row]!));
    const targets = classRows(tf, run.targets, rows, train.classCount);
    const soft = run.soft && classRows(tf, run.soft, rows, train.classCount);
    const lossOf = (...weights: tfjs.Tensor[]): tfjs.Scalar => {
      const logits = forward(tf, network, weights, inputs, { dropout: options.dropout, random: run.random });
      const hard = targets.mul(tf.logSoftmax(logits)).sum(1).neg();
      const each = run.input.teaching && soft ? softTargetLoss(tf, { logits, hard, soft, ...run.input.teaching }) : hard;
      return each.mul(importance).mean().asScalar();
    };
    const own = network.layers.flatMap(({ weights }) => weights.map(({ values, shape }) => tf.tensor(values, [...shape])));
    const { value, grads } = tf.valueAndGrads(lossOf)(own);
    result = { loss: value.dataSync()[0] ?? Number.NaN, gradients: grads.map((gradient) => gradient.dataSync<'float32'>()) };
  });
  return result;
}

function classRows(tf: Tensorflow, values: Float32Array, rows: readonly number[], classCount: number): tfjs.Tensor2D {
  const taken = new Float32Array(rows.length * classCount);
  rows.forEach((row, at) => taken.set(values.subarray(row * classCount, (row + 1) * classCount), at * classCount));
  return tf.tensor2d(taken, [rows.length, classCount]);
}

/** Logits. The masks come from `random`: TensorFlow.js' own seeded dropout draws the same one at every step. */
function forward(
  tf: Tensorflow, network: Network, weights: readonly tfjs.Tensor[], inputs: tfjs.Tensor, { dropout, random }: { dropout: number; random: Random },
): tfjs.Tensor2D {
  let value = inputs;
  let used = 0;
  network.layers.forEach(({ spec, weights: own }, index) => {
    value = applyLayer(tf, spec, weights.slice(used, used + own.length), value);
    used += own.length;
    if (dropout === 0 || index === network.layers.length - 1 || spec.kind === 'mean') return;
    const mask = Float32Array.from({ length: value.size }, () => (random.next() < dropout ? 0 : 1 / (1 - dropout)));
    value = value.mul(tf.tensor(mask, value.shape));
  });
  return value as tfjs.Tensor2D;
}

function validate(tf: Tensorflow, network: Network, table: Table): { validationLoss: number; validationAccuracy: number } {
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

function rowWeightsOf(train: Table, { classWeights }: FitOptions): Float32Array {
  const weights = classWeights === 'balanced' ? balancedWeights(classCounts(train)) : undefined;
  return Float32Array.from(train.classes, (label) => weights?.[label] ?? 1);
}
