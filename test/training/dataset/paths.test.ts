/** Paths as samples: out of recordings, as the server looks at them, and what is made of them in training. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../core/clock.ts';
import { seededRandom } from '../../../core/random.ts';
import { PATH_FEATURE_COUNT, PATH_STEPS } from '../../../features/hand-path.ts';
import { createPoseSample, encodePoseSample, MAX_POSE_SAMPLE_BYTES, PART_BITS } from '../../../protocol/codec/pose-sample.ts';
import { openRecording } from '../../../recording/reader.ts';
import type { Recording } from '../../../recording/reader.ts';
import { createRecordingWriter } from '../../../recording/writer.ts';
import { augmentSamples, NO_AUGMENTATION } from '../../../training/dataset/augment.ts';
import type { LabelledSample } from '../../../training/dataset/dataset.ts';
import { readLabelledPaths } from '../../../training/dataset/recorded-paths.ts';
import { chooseEncoding, toTable } from '../../../training/dataset/table.ts';

const SHAPE = { layout: { kind: 'path' }, steps: PATH_STEPS } as const;

/** The sum of the sines of a path's turns: below 0 clockwise. */
function turning(sample: LabelledSample): number {
  const { features } = toTable([sample], [sample.label], chooseEncoding(SHAPE.layout, PATH_STEPS, []));
  return Array.from({ length: PATH_STEPS }, (_, step) => features[step * PATH_FEATURE_COUNT + 4] ?? 0).reduce((sum, own) => sum + own, 0);
}

describe('paths out of a recording', () => {
  let folder = '';
  let recording: Recording;
  /** Ada draws clockwise with the right controller from 1 s to 4 s and rests before and after; Bea is against training. */
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'paths-'));
    const parts: Uint8Array[] = [];
    const writable = { write: async (bytes: Uint8Array) => void parts.push(bytes.slice()), close: async () => {} };
    const writer = createRecordingWriter({ writable, clock: new ManualClock(5000) }, { session: 's', source: 'generated' });
    ['ada', 'bea'].forEach((participantId, slot) => writer.addParticipant({ participantId, slot, name: participantId, consent: { inference: true, recording: true, training: participantId === 'ada' } }));
    for (let atMs = 0; atMs < 6000; atMs += 20) for (const participantId of ['ada', 'bea']) expect(writer.add(poseAt(participantId, atMs))).toBe(true);
    await writer.close();
    await writeFile(join(folder, 'r.mcap'), Buffer.concat(parts));
    recording = await openRecording(join(folder, 'r.mcap'));
  });
  afterAll(async () => {
    await recording.close();
    await rm(folder, { recursive: true });
  });

  function poseAt(participantId: string, atMs: number): Parameters<ReturnType<typeof createRecordingWriter>['add']>[0] {
    const pose = createPoseSample();
    const angle = 2 * Math.PI * (Math.min(4000, Math.max(1000, atMs)) / 1000);
    Object.assign(pose, { captureMs: 5000 + atMs, valid: PART_BITS.head | PART_BITS.rightController });
    // Ada faces +X: right is +Z.
    pose.rigid.set([0, 1.6, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0.5, 1.5 + 0.1 * Math.cos(angle), 0.1 * Math.sin(angle), 0, 0, 0, 1]);
    const bytes = new Uint8Array(MAX_POSE_SAMPLE_BYTES);
    const size = encodePoseSample(pose, bytes, 0);
    if (typeof size !== 'number') throw new Error(size);
    return { kind: 'pose', participantId, slot: 0, bytes: bytes.subarray(0, size), captureDeviceMs: atMs, captureServerMs: 5000 + atMs, arrivedMs: 5000 + atMs };
  }

  const label = (participant: string, fromMs: number, toMs: number): Parameters<typeof readLabelledPaths>[1][number] => ({ participant, hand: 'right', fromMs, toMs, label: 'clockwise' });

  it('are windows within the labels, of who allows training, as their owner sees them', async () => {
    const { samples, layout, steps } = await readLabelledPaths(recording, [label('ada', 1000, 4000), label('bea', 1000, 4000)]);
    expect({ layout, steps }).toEqual(SHAPE);
    // The first ends 0.9 s after the label begins, then one every 100 ms.
    expect(samples).toHaveLength(22);
    expect(new Set(samples.map(({ participant }) => participant))).toEqual(new Set(['ada']));
    for (const sample of samples) expect(turning(sample)).toBeLessThan(-3);
  });

  it('are one about the middle of a short label, and none of a hand that rests', async () => {
    expect((await readLabelledPaths(recording, [label('ada', 2000, 2400)])).samples).toHaveLength(1);
    expect((await readLabelledPaths(recording, [label('ada', 4400, 6000)])).samples).toHaveLength(0);
    expect((await readLabelledPaths(recording, [{ ...label('ada', 1000, 4000), hand: 'left' }])).samples).toHaveLength(0);
  });
});

describe('what is made of paths', () => {
  const circle: LabelledSample = {
    id: 'a', participant: 'p', label: 'clockwise',
    values: Array.from({ length: PATH_STEPS }, (_, step) => [0.1 * Math.sin(step * 0.4), 0.1 * Math.cos(step * 0.4)]).flat(),
  };
  const all = { ...NO_AUGMENTATION, copies: 200, rotateDegrees: 180, slant: 0.5, scale: 0.2, timeWarp: 0.2, noise: 0.002, jointDropout: 0.1 };

  it('goes the same way round, however it is turned, slanted, scaled, warped and cut', () => {
    const made = augmentSamples([circle], SHAPE, all, seededRandom(1));
    expect(made).toHaveLength(201);
    expect(new Set(made.map(({ label }) => label))).toEqual(new Set(['clockwise']));
    for (const sample of made) expect(turning(sample)).toBeLessThan(-2);
    expect(new Set(made.map(({ values }) => values?.join())).size).toBe(201);
  });

  it('has the other label where it is mirrored, and is not mirrored where that has none', () => {
    const mirrored = { clockwise: 'counter-clockwise' };
    const made = augmentSamples([circle, { ...circle, id: 'b', label: 'spiral' }, { ...circle, id: 'c', label: 'constructor' }], SHAPE, { ...all, mirrored }, seededRandom(2));
    const labels = made.map(({ label }) => label);
    expect(labels.filter((label) => label === 'counter-clockwise').length).toBeGreaterThan(60);
    for (const name of ['spiral', 'constructor']) expect(labels.filter((label) => label === name), name).toHaveLength(201);
    for (const sample of made) expect(Math.sign(turning(sample))).toBe(sample.label === 'counter-clockwise' ? 1 : -1);
  });

  it('has as many steps as the server looks at, or is refused', () => {
    expect(() => chooseEncoding({ kind: 'path' }, 15, [])).toThrow(/DATASET_INVALID: a path has 16 steps/);
  });
});
