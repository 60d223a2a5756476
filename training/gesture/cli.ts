/** Trains, measures and publishes the gesture model: `npx tsx training/gesture/cli.ts --data <folder> --out <folder>`. */
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { SingleBar } from 'cli-progress';
import { CopresenceError } from '../../core/errors.ts';
import { denseToOnnx } from '../export/dense.ts';
import type { VariantResult } from './card.ts';
import { INPUT_NAME, OUTPUT_NAME, chooseThreshold, openClassifier } from './classifier.ts';
import { loadGestureData } from './data.ts';
import type { GestureData } from './data.ts';
import { evaluate } from './evaluation.ts';
import { trainNetwork } from './network.ts';
import type { TrainedNetwork } from './network.ts';
import { publish } from './publish.ts';
import { SHIPPED, VARIANTS } from './variants.ts';
import type { Variant } from './variants.ts';

interface Arguments {
  readonly data: string;
  readonly out: string;
  readonly seed: number;
  readonly compare: boolean;
}

const USAGE = 'usage: npx tsx training/gesture/cli.ts --data <folder> --out models/gesture-mlp/<version> [--seed 7] [--compare]';

function readArguments(): Arguments {
  const { values } = parseArgs({
    options: {
      data: { type: 'string' },
      out: { type: 'string' },
      seed: { type: 'string', default: '7' },
      compare: { type: 'boolean', default: false },
    },
  });
  const seed = Number(values.seed);
  if (values.data === undefined || values.out === undefined || !Number.isInteger(seed)) {
    throw new CopresenceError('CONFIG_INVALID', USAGE);
  }
  return { data: values.data, out: values.out, seed, compare: values.compare };
}

interface Trained {
  readonly model: Uint8Array;
  readonly result: VariantResult;
}

async function trainVariant(variant: Variant, data: GestureData, seed: number): Promise<Trained> {
  const network = await trainWithProgress(variant, data, seed);
  const model = denseToOnnx({
    name: 'gesture-mlp', inputName: INPUT_NAME, outputName: OUTPUT_NAME, layers: network.layers,
  });
  const classifier = await openClassifier(model);
  const threshold = await chooseThreshold(classifier, variant.validation(data).map(variant.adapt));
  const seen = { ...data, framesTest: variant.adapt(data.framesTest) };
  const evaluation = await evaluate(classifier, { data: seen, threshold, seed });
  await classifier.close();
  const { name, summary } = variant;
  return { model, result: { name, summary, bestEpoch: network.bestEpoch, threshold, evaluation } };
}

async function trainWithProgress(variant: Variant, data: GestureData, seed: number): Promise<TrainedNetwork> {
  const bar = new SingleBar({
    format: `${variant.name} |{bar}| epoch {value}/{total} loss {loss} validation {accuracy}`,
    noTTYOutput: true,
    notTTYSchedule: 10_000,
  });
  bar.start(60, 0, { loss: '-', accuracy: '-' });
  const network = await trainNetwork({
    train: variant.adapt(variant.train(data)),
    validation: variant.validation(data).map(variant.adapt),
    seed,
    maxEpochs: 60,
    onEpoch: ({ epoch, loss, accuracy }) => bar.update(epoch, { loss: loss.toFixed(4), accuracy: accuracy.toFixed(4) }),
  });
  bar.stop();
  return network;
}

function printResult({ name, threshold, evaluation }: VariantResult): void {
  const { captures, tracked, frames, robustness, unseenRejected, emulator } = evaluation;
  console.log(`${name}: threshold ${threshold}`);
  console.log(`  captures ${captures.accuracy.toFixed(4)}, augmented ${tracked.accuracy.toFixed(4)}, frames ${frames.accuracy.toFixed(4)}`);
  console.log(`  noise ${robustness.map(({ noiseMm, accuracy }) => `${noiseMm} mm ${accuracy.toFixed(4)}`).join(', ')}`);
  console.log(`  unseen rejected ${unseenRejected.toFixed(4)}; emulator ${emulator.map(({ name: pose, given }) => `${pose} -> ${given}`).join(', ')}`);
}

async function main(): Promise<void> {
  const options = readArguments();
  const data = loadGestureData(options.data, options.seed);
  const compared: VariantResult[] = [];
  for (const variant of options.compare ? VARIANTS.filter((other) => other !== SHIPPED) : []) {
    const { result } = await trainVariant(variant, data, options.seed);
    printResult(result);
    compared.push(result);
  }
  const { model, result } = await trainVariant(SHIPPED, data, options.seed);
  printResult(result);
  const compare = options.compare ? ' --compare' : '';
  publish({
    model,
    folder: options.out,
    version: basename(options.out),
    command: `npx tsx training/gesture/cli.ts --data <folder> --out ${options.out} --seed ${options.seed}${compare}`,
    seed: options.seed,
    shipped: result,
    compared: options.compare ? [...compared, result] : [],
    trainCounts: { tracked: data.trackedTrain.count, views: data.cameraTrain.count, frames: data.framesTrain.count },
  });
  console.log(`wrote ${options.out}`);
}

main().catch((error: unknown) => {
  console.error(error instanceof CopresenceError ? error.message : error);
  process.exitCode = 1;
});
