/** Trains a network: batches, dropout, a rate that falls, early stopping, and a state after each epoch from which to go on. */
import type * as tfjs from '@tensorflow/tfjs';
import { CopresenceError } from '../../core/errors.ts';
import { seededRandom, shuffle } from '../../core/random.ts';
import type { Random } from '../../core/random.ts';
import type { Tensorflow } from '../../registry/tensorflow.ts';
import type { Rows } from '../dataset/table.ts';
import { adamStep, createAdamState } from './adam.ts';
import type { AdamState } from './adam.ts';
import { applyLayer } from './layers.ts';
import { toInput } from './network.ts';
import type { Network } from './network.ts';
import { classificationObjective } from './objective.ts';
import type { ClassificationOptions, ClassificationRows, Objective, Validation } from './objective.ts';

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
}

export type ClassifierFitOptions = FitOptions & ClassificationOptions;

export const DEFAULT_FIT: Omit<ClassifierFitOptions, 'seed'> = {
  maxEpochs: 40, patience: 6, batchSize: 64, learningRate: 2e-3, schedule: 'cosine', dropout: 0.2, weightDecay: 0.01,
  labelSmoothing: 0.02, classWeights: 'balanced',
};

export interface EpochFigures extends Validation {
  /** From 1. */
  readonly epoch: number;
  /** Mean training loss of the epoch's batches. */
  readonly loss: number;
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
  readonly train: Rows;
  readonly objective: Objective;
  /** After each step: may change the weights in place, as holding those at 0 that were taken out. */
  readonly constrain?: () => void;
  /** From which to go on; the network must hold the weights of that moment. */
  readonly resume?: FitState;
  /** After each epoch; training waits for it, and ends early when it gives `stop`. */
  readonly onEpoch?: (figures: EpochFigures, state: FitState) => Promise<'stop' | undefined | void>;
}

/** Trains a classifier, as `fitRows`. */
export function fitNetwork(tf: Tensorflow, input: Omit<FitInput, 'objective' | 'train'> & ClassificationRows, options: ClassifierFitOptions): Promise<FitState> {
  return fitRows(tf, { ...input, objective: classificationObjective(input, options) }, options);
}

/**
 * Trains until the validation loss has not fallen for `patience` epochs. The same seed gives the same weights on one
 * backend, cut off and resumed or not: the chance of each epoch depends on the seed and its number alone.
 *
 * @throws CopresenceError TRAINING_FAILED when the loss is no number any more.
 */
export async function fitRows(tf: Tensorflow, input: FitInput, options: FitOptions): Promise<FitState> {
  const { network, objective } = input;
  const weights = network.layers.flatMap((layer) => layer.weights);
  const copy = (): Float32Array[] => weights.map(({ values }) => values.slice());
  const adam = input.resume?.adam ?? createAdamState(weights);
  let best = input.resume?.best ?? { epoch: 0, validationLoss: Number.POSITIVE_INFINITY, weights: copy() };
  const history = [...(input.resume?.history ?? [])];
  for (let epoch = (input.resume?.epoch ?? 0) + 1; epoch <= options.maxEpochs && epoch - best.epoch <= options.patience; epoch++) {
    const random = seededRandom((Math.imul(options.seed, 0x9e3779b1) + epoch) >>> 0);
    const loss = runEpoch(tf, { input, adam, random, rate: rateAt(epoch, options) }, options);
    const figures = { epoch, loss, ...objective.validate(tf, network) };
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
    const loss = run.input.objective.forRows(tf, rows);
    const lossOf = (...weights: tfjs.Tensor[]): tfjs.Scalar => loss(forward(tf, network, weights, inputs, { dropout: options.dropout, random: run.random }));
    const own = network.layers.flatMap(({ weights }) => weights.map(({ values, shape }) => tf.tensor(values, [...shape])));
    const { value, grads } = tf.valueAndGrads(lossOf)(own);
    result = { loss: value.dataSync()[0] ?? Number.NaN, gradients: grads.map((gradient) => gradient.dataSync<'float32'>()) };
  });
  return result;
}

/** What the last layer gives. The masks come from `random`: TensorFlow.js' own seeded dropout draws the same one at every step. */
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
