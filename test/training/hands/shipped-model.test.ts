/** The gesture model that ships: its manifest, hands from an emulator, and the held-out data where it is present. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { emulatorHands } from '../../../bench/gesture/emulator-hands.ts';
import { measureModel, nameHands } from '../../../bench/gesture/measure.ts';
import { openGestureModel } from '../../../bench/gesture/model.ts';
import type { GestureModel } from '../../../bench/gesture/model.ts';
import { handSet, readTestHands, trackedFeatures } from '../../../bench/gesture/test-hands.ts';
import { HAND_FEATURE_COUNT } from '../../../features/hand.ts';
import { modelManifest } from '../../../registry/manifest.ts';
import { fileDigest } from '../../../training/run/folder.ts';
import { dataFolder } from '../../support/data-folder.ts';
import { mirrored } from '../../support/hands.ts';
import { shippedFolder } from '../../support/shipped.ts';

const folder = shippedFolder('gesture-mlp');
const manifest = modelManifest.parse(JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')));
const data = dataFolder();

let model: GestureModel;
beforeAll(async () => {
  model = await openGestureModel(folder);
});
afterAll(() => model.close());

describe('the shipped gesture model', () => {
  it('is the files that its manifest describes, with the features of this code and a threshold', () => {
    for (const [file, expected] of Object.entries(manifest.files)) expect(fileDigest(readFileSync(join(folder, file))), file).toEqual(expected);
    expect(manifest.inputs[0]).toMatchObject({ name: 'features', shape: ['N', HAND_FEATURE_COUNT] });
    expect(manifest.outputs[0]).toMatchObject({ name: 'probabilities', shape: ['N', 13] });
    expect(manifest.labels['probabilities']).toContain('none');
    expect(model.threshold).toBeGreaterThan(0);
    expect(model.bytes).toBeLessThan(100_000);
  });

  it('recognises the emulator\'s point, and takes its pinch for a touch', async () => {
    const named = new Map((await nameHands(model, emulatorHands())).map(({ name, label }) => [name, label]));
    expect(named.get('point')).toBe('point');
    expect(['pinch', 'ok']).toContain(named.get('pinch'));
  });

  it('gives a mirrored hand the same name as the hand', async () => {
    const hands = emulatorHands();
    const others = hands.map((hand) => ({ ...hand, handedness: 'right' as const, positions: mirrored(hand.positions) }));
    const labels = async (own: typeof hands): Promise<string[]> => (await nameHands(model, own)).map(({ label }) => label);
    expect(await labels(others)).toEqual(await labels(hands));
  });

  it('gives no gesture for a hand without joints', async () => {
    const [decision] = await model.decide(handSet([{ features: trackedFeatures(new Float32Array(75), 'left'), label: 'none' }]));
    expect(decision?.label).toBe('none');
  });

  it.skipIf(data === undefined)('scores on the held-out data no less than it did (needs the data folder)', async () => {
    const { captures, drawn, frames, noise, drawnCalibrationError, unseenRejected } = await measureModel(model, readTestHands(data ?? ''), undefined);
    expect(captures.accuracy).toBeGreaterThan(0.98);
    expect(drawn.accuracy).toBeGreaterThan(0.975);
    expect(frames.accuracy).toBeGreaterThan(0.93);
    expect(noise.find(({ noiseMm }) => noiseMm === 4)?.accuracy).toBeGreaterThan(0.95);
    expect(drawnCalibrationError).toBeLessThan(0.045);
    expect(unseenRejected).toBeGreaterThan(0.4);
  });
});
