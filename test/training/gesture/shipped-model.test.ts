/** The gesture model that ships: its manifest, hands from an emulator, and the held-out data where it is present. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HAND_FEATURE_COUNT, handFeatures } from '../../../features/hand.ts';
import { modelManifest } from '../../../registry/manifest.ts';
import { OUTPUT_NAME, openClassifier } from '../../../training/gesture/classifier.ts';
import type { Classifier } from '../../../training/gesture/classifier.ts';
import { loadGestureData } from '../../../training/gesture/data.ts';
import { emulatorHands } from '../../../training/gesture/emulator-hands.ts';
import { evaluate, nameHands } from '../../../training/gesture/evaluation.ts';
import { GESTURES } from '../../../training/gesture/gestures.ts';
import { dataFolder } from '../../support/data-folder.ts';
import { mirrored } from '../../support/hands.ts';

const FOLDER = new URL('../../../models/gesture-mlp/1/', import.meta.url);
const model = readFileSync(new URL('model.onnx', FOLDER));
const manifest = modelManifest.parse(JSON.parse(readFileSync(new URL('manifest.json', FOLDER), 'utf8')));
const threshold = manifest.thresholds[OUTPUT_NAME] ?? Number.NaN;
const data = dataFolder();

let classifier: Classifier;
beforeAll(async () => {
  classifier = await openClassifier(model);
});
afterAll(() => classifier.close());

describe('the shipped gesture model', () => {
  it('is the file that its manifest describes, with the classes and features of this code', () => {
    const digest = createHash('sha256').update(model).digest('hex');
    expect(manifest.files['model.onnx']).toEqual({ sha256: digest, bytes: model.length });
    expect(manifest.labels[OUTPUT_NAME]).toEqual([...GESTURES]);
    expect(manifest.inputs[0]?.shape).toEqual(['N', HAND_FEATURE_COUNT]);
    expect(threshold).toBeGreaterThan(0);
  });

  it('recognises the emulator\'s point, takes its pinch for a touch and its relaxed hand for an open one', async () => {
    const named = new Map((await nameHands(classifier, emulatorHands(), threshold)).map(({ name, given }) => [name, given]));
    expect(named.get('point')).toBe('point');
    expect(['pinch', 'ok']).toContain(named.get('pinch'));
    expect(named.get('relaxed')).toBe('open-palm');
  });

  it('gives a mirrored hand the same name as the hand', async () => {
    const hands = emulatorHands();
    const others = hands.map((hand) => ({ ...hand, handedness: 'right' as const, positions: mirrored(hand.positions) }));
    const [one, other] = [await nameHands(classifier, hands, threshold), await nameHands(classifier, others, threshold)];
    expect(other.map(({ given }) => given)).toEqual(one.map(({ given }) => given));
  });

  it('gives no gesture for a hand without joints', async () => {
    const features = new Float32Array(HAND_FEATURE_COUNT);
    handFeatures({ positions: new Float32Array(75), handedness: 'left', target: features, offset: 0 });
    const [decision] = await classifier.classify({ features, count: 1 }, threshold);
    expect(GESTURES[decision?.gesture ?? -1]).toBe('none');
  });

  it.skipIf(data === undefined)('scores on the held-out data what its manifest says (needs the data folder)', async () => {
    const seed = manifest.trained?.seed ?? 0;
    const evaluation = await evaluate(classifier, { data: loadGestureData(data ?? '', seed), threshold, seed });
    expect(evaluation.captures.accuracy).toBeCloseTo(manifest.metrics['capturesAccuracy'] ?? 0, 3);
    expect(evaluation.tracked.accuracy).toBeCloseTo(manifest.metrics['augmentedAccuracy'] ?? 0, 3);
    expect(evaluation.frames.accuracy).toBeCloseTo(manifest.metrics['cameraFramesAccuracy'] ?? 0, 3);
    expect(evaluation.captures.accuracy).toBeGreaterThan(0.95);
    expect(evaluation.tracked.accuracy).toBeGreaterThan(0.93);
    expect(evaluation.frames.accuracy).toBeGreaterThan(0.85);
    expect(evaluation.robustness.find(({ noiseMm }) => noiseMm === 4)?.accuracy).toBeGreaterThan(0.95);
  });
});
