/** Taking weights and units out: the published schedule, masks by hand, and networks that give what they gave. */
import { beforeAll, describe, expect, it } from 'vitest';
import { randomNormal, seededRandom } from '../../../core/random.ts';
import { findTensorflow } from '../../../registry/tensorflow.ts';
import type { Tensorflow } from '../../../registry/tensorflow.ts';
import type { Table } from '../../../training/dataset/table.ts';
import { bestClasses } from '../../../training/models/classifier.ts';
import { DEFAULT_FIT, fitNetwork } from '../../../training/models/fit-network.ts';
import { createNetwork, networkClassifier } from '../../../training/models/network.ts';
import type { Network } from '../../../training/models/network.ts';
import { narrowAndTune, pruneNetwork } from '../../../training/optimise/fine-tune.ts';
import { applyMasks, cubicSparsity, keepUnits, magnitudeMasks, narrowNetwork, zeroShare } from '../../../training/optimise/prune.ts';
import { largestDifference } from '../../../training/run/lifecycle.ts';

let tf: Tensorflow;
beforeAll(async () => {
  ({ tf } = await findTensorflow());
});

/** Two columns tell the classes apart, four are noise. */
function rowsOf(seed: number, count: number): Table {
  const random = seededRandom(seed);
  const classes = Int32Array.from({ length: count }, (_, row) => row % 3);
  const features = Float32Array.from({ length: count * 6 }, (_, at) => {
    const [column, label] = [at % 6, classes[Math.floor(at / 6)]!];
    return randomNormal(random) + (column === 0 && label === 1 ? 5 : 0) + (column === 1 && label === 2 ? 5 : 0);
  });
  return { features, classes, count, width: 6, steps: 1, classCount: 3 };
}

const kernels = ({ layers }: Network): Float32Array[] => layers.map(({ weights }) => weights[0]!.values);
const accuracy = (network: Network, table: Table): number =>
  bestClasses(networkClassifier(tf, network).predict(table.features, table.count), 3).filter((label, row) => label === table.classes[row]).length / table.count;

describe('pruning by size', () => {
  it('takes out ever less, as Zhu and Gupta\'s equation 1 says', () => {
    // Worked out by hand from s_f (1 - (1 - t / n)^3) with s_f = 0.875 and n = 4.
    const given = [0, 1, 2, 3, 4, 9].map((step) => cubicSparsity(step, { steps: 4, final: 0.875 }));
    expect(given).toEqual([0, 0.505859375, 0.765625, 0.861328125, 0.875, 0.875]);
  });

  it('takes the smallest of the whole network or of each kernel, the first of equals, and no bias', () => {
    const network = createNetwork({ family: 'mlp', hidden: [2] }, { ...rowsOf(1, 6), width: 2, features: new Float32Array(12) }, 1);
    const [first, second] = kernels(network) as [Float32Array, Float32Array];
    first.set([-4, 0.5, 3, 0.5]);
    second.set([0.1, -0.2, 0.3, 6, 7, 0.4]);
    expect(magnitudeMasks(network, 0.4, 'global').map((mask) => [...mask])).toEqual([[1, 1, 1, 1], [0, 0, 0, 1, 1, 0]]);
    expect(magnitudeMasks(network, 0.5, 'global').map((mask) => [...mask])).toEqual([[1, 0, 1, 1], [0, 0, 0, 1, 1, 0]]);
    expect(magnitudeMasks(network, 0.5, 'layer').map((mask) => [...mask])).toEqual([[1, 0, 1, 0], [0, 0, 0, 1, 1, 1]]);
    network.layers[0]!.weights[1]!.values.set([0.01, 0.01]);
    applyMasks(network, magnitudeMasks(network, 0.5, 'global'));
    expect([...first, ...second]).toEqual([-4, 0, 3, 0.5, 0, 0, 0, 6, 7, 0]);
    expect(network.layers[0]!.weights[1]!.values[0]).toBeCloseTo(0.01, 6);
    expect(zeroShare(network)).toBe(0.5);
  });
});

describe('taking units out', () => {
  it('that do nothing changes no answer, and those stay that do most', () => {
    const table = rowsOf(2, 60);
    const network = createNetwork({ family: 'mlp', hidden: [6, 5] }, table, 3);
    const [first, second, third] = network.layers;
    // Unit 4 of the first layer hears nothing, unit 0 of the second says nothing.
    for (let input = 0; input < 6; input++) first!.weights[0]!.values[input * 6 + 4] = 0;
    for (let output = 0; output < 3; output++) third!.weights[0]!.values[output] = 0;
    second!.weights[1]!.values.set([9, 0.1, 0.2, 0.3, 0.4]);
    const narrowed = narrowNetwork(network, 0.8);
    expect(narrowed.layers.map(({ weights }) => weights[0]!.shape)).toEqual([[6, 5], [5, 4], [4, 3]]);
    const [wanted, given] = [network, narrowed].map((own) => networkClassifier(tf, own).predict(table.features, table.count));
    expect(largestDifference(wanted!, given!)).toBeLessThan(1e-6);
    const other = keepUnits(network, 0, [0, 1, 2, 4, 5]);
    expect(largestDifference(networkClassifier(tf, other).predict(table.features, table.count), wanted!)).toBeGreaterThan(1e-3);
  });
});

describe('training on', () => {
  it('keeps what was taken out at 0, brings back what it knew, and leaves the network that it came from', async () => {
    const [train, validation] = [rowsOf(4, 240), rowsOf(5, 120)];
    const fit = { ...DEFAULT_FIT, seed: 1, maxEpochs: 12, batchSize: 32, learningRate: 0.02 };
    const network = createNetwork({ family: 'mlp', hidden: [24, 12] }, train, 1);
    await fitNetwork(tf, { network, train, validation }, fit);
    const before = kernels(network).map((values) => values.slice());
    const epochs: number[] = [];
    const tuning = { fit, epochs: 8, onEpoch: ({ epoch }: { epoch: number }) => void epochs.push(epoch) };
    const pruned = await pruneNetwork(tf, network, { train, validation }, { sparsity: 0.8, scope: 'layer', ...tuning });
    expect(zeroShare(pruned)).toBeCloseTo(0.8, 2);
    expect(epochs).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(accuracy(narrowNetwork(network, 0.25), validation)).toBeLessThan(0.8);
    const narrow = await narrowAndTune(tf, network, { train, validation }, { share: 0.25, ...tuning });
    expect(narrow.layers.map(({ weights }) => weights[0]!.shape)).toEqual([[6, 6], [6, 3], [3, 3]]);
    expect(kernels(network)).toEqual(before);
    for (const own of [network, pruned, narrow]) expect(accuracy(own, validation)).toBeGreaterThan(0.9);
  });
});
