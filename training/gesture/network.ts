/** Trains the gesture network: a small multilayer perceptron with dropout, in TensorFlow.js. */
import type * as tfjs from '@tensorflow/tfjs';
import type { Random } from '../../core/random.ts';
import { seededRandom, shuffle } from '../../core/random.ts';
import { HAND_FEATURE_COUNT } from '../../features/hand.ts';
import { foldStandardisation } from '../export/dense.ts';
import type { DenseLayer } from '../export/dense.ts';
import { startTensorFlow } from './backend.ts';
import { GESTURES } from './gestures.ts';
import type { SampleSet } from './samples.ts';

type TensorFlow = typeof tfjs;

export interface TrainingOptions {
  readonly train: SampleSet;
  /** Training stops when the mean accuracy over these sets has not risen for `patience` epochs. */
  readonly validation: readonly SampleSet[];
  readonly seed: number;
  readonly hidden?: readonly number[];
  readonly maxEpochs?: number;
  readonly patience?: number;
  readonly onEpoch?: (progress: EpochProgress) => void;
}

export interface EpochProgress {
  readonly epoch: number;
  readonly maxEpochs: number;
  /** Mean weighted cross-entropy of the epoch's batches. */
  readonly loss: number;
  /** Mean of the accuracies on the validation sets. */
  readonly accuracy: number;
}

export interface TrainedNetwork {
  /** Takes raw features and gives probabilities. */
  readonly layers: readonly DenseLayer[];
  /** The epoch whose weights were kept. */
  readonly bestEpoch: number;
  /** [count, classes] probabilities as TensorFlow.js computes them, from raw features [count, HAND_FEATURE_COUNT]. */
  predict(features: Float32Array): Float32Array;
}

const BATCH = 128;
const DROPOUT = 0.15;
const LEARNING_RATE = 1e-3;
/** Keeps the network from certainty, so that a threshold on its scores can reject. */
const LABEL_SMOOTHING = 0.05;

/**
 * Trains until the validation stops rising and keeps the best weights; the same seed gives the same network.
 *
 * What is validated and kept is a running mean of the weights over epochs: the last steps of single epochs differ by
 * several points on hands that training did not see, and their mean does not.
 */
export async function trainNetwork(options: TrainingOptions): Promise<TrainedNetwork> {
  const tf = await startTensorFlow();
  const { hidden = [96, 48], maxEpochs = 60, patience = 8 } = options;
  const random = seededRandom(options.seed);
  const scale = findScale(options.train);
  const train = standardise(options.train, scale);
  const validation = options.validation.map((set) => standardise(set, scale));
  const model = buildModel(tf, hidden, options.seed);
  const optimizer = tf.train.adam(LEARNING_RATE);
  let average = copyWeights(model);
  let best = { epoch: 0, accuracy: -1, weights: average };
  for (let epoch = 1; epoch <= maxEpochs && epoch - best.epoch <= patience; epoch++) {
    const loss = runEpoch(tf, { model, optimizer, train, random });
    const current = copyWeights(model);
    average = epoch === 1 ? current : mixWeights(average, current);
    restoreWeights(tf, model, average);
    const accuracy = validation.reduce((sum, set) => sum + accuracyOn(tf, model, set), 0) / validation.length;
    restoreWeights(tf, model, current);
    if (accuracy > best.accuracy) best = { epoch, accuracy, weights: average };
    options.onEpoch?.({ epoch, maxEpochs, loss, accuracy });
    // Lets the terminal draw the progress.
    await tf.nextFrame();
  }
  restoreWeights(tf, model, best.weights);
  optimizer.dispose();
  return {
    layers: toLayers(model, scale),
    bestEpoch: best.epoch,
    predict: (features) => predict(tf, model, standardiseRows(features, scale)),
  };
}

/** Dense layers with rectifiers; the last gives logits, and training adds dropout between them itself. */
function buildModel(tf: TensorFlow, hidden: readonly number[], seed: number): tfjs.Sequential {
  const model = tf.sequential();
  const sizes = [...hidden, GESTURES.length];
  for (const [index, units] of sizes.entries()) {
    const kernelInitializer = tf.initializers.heNormal({ seed: seed + index });
    const activation = index < hidden.length ? 'relu' : 'linear';
    const shape = index === 0 ? { inputShape: [HAND_FEATURE_COUNT] } : {};
    model.add(tf.layers.dense({ units, activation, kernelInitializer, ...shape }));
  }
  return model;
}

interface EpochRun {
  readonly model: tfjs.Sequential;
  readonly optimizer: tfjs.Optimizer;
  readonly train: SampleSet;
  readonly random: Random;
}

/** One pass over the samples in a new order; returns the mean loss. */
function runEpoch(tf: TensorFlow, { model, optimizer, train, random }: EpochRun): number {
  const order = shuffle(random, Array.from({ length: train.count }, (_, index) => index));
  const weights = classWeights(train);
  let lossSum = 0;
  let batches = 0;
  for (let start = 0; start + BATCH <= train.count; start += BATCH) {
    const rows = order.slice(start, start + BATCH);
    lossSum += tf.tidy(() => {
      const loss = optimizer.minimize(() => batchLoss(tf, { model, train, rows, weights, random }), true);
      return loss?.dataSync()[0] ?? Number.NaN;
    });
    batches++;
  }
  return lossSum / batches;
}

interface BatchRun {
  readonly model: tfjs.Sequential;
  readonly train: SampleSet;
  readonly rows: readonly number[];
  readonly weights: Float32Array;
  readonly random: Random;
}

function batchLoss(tf: TensorFlow, { model, train, rows, weights, random }: BatchRun): tfjs.Scalar {
  const features = new Float32Array(rows.length * HAND_FEATURE_COUNT);
  const targets = new Float32Array(rows.length * GESTURES.length);
  const rowWeights = new Float32Array(rows.length);
  for (const [at, row] of rows.entries()) {
    const gesture = train.classes[row] ?? 0;
    features.set(train.features.subarray(row * HAND_FEATURE_COUNT, (row + 1) * HAND_FEATURE_COUNT), at * HAND_FEATURE_COUNT);
    targets[at * GESTURES.length + gesture] = 1;
    rowWeights[at] = weights[gesture] ?? 0;
  }
  const logits = forwardWithDropout(tf, model, tf.tensor2d(features, [rows.length, HAND_FEATURE_COUNT]), random);
  const wanted = tf.tensor2d(targets, [rows.length, GESTURES.length]);
  return tf.losses.softmaxCrossEntropy(wanted, logits, tf.tensor1d(rowWeights), LABEL_SMOOTHING).asScalar();
}

/** TensorFlow.js' seeded dropout layer draws the same mask at every step, so the masks come from `random`. */
function forwardWithDropout(tf: TensorFlow, model: tfjs.Sequential, input: tfjs.Tensor2D, random: Random): tfjs.Tensor2D {
  let value = input;
  for (const [index, layer] of model.layers.entries()) {
    value = layer.apply(value) as tfjs.Tensor2D;
    if (index === model.layers.length - 1) return value;
    const mask = Float32Array.from({ length: value.size }, () => (random.next() < DROPOUT ? 0 : 1 / (1 - DROPOUT)));
    value = value.mul(tf.tensor2d(mask, value.shape));
  }
  return value;
}

/** Weights that make every class count the same in the loss, 1 on average over the samples. */
function classWeights({ classes, count }: SampleSet): Float32Array {
  const counts = new Float32Array(GESTURES.length);
  for (const gesture of classes) counts[gesture] = (counts[gesture] ?? 0) + 1;
  const present = counts.filter((own) => own > 0).length;
  return counts.map((own) => (own === 0 ? 0 : count / (present * own)));
}

function accuracyOn(tf: TensorFlow, model: tfjs.Sequential, set: SampleSet): number {
  const probabilities = predict(tf, model, set.features);
  let correct = 0;
  for (let row = 0; row < set.count; row++) {
    const own = probabilities.subarray(row * GESTURES.length, (row + 1) * GESTURES.length);
    if (own.indexOf(Math.max(...own)) === set.classes[row]) correct++;
  }
  return correct / set.count;
}

function predict(tf: TensorFlow, model: tfjs.Sequential, features: Float32Array): Float32Array {
  const count = features.length / HAND_FEATURE_COUNT;
  return tf.tidy(() => {
    const logits = model.predict(tf.tensor2d(features, [count, HAND_FEATURE_COUNT])) as tfjs.Tensor2D;
    return tf.softmax(logits).dataSync<'float32'>();
  });
}

interface Scale {
  /** [HAND_FEATURE_COUNT] */
  readonly mean: Float32Array;
  /** [HAND_FEATURE_COUNT], at least `SMALLEST_DEVIATION`. */
  readonly deviation: Float32Array;
}

/** Features that hardly vary in training keep their own scale instead of being blown up. */
const SMALLEST_DEVIATION = 0.02;

function findScale({ features, count }: SampleSet): Scale {
  const sums = new Float64Array(HAND_FEATURE_COUNT);
  const squares = new Float64Array(HAND_FEATURE_COUNT);
  for (let at = 0; at < features.length; at++) {
    const column = at % HAND_FEATURE_COUNT;
    const value = features[at]!;
    sums[column] = sums[column]! + value;
    squares[column] = squares[column]! + value * value;
  }
  const mean = Float32Array.from(sums, (sum) => sum / count);
  const deviation = Float32Array.from(squares, (square, column) =>
    Math.max(SMALLEST_DEVIATION, Math.sqrt(Math.max(0, square / count - mean[column]! ** 2))),
  );
  return { mean, deviation };
}

function standardise(set: SampleSet, scale: Scale): SampleSet {
  return { ...set, features: standardiseRows(set.features, scale) };
}

function standardiseRows(features: Float32Array, { mean, deviation }: Scale): Float32Array {
  return features.map((value, at) => {
    const column = at % HAND_FEATURE_COUNT;
    return (value - mean[column]!) / deviation[column]!;
  });
}

function toLayers(model: tfjs.Sequential, { mean, deviation }: Scale): DenseLayer[] {
  return model.layers.map((layer, index) => {
    const [weights, bias] = layer.getWeights();
    const [inputs = 0, outputs = 0] = weights?.shape ?? [];
    const own: DenseLayer = {
      weights: Float32Array.from(weights?.dataSync() ?? []),
      bias: Float32Array.from(bias?.dataSync() ?? []),
      inputs,
      outputs,
      activation: index === model.layers.length - 1 ? 'softmax' : 'relu',
    };
    return index === 0 ? foldStandardisation(own, mean, deviation) : own;
  });
}

interface SavedTensor {
  readonly values: Float32Array;
  readonly shape: number[];
}

function copyWeights(model: tfjs.Sequential): SavedTensor[] {
  return model.getWeights().map((tensor) => ({ values: Float32Array.from(tensor.dataSync()), shape: tensor.shape }));
}

/** How much of the running mean each new epoch replaces. */
const AVERAGE_RATE = 0.25;

function mixWeights(average: readonly SavedTensor[], current: readonly SavedTensor[]): SavedTensor[] {
  return average.map(({ values, shape }, index) => ({
    values: values.map((value, at) => value + AVERAGE_RATE * ((current[index]?.values[at] ?? value) - value)),
    shape,
  }));
}

function restoreWeights(tf: TensorFlow, model: tfjs.Sequential, saved: readonly SavedTensor[]): void {
  tf.tidy(() => model.setWeights(saved.map(({ values, shape }) => tf.tensor(values, shape))));
}
