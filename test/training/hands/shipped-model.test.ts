/** The gesture model that ships: its manifest, hands from an emulator, and the held-out data where it is present. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { emulatorHands } from '../../../bench/gesture/emulator-hands.ts';
import { measureModel, nameHands } from '../../../bench/gesture/measure.ts';
import { openGestureModel } from '../../../bench/gesture/model.ts';
import type { GestureModel } from '../../../bench/gesture/model.ts';
import { handSet, readTestHands, trackedFeatures } from '../../../bench/gesture/test-hands.ts';
import { binOf, CONFIDENCE_EDGES } from '../../../features/bins.ts';
import { HAND_FEATURE_COUNT } from '../../../features/hand.ts';
import { HAND_FLOATS } from '../../../protocol/codec/hand.ts';
import { POSE_FLOATS } from '../../../protocol/codec/quantise.ts';
import { HAND_JOINT_COUNT } from '../../../protocol/joints.ts';
import { modelManifest } from '../../../registry/manifest.ts';
import { readReference } from '../../../registry/reference.ts';
import { judgeLooks } from '../../../server/watch/judge.ts';
import { generateHand } from '../../../sim/headset/generated-hand.ts';
import { measuredHandPoses } from '../../../sim/headset/hand-poses.ts';
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

/** A hand of the demonstration, once a second. */
function demoHand(person: number, seconds: number): { features: Float32Array; label: string }[] {
  const side = person % 2 === 0 ? 'left' : 'right';
  const hand = generateHand(measuredHandPoses(), { side, seed: person + 1 });
  const joints = new Float32Array(HAND_FLOATS);
  const grip = Float32Array.of(0, 1, 0, 0, 0, 0, 1);
  return Array.from({ length: seconds }, (_, second) => {
    hand.write(second * 1000 + person * 37, grip, 0, joints, 0);
    const positions = Float32Array.from({ length: HAND_JOINT_COUNT * 3 }, (_value, at) => joints[Math.floor(at / 3) * POSE_FLOATS + (at % 3)] ?? 0);
    return { features: trackedFeatures(positions, side), label: 'none' };
  });
}

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

  it('has a reference that does not take the hands of the demonstration for drift', async () => {
    const reference = await readReference({ manifest, folder });
    expect(reference?.outputs).toBeDefined();
    const people = 24;
    const perPerson = 60;
    const hands = Array.from({ length: people }, (_, person) => demoHand(person, perPerson)).flat();
    const decisions = await model.decide(handSet(hands));
    const confidence = new Uint32Array(CONFIDENCE_EDGES.length + 1);
    const labels: Record<string, number> = {};
    for (const { score, label } of decisions) {
      confidence[binOf(CONFIDENCE_EDGES, score)]! += 1;
      labels[label] = (labels[label] ?? 0) + 1;
    }
    const findings = judgeLooks({ samples: decisions.length, people, columns: new Uint32Array(0), confidence, labels }, reference ?? {});
    expect(findings.map(({ trouble, level }) => `${trouble} ${level}`)).toEqual(['input-drift unknown', 'confidence-drift none', 'label-drift unknown']);
    // Were it the confidence of many people, it would be one: the demonstration's hands are not those of the test part.
    const many = reference?.outputs && { ...reference.outputs, samples: 100_000, participants: 100_000 };
    expect(judgeLooks({ samples: decisions.length * 100, people: people * 100, columns: new Uint32Array(0), confidence: confidence.map((count) => count * 100), labels }, { outputs: many })[1]?.value).toBeGreaterThan(0.2);
  });

  it.skipIf(data === undefined)('scores on the held-out data no less than it did (needs the data folder)', async () => {
    const { captures, drawn, frames, noise, drawnCalibrationError, unseenRejected } = await measureModel(model, readTestHands(data ?? ''), undefined);
    expect(captures.accuracy).toBeGreaterThan(0.95);
    expect(drawn.accuracy).toBeGreaterThan(0.97);
    expect(frames.accuracy).toBeGreaterThan(0.91);
    expect(noise.find(({ noiseMm }) => noiseMm === 4)?.accuracy).toBeGreaterThan(0.95);
    expect(drawnCalibrationError).toBeLessThan(0.06);
    expect(unseenRejected).toBeGreaterThan(0.3);
  });
});
