/** Beginning with another network's weights: what fits is carried to the last bit, and the rest is told. */
import { beforeAll, describe, expect, it } from 'vitest';
import { findTensorflow } from '../../../registry/tensorflow.ts';
import type { Tensorflow } from '../../../registry/tensorflow.ts';
import type { Table } from '../../../training/dataset/table.ts';
import { createNetwork, networkClassifier } from '../../../training/models/network.ts';
import type { NetworkShape } from '../../../training/models/network.ts';
import { carryWeights } from '../../../training/models/warm-start.ts';

let tf: Tensorflow;
beforeAll(async () => {
  ({ tf } = await findTensorflow());
});

function rows(classCount: number, width: number, factor: number): Table {
  const count = 6;
  return { features: Float32Array.from({ length: count * width }, (_, at) => Math.sin(at * factor) * factor), classes: new Int32Array(count), count, width, steps: 1, classCount };
}
const mlp = (hidden: number[]): NetworkShape => ({ family: 'mlp', hidden });

describe('beginning with other weights', () => {
  it('gives the odds of the labels that both know as they were, whatever their order, and draws new ones', () => {
    const source = createNetwork(mlp([5, 4]), rows(3, 4, 1), 1);
    const target = createNetwork(mlp([5, 4]), rows(4, 4, 3), 2);
    const drawn = target.layers[2]!.weights[0]!.values.slice();
    const report = carryWeights(target, ['new', 'c', 'a', 'b'], { network: source, labels: ['a', 'b', 'c'] });
    expect(report).toEqual({ carried: ['dense_1', 'dense_2', 'label c', 'label a', 'label b'], fresh: ['label new: it is new'] });
    const { features, count } = rows(3, 4, 1.7);
    const [before, after] = [networkClassifier(tf, source).predict(features, count), networkClassifier(tf, target).predict(features, count)];
    for (let row = 0; row < count; row++) {
      const odds = (values: Float32Array, columns: number, one: number, other: number): number => values[row * columns + one]! / values[row * columns + other]!;
      expect(odds(after, 4, 2, 1) / odds(before, 3, 0, 2)).toBeCloseTo(1, 4);
      expect(odds(after, 4, 3, 2) / odds(before, 3, 1, 0)).toBeCloseTo(1, 4);
    }
    for (let unit = 0; unit < 4; unit++) expect(target.layers[2]!.weights[0]!.values[unit * 4]).toBe(drawn[unit * 4]);
  });

  it('leaves layers of other names and shapes as they were drawn, with the reason, and their scale too', () => {
    const source = createNetwork(mlp([5]), rows(2, 4, 1), 1);
    const deeper = createNetwork(mlp([5, 7]), rows(2, 4, 2), 2);
    const report = carryWeights(deeper, ['a', 'b'], { network: source, labels: ['a', 'b'] });
    expect(report).toEqual({ carried: ['dense_1'], fresh: ['dense_2: there is no hidden layer of this name', 'dense_3: it has 7 inputs, and had 5'] });
    const wider = createNetwork(mlp([5]), rows(2, 6, 2), 2);
    const scale = wider.scale.mean.slice();
    expect(carryWeights(wider, ['a', 'b'], { network: source, labels: ['a', 'b'] }).fresh).toEqual(['dense_1: kernel is [6, 5], and was [4, 5]']);
    expect(wider.scale.mean).toEqual(scale);
    const series = { ...rows(2, 4, 1), steps: 2, count: 3 };
    const gru = createNetwork({ family: 'gru', hidden: [5] }, series, 3);
    const tcn = createNetwork({ family: 'tcn', hidden: [5] }, series, 3);
    expect(carryWeights(tcn, ['a', 'b'], { network: gru, labels: ['a', 'c'] })).toEqual({ carried: ['label a'], fresh: ['conv_1: there is no hidden layer of this name', 'label b: it is new'] });
  });
});
