/** Labelled hands out of recordings: which frames, and whose. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../core/clock.ts';
import { createPoseSample, encodePoseSample, MAX_POSE_SAMPLE_BYTES, PART_BITS } from '../../../protocol/codec/pose-sample.ts';
import type { RecordingItem } from '../../../recording/format.ts';
import { openRecording } from '../../../recording/reader.ts';
import type { Recording } from '../../../recording/reader.ts';
import { createRecordingWriter } from '../../../recording/writer.ts';
import { collect } from '../../../training/commands/collect.ts';
import { openDataset } from '../../../training/dataset/store.ts';
import { parseLabels, readLabelledHands } from '../../../training/dataset/recordings.ts';

function posed(participantId: string, atMs: number): RecordingItem {
  const pose = createPoseSample();
  pose.captureMs = 5000 + atMs;
  pose.valid = PART_BITS.rightHand;
  // Joints within a hand's reach of the wrist, which moves along x.
  for (let joint = 0; joint < 25; joint++) pose.hands.set([atMs / 1000, 1, joint === 0 ? 0 : -0.004 * joint, 0, 0, 0, 1], (25 + joint) * 7);
  const bytes = new Uint8Array(MAX_POSE_SAMPLE_BYTES);
  const length = encodePoseSample(pose, bytes, 0);
  if (typeof length !== 'number') throw new Error(length);
  return { kind: 'pose', participantId, slot: 0, bytes: bytes.subarray(0, length), captureDeviceMs: atMs, captureServerMs: 5000 + atMs, arrivedMs: 5000 + atMs };
}

function consented(participantId: string, atMs: number, training: boolean): RecordingItem {
  return { ...posed(participantId, atMs), kind: 'consent', bytes: new TextEncoder().encode(JSON.stringify({ inference: true, recording: true, training })) };
}

/** A real file, written and opened again. */
async function recordingOf(items: readonly RecordingItem[], training: Readonly<Record<string, boolean>>): Promise<Recording> {
  const parts: Uint8Array[] = [];
  const writable = { write: async (bytes: Uint8Array) => void parts.push(bytes.slice()), close: async () => {} };
  const writer = createRecordingWriter({ writable, clock: new ManualClock(5000) }, { session: 's', source: 'generated' });
  Object.entries(training).forEach(([participantId, allowed], slot) => {
    writer.addParticipant({ participantId, slot, name: participantId, consent: { inference: true, recording: true, training: allowed } });
  });
  for (const item of items) expect(writer.add(item)).toBe(true);
  await writer.close();
  const path = join(folder, `${opened.length}.mcap`);
  await writeFile(path, Buffer.concat(parts));
  const recording = await openRecording(path);
  opened.push(recording);
  return recording;
}

let folder = '';
const opened: Recording[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'labelled-'));
});
afterAll(async () => {
  for (const recording of opened) await recording.close();
  await rm(folder, { recursive: true });
});

const interval = { hand: 'right', fromMs: 100, toMs: 500, label: 'wave' } as const;
const frames = (who: string): RecordingItem[] => Array.from({ length: 40 }, (_, index) => posed(who, index * 20));

describe('labelled hands', () => {
  it('are taken every 100 ms, or as one movement, with their labels', async () => {
    const recording = await recordingOf(frames('ann'), { ann: true });
    const apart = await readLabelledHands(recording, [{ ...interval, participant: 'ann' }], 1);
    expect(apart.samples.map(({ label, handedness, values }) => [label, handedness, Number(values?.[0]?.toFixed(2))])).toEqual([0.1, 0.2, 0.3, 0.4].map((x) => ['wave', 'right', x]));
    const [moving, ...others] = (await readLabelledHands(recording, [{ ...interval, participant: 'ann' }], 3)).samples;
    expect(others).toEqual([]);
    expect([0, 75, 150].map((at) => Number(moving?.values?.[at]?.toFixed(2)))).toEqual([0.1, 0.3, 0.48]);
  });

  it('are nobody\'s who is against training, and none of the time when somebody was', async () => {
    const items = [...frames('ann'), ...frames('ben'), consented('ann', 250, false), consented('ann', 400, true)].sort((a, b) => a.captureServerMs - b.captureServerMs);
    const labels = ['ann', 'ben', 'stranger'].map((participant) => ({ ...interval, participant }));
    const { samples, notes } = await readLabelledHands(await recordingOf(items, { ann: true, ben: false }), labels, 1);
    expect(samples.map(({ participant, values }) => [participant, Number(values?.[0]?.toFixed(2))])).toEqual([['ann', 0.1], ['ann', 0.2], ['ann', 0.42]]);
    expect(notes[0]).toMatch(/^2 of 3 intervals left out/);
  });

  it('have label files whose wrong line is named', () => {
    expect(() => parseLabels('{"participant":"a","hand":"left","fromMs":5,"toMs":2,"label":"x"}', 'l.jsonl')).toThrow(/DATASET_INVALID: l\.jsonl:1/);
  });
});

describe('collect --recording', () => {
  it('says why it finds nothing, and that a recording was cut off', async () => {
    await recordingOf([...frames('ada'), ...frames('ben')].sort((a, b) => a.arrivedMs - b.arrivedMs), { ada: true, ben: false });
    const whole = join(folder, `${opened.length - 1}.mcap`);
    const labelsFile = join(folder, 'labels.jsonl');
    const label = (participants: readonly string[]): Promise<void> => writeFile(labelsFile, participants.flatMap((participant) => [{ ...interval, participant }, { ...interval, participant, fromMs: 500, toMs: 780, label: 'rest' }]).map((own) => `${JSON.stringify(own)}\n`).join(''));
    await label(['ben', 'nobody']);
    await expect(collect.run(['--recording', whole, '--labels', labelsFile, '--out', join(folder, 'none')])).rejects.toThrow('DATASET_INVALID: there is no sample; 4 of 4 intervals left out: their participants are unknown or do not allow training');
    await label(['ada']);
    const cut = join(folder, 'cut.mcap');
    // Without its footer it is one that nobody closed.
    await writeFile(cut, (await readFile(whole)).subarray(0, -100));
    expect(await collect.run(['--recording', cut, '--labels', labelsFile, '--out', join(folder, 'hands')])).toBe(0);
    expect(openDataset(join(folder, 'hands')).description.history).toEqual(['collected', '0 of 2 intervals left out: their participants are unknown or do not allow training', 'a recording was cut off after 780 ms; intervals behind that hold nothing']);
  });
});
