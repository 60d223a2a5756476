/** Smaller graphs: the shipped gesture model keeps its answers, and the choice keeps its bounds. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { emulatorHands } from '../../../bench/gesture/emulator-hands.ts';
import { openGestureModel } from '../../../bench/gesture/model.ts';
import { handSet, readTestHands, trackedFeatures } from '../../../bench/gesture/test-hands.ts';
import { HAND_FEATURE_COUNT } from '../../../features/hand.ts';
import { largestDifference } from '../../../training/run/lifecycle.ts';
import { dataFolder } from '../../support/data-folder.ts';
import { toHalf } from '../../../training/optimise/half.ts';
import { chooseVariant, paretoFront } from '../../../training/optimise/pareto.ts';
import { quantiseOnnx } from '../../../training/optimise/quantise-onnx.ts';
import { bestClasses } from '../../../training/models/classifier.ts';
import { runOnnx } from '../../support/onnx.ts';
import { shippedFolder } from '../../support/shipped.ts';

const data = dataFolder();
const version = shippedFolder('gesture-mlp');
const shipped = new Uint8Array(readFileSync(join(version, 'model.onnx')));

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
    const { features, labels } = handSet(emulatorHands().map(({ name, positions, handedness }) => ({ features: trackedFeatures(positions, handedness), label: name })));
    const input = { features: { data: features, dims: [labels.length, HAND_FEATURE_COUNT] } };
    const [wanted, given] = [await runOnnx(shipped, input, 'probabilities'), await runOnnx(int8, input, 'probabilities')];
    const classes = wanted.length / labels.length;
    expect(bestClasses(given, classes)).toEqual(bestClasses(wanted, classes));
    expect(largestDifference(given, wanted)).toBeLessThan(0.1);
    expect(given).not.toEqual(wanted);
  });

  it.skipIf(data === undefined)('in int8 it keeps 99 % of its accuracy on held-out hands (needs the data folder)', async () => {
    const { frames, drawn } = readTestHands(data ?? '');
    const folder = mkdtempSync(join(tmpdir(), 'int8-'));
    cpSync(version, folder, { recursive: true });
    writeFileSync(join(folder, 'model.onnx'), quantiseOnnx(shipped, 'int8'));
    const [model, rounded] = [await openGestureModel(version), await openGestureModel(folder)];
    for (const set of [frames, drawn]) {
      const accuracy = async (own: typeof model): Promise<number> => (await own.decide(set)).filter(({ label }, row) => label === set.labels[row]).length / set.labels.length;
      const float = await accuracy(model);
      expect(float).toBeGreaterThan(0.85);
      expect((await accuracy(rounded)) / float).toBeGreaterThanOrEqual(0.99);
    }
    await Promise.all([model.close(), rounded.close()]);
    rmSync(folder, { recursive: true });
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
