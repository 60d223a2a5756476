/** Training the gesture network and writing it as ONNX. */
import { describe, expect, it } from 'vitest';
import { randomNormal, seededRandom } from '../../../core/random.ts';
import { HAND_FEATURE_COUNT } from '../../../features/hand.ts';
import { denseToOnnx } from '../../../training/export/dense.ts';
import { openClassifier } from '../../../training/gesture/classifier.ts';
import { GESTURES } from '../../../training/gesture/gestures.ts';
import { trainNetwork } from '../../../training/gesture/network.ts';
import type { SampleSet } from '../../../training/gesture/samples.ts';
import { runOnnx } from '../../support/onnx.ts';

/** Classes that differ in the mean of one feature each. */
function separableSamples(seed: number, count: number): SampleSet {
  const random = seededRandom(seed);
  const classes = Uint8Array.from({ length: count }, (_, row) => row % GESTURES.length);
  const features = Float32Array.from({ length: count * HAND_FEATURE_COUNT }, (_, at) => {
    const own = classes[Math.floor(at / HAND_FEATURE_COUNT)] === at % HAND_FEATURE_COUNT;
    return 0.4 * randomNormal(random) + (own ? 3 : 0);
  });
  return { features, classes, count };
}

const options = { train: separableSamples(1, 2600), validation: [separableSamples(2, 260)], seed: 5, maxEpochs: 12 };

describe('gesture network', () => {
  it('learns classes that can be told apart and gives the same network for the same seed', async () => {
    const accuracies: number[] = [];
    const one = await trainNetwork({ ...options, onEpoch: ({ accuracy }) => accuracies.push(accuracy) });
    const other = await trainNetwork(options);
    expect(Math.max(...accuracies)).toBeGreaterThan(0.9);
    expect(one.layers).toEqual(other.layers);
    const { layers: different } = await trainNetwork({ ...options, seed: 6, maxEpochs: 1 });
    expect(different[0]?.weights).not.toEqual(one.layers[0]?.weights);
  });

  it('its ONNX file gives what TensorFlow.js gives, to 1e-5', async () => {
    const network = await trainNetwork(options);
    const { features, count } = separableSamples(3, 200);
    const model = denseToOnnx({ name: 'g', inputName: 'features', outputName: 'probabilities', layers: network.layers });
    const actual = await runOnnx(model, { features: { data: features, dims: [count, HAND_FEATURE_COUNT] } }, 'probabilities');
    const expected = network.predict(features);
    const largest = expected.reduce((worst, value, at) => Math.max(worst, Math.abs(value - (actual[at] ?? 1e9))), 0);
    expect(largest).toBeLessThan(1e-5);
    expect(actual.length).toBe(count * GESTURES.length);
  });

  it('a score below the threshold is none, whatever the class', async () => {
    const network = await trainNetwork({ ...options, maxEpochs: 1 });
    const model = denseToOnnx({ name: 'g', inputName: 'features', outputName: 'probabilities', layers: network.layers });
    const classifier = await openClassifier(model);
    const decisions = await classifier.classify(separableSamples(3, 26), 1.01);
    await classifier.close();
    expect(new Set(decisions.map(({ gesture }) => GESTURES[gesture]))).toEqual(new Set(['none']));
  });
});
