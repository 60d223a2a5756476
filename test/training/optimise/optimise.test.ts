/** Smaller graphs: the shipped gesture model keeps its answers, and the choice keeps its bounds. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../core/random.ts';
import { HAND_FEATURE_COUNT } from '../../../features/hand.ts';
import { openClassifier } from '../../../training/gesture/classifier.ts';
import { loadGestureData } from '../../../training/gesture/data.ts';
import { emulatorHands } from '../../../training/gesture/emulator-hands.ts';
import { GESTURES } from '../../../training/gesture/gestures.ts';
import { captureSamples } from '../../../training/gesture/samples.ts';
import { largestDifference } from '../../../training/run/train-run.ts';
import { dataFolder } from '../../support/data-folder.ts';
import { toHalf } from '../../../training/optimise/half.ts';
import { chooseVariant, paretoFront } from '../../../training/optimise/pareto.ts';
import { quantiseOnnx } from '../../../training/optimise/quantise-onnx.ts';
import { bestClasses } from '../../../training/models/classifier.ts';
import { runOnnx } from '../../support/onnx.ts';

const data = dataFolder();
const shipped = new Uint8Array(readFileSync(new URL('../../../models/gesture-mlp/1/model.onnx', import.meta.url)));

describe('rounding weights', () => {
  it('halves are those of IEEE 754', () => {
    const known: readonly (readonly [number, number])[] = [[1, 0x3c00], [-2, 0xc000], [65504, 0x7bff], [65520, 0x7c00], [2 ** -24, 1], [2 ** -14, 0x0400], [1 / 3, 0x3555], [0, 0], [1 + 2 ** -11, 0x3c00], [1 + 3 * 2 ** -11, 0x3c02]];
    for (const [value, bits] of known) expect(toHalf(value), `${value}`).toBe(bits);
  });

  it('the shipped gesture model in int8 has at most 30 % of the bytes and names the emulator\'s hands as before', async () => {
    const int8 = quantiseOnnx(shipped, 'int8');
    // A Buffer decodes to windows on itself.
    expect(quantiseOnnx(Buffer.from(shipped), 'int8')).toEqual(int8);
    expect(int8.length / shipped.length).toBeLessThan(0.3);
    expect(quantiseOnnx(shipped, 'float16').length / shipped.length).toBeLessThan(0.53);
    const rows = captureSamples(seededRandom(1), emulatorHands(), 0);
    const input = { features: { data: rows.features, dims: [rows.count, HAND_FEATURE_COUNT] } };
    const [wanted, given] = [await runOnnx(shipped, input, 'probabilities'), await runOnnx(int8, input, 'probabilities')];
    expect(bestClasses(given, GESTURES.length)).toEqual(bestClasses(wanted, GESTURES.length));
    expect(largestDifference(given, wanted)).toBeLessThan(0.1);
    expect(given).not.toEqual(wanted);
  });

  it.skipIf(data === undefined)('in int8 it keeps 99 % of its accuracy on held-out hands (needs the data folder)', async () => {
    const { framesTest, trackedTest } = loadGestureData(data ?? '', 7);
    for (const set of [framesTest, trackedTest]) {
      const accuracy = async (graph: Uint8Array): Promise<number> => {
        const classifier = await openClassifier(graph);
        const decisions = await classifier.classify(set, 0.55);
        await classifier.close();
        return decisions.filter(({ gesture }, row) => gesture === set.classes[row]).length / set.count;
      };
      const float = await accuracy(shipped);
      expect(float).toBeGreaterThan(0.85);
      expect((await accuracy(quantiseOnnx(shipped, 'int8'))) / float).toBeGreaterThanOrEqual(0.99);
    }
  });

  it('says so when the bytes are no graph', () => {
    expect(() => quantiseOnnx(Uint8Array.of(1, 2, 3), 'int8')).toThrow(/MODEL_INVALID/);
  });
});

describe('choosing a variant', () => {
  const variants = [
    { name: 'a', quality: 0.9, bytes: 100, latencyMs: 1 }, { name: 'b', quality: 0.89, bytes: 30, latencyMs: 1 },
    { name: 'c', quality: 0.5, bytes: 10, latencyMs: 1 }, { name: 'd', quality: 0.88, bytes: 60, latencyMs: 2 },
  ];
  it('takes the smallest within the bounds, and leaves out what another beats', () => {
    expect(paretoFront(variants).map(({ name }) => name)).toEqual(['a', 'b', 'c']);
    expect(chooseVariant(variants, { minQualityShare: 0.98 }).name).toBe('b');
    expect(chooseVariant(variants, { minQualityShare: 0.5 }).name).toBe('c');
    expect(() => chooseVariant(variants, { minQualityShare: 0.98, maxBytes: 20 })).toThrow(/CONFIG_INVALID: no variant keeps/);
  });
});
