/**
 * How fast our trainer is beside TensorFlow.js' own `model.fit`, on the same rows and the same network.
 *
 * `npm run bench -- training`. Takers run in turn, round by round, and are compared within a round: what else the machine
 * does meets all of them alike.
 */
import type * as tfjs from '@tensorflow/tfjs';
import type { Clock } from '../core/clock.ts';
import { systemClock } from '../core/clock.ts';
import { randomNormal, seededRandom } from '../core/random.ts';
import { findTensorflow } from '../registry/tensorflow.ts';
import { oneHot } from '../training/dataset/table.ts';
import type { Table } from '../training/dataset/table.ts';
import { bestClasses } from '../training/models/classifier.ts';
import { fitNetwork } from '../training/models/fit-network.ts';
import { createNetwork, networkClassifier } from '../training/models/network.ts';
import { machineInfo, median, parseBenchArguments, printTable, saveReport } from './support.ts';

interface Work {
  readonly name: string;
  readonly rows: number;
  readonly width: number;
  readonly classCount: number;
}

/** A hand's features, and words counted in as many columns as the trainer counts them in. */
const WORKS: readonly Work[] = [
  { name: 'hand', rows: 2048, width: 88, classCount: 12 },
  { name: 'text', rows: 512, width: 2048, classCount: 2 },
];
const HIDDEN = [64, 32];
const BATCH = 64;
const RATE = 2e-3;
const DROPOUT = 0.2;
const EPOCHS = 4;
const ROUNDS = 5;
/** No round begins later. */
const BUDGET_MS = 80_000;

interface Taker {
  readonly name: string;
  /** Trains a new network; returns the share of the validation rows that it then has right. */
  fit(work: Work, train: Table, validation: Table, epochs: number): Promise<number>;
}

interface Row {
  readonly work: string;
  readonly taker: string;
  readonly rounds: number;
  /** Median over the rounds. */
  readonly msPerEpoch: number;
  readonly rowsPerSecond: number;
  /** Median over the rounds of this taker's time in the round over ours. */
  readonly timesOurs: number;
  /** Median over the rounds, each with other first weights: that it is the same work shows in what is learnt. */
  readonly accuracy: number;
}

export async function main(args: string[]): Promise<void> {
  const { json, smoke } = parseBenchArguments(args);
  const clock = systemClock();
  const { tf, provider } = await findTensorflow();
  const own = tf.getBackend();
  const takers = [ourTrainer(tf, own, provider), ...[...new Set([own, 'cpu'])].map((backend) => plainFit(tf, backend))];
  const deadlineMs = clock.nowMs() + BUDGET_MS;
  const rows: Row[] = [];
  for (const [index, work] of WORKS.entries()) {
    const untilMs = deadlineMs - (BUDGET_MS / WORKS.length) * (WORKS.length - 1 - index);
    rows.push(...(await measure(work, takers, clock, smoke ? { rows: 128, rounds: 1, epochs: 1, untilMs } : { rows: work.rows, rounds: ROUNDS, epochs: EPOCHS, untilMs })));
  }
  await tf.setBackend(own);
  printTable(rows.map((row) => ({ ...row, msPerEpoch: row.msPerEpoch.toFixed(0), rowsPerSecond: Math.round(row.rowsPerSecond), timesOurs: row.timesOurs.toFixed(2), accuracy: row.accuracy.toFixed(3) })));
  const report = { bench: 'training', machine: machineInfo(), provider, hidden: HIDDEN, batch: BATCH, epochs: EPOCHS, rows };
  if (json !== undefined) saveReport(json, report);
  if (!smoke) saveReport('bench/results/training.json', report);
}

async function measure(
  work: Work, takers: readonly Taker[], clock: Clock, { rows, rounds, epochs, untilMs }: { rows: number; rounds: number; epochs: number; untilMs: number },
): Promise<Row[]> {
  const [train, validation] = [rowsOf(work, rows, 1), rowsOf(work, Math.ceil(rows / 8), 2)];
  const times = takers.map((): number[] => []);
  const accuracies = takers.map((): number[] => []);
  // One short fit each first: kernels are compiled and weights laid out at the first use.
  const warmUp = rowsOf(work, BATCH, 3);
  for (const taker of takers) await taker.fit(work, warmUp, warmUp, 1);
  for (let round = 0; round < rounds && (round === 0 || clock.nowMs() < untilMs); round++) {
    for (const [index, taker] of takers.entries()) {
      const startedMs = clock.nowMs();
      accuracies[index]!.push(await taker.fit(work, train, validation, epochs));
      times[index]!.push((clock.nowMs() - startedMs) / epochs);
    }
  }
  return takers.map(({ name }, index): Row => ({
    work: work.name, taker: name, rounds: times[index]!.length, msPerEpoch: median(times[index]!), rowsPerSecond: (rows * 1000) / median(times[index]!),
    timesOurs: median(times[index]!.map((time, round) => time / times[0]![round]!)), accuracy: median(accuracies[index]!),
  }));
}

/** Every class has a mean of its own in a quarter of the columns. */
function rowsOf({ width, classCount }: Work, count: number, seed: number): Table {
  const random = seededRandom(seed);
  const classes = Int32Array.from({ length: count }, (_, row) => row % classCount);
  const features = Float32Array.from({ length: count * width }, (_, at) => {
    const [row, column] = [Math.floor(at / width), at % width];
    return randomNormal(random) + (column % 4 === 0 && (column / 4) % classCount === classes[row] ? 2 : 0);
  });
  return { features, classes, count, width, steps: 1, classCount };
}

/** As `copresence model train` fits, without class weights, smoothing and decay, which `model.fit` has not. */
function ourTrainer(tf: typeof tfjs, backend: string, provider: string): Taker {
  let seed = 0;
  return {
    name: `ours (${provider})`,
    async fit(_work, train, validation, epochs) {
      await tf.setBackend(backend);
      const network = createNetwork({ family: 'mlp', hidden: HIDDEN }, train, ++seed);
      await fitNetwork(tf, { network, train, validation }, {
        seed, maxEpochs: epochs, patience: epochs, batchSize: BATCH, learningRate: RATE, schedule: 'constant', dropout: DROPOUT, weightDecay: 0, labelSmoothing: 0, classWeights: 'none',
      });
      return accuracyOf(bestClasses(networkClassifier(tf, network).predict(validation.features, validation.count), validation.classCount), validation);
    },
  };
}

/** What anybody would write with TensorFlow.js alone, but for the first weights, which are drawn as ours are. Its rows are as good as standardised. */
function plainFit(tf: typeof tfjs, backend: string): Taker {
  return {
    name: `model.fit (${backend})`,
    async fit({ width, classCount }, train, validation, epochs) {
      await tf.setBackend(backend);
      const model = tf.sequential();
      HIDDEN.forEach((units, index) => {
        model.add(tf.layers.dense({ units, activation: 'relu', kernelInitializer: 'heNormal', ...(index === 0 ? { inputShape: [width] } : {}) }));
        model.add(tf.layers.dropout({ rate: DROPOUT }));
      });
      model.add(tf.layers.dense({ units: classCount, activation: 'softmax', kernelInitializer: 'leCunNormal' }));
      model.compile({ optimizer: tf.train.adam(RATE), loss: 'categoricalCrossentropy' });
      const tensors = [train, validation].map((table) => [tf.tensor2d(table.features, [table.count, width]), tf.tensor2d(oneHot(table), [table.count, classCount])] as const);
      const [[x, y], [validationX, validationY]] = tensors as [(typeof tensors)[number], (typeof tensors)[number]];
      await model.fit(x, y, { epochs, batchSize: BATCH, shuffle: true, validationData: [validationX, validationY], verbose: 0 });
      const given = tf.tidy(() => (model.predict(validationX) as tfjs.Tensor).dataSync<'float32'>().slice());
      tensors.flat().forEach((tensor) => tensor.dispose());
      model.dispose();
      return accuracyOf(bestClasses(given, classCount), validation);
    },
  };
}

function accuracyOf(given: Int32Array, { classes }: Table): number {
  return given.filter((label, row) => label === classes[row]).length / classes.length;
}
