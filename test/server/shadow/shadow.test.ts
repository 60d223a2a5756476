/** Two versions of a real model over a real recording: agreement, flips, and whose inputs are used. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ManualClock, systemClock } from '../../../core/clock.ts';
import { PATH_WINDOW_BYTES } from '../../../features/hand-path.ts';
import { encodePoseSample, MAX_POSE_SAMPLE_BYTES, PART_BITS } from '../../../protocol/codec/pose-sample.ts';
import type { RecordingItem } from '../../../recording/format.ts';
import { openRecording } from '../../../recording/reader.ts';
import { createRecordingWriter } from '../../../recording/writer.ts';
import { openModelStore } from '../../../registry/store.ts';
import { openRunner, type Runner } from '../../../server/model/runner.ts';
import { compareVersions } from '../../../server/shadow/compare.ts';
import { inputsOf } from '../../../server/shadow/inputs.ts';
import type { TaskItem } from '../../../server/model/task/adapter.ts';
import { handSample } from '../../e2e/support/streams.ts';
import { certainGesture, publish } from '../model/tiny-models.ts';

let folder = '';
let file = '';

/** Both hands, ten times a second for two seconds; a line of chat in the middle. */
function itemsOf(participantId: string, slot: number): RecordingItem[] {
  const sample = handSample();
  sample.valid |= PART_BITS.rightHand;
  sample.hands.copyWithin(sample.hands.length / 2, 0, sample.hands.length / 2);
  const items = Array.from({ length: 20 }, (_, at): RecordingItem => {
    const atMs = 5000 + at * 100;
    sample.captureMs = atMs;
    for (let joint = 0; joint < 50; joint++) sample.hands[joint * 7]! += 0.01;
    const bytes = new Uint8Array(MAX_POSE_SAMPLE_BYTES);
    const length = encodePoseSample(sample, bytes, 0);
    if (typeof length !== 'number') throw new Error(length);
    return { kind: 'pose', participantId, slot, bytes: bytes.slice(0, length), captureDeviceMs: atMs, captureServerMs: atMs, arrivedMs: atMs };
  });
  return [...items, { kind: 'chat', participantId, slot, bytes: new TextEncoder().encode('hello there'), captureDeviceMs: 6000, captureServerMs: 6000, arrivedMs: 6950 }];
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shadow-'));
  await publish(folder, certainGesture('tiny', 0.5), '1');
  await publish(folder, certainGesture('tiny', 0.5, ['second', 'first']), '2');
  await publish(folder, certainGesture('tiny', 0.6), '3');
  const clock = new ManualClock(5000);
  const parts: Uint8Array[] = [];
  const writable = { write: async (bytes: Uint8Array) => void parts.push(bytes.slice()), close: async () => {} };
  const writer = createRecordingWriter({ writable, clock }, { session: 's', source: 'generated' });
  const note = (participantId: string, slot: number, inference: boolean): void => void writer.addParticipant({ participantId, slot, name: participantId, consent: { inference, recording: true, training: false } });
  note('willing', 0, true);
  note('never', 1, false);
  note('later', 2, false);
  note('no-more', 3, true);
  const items = ['willing', 'never', 'later', 'no-more'].flatMap((participantId, slot) => itemsOf(participantId, slot)).sort((left, right) => left.arrivedMs - right.arrivedMs);
  for (const item of items) {
    clock.advance(Math.max(0, item.arrivedMs - clock.nowMs()));
    if (item.arrivedMs === 6000 && item.participantId === 'willing') {
      note('later', 2, true);
      note('no-more', 3, false);
    }
    expect(writer.add(item)).toBe(true);
  }
  await writer.close();
  file = join(folder, 'session.mcap');
  await writeFile(file, Buffer.concat(parts));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function inputs(task: Parameters<typeof inputsOf>[1]['task'], rateHz = 100): Promise<TaskItem[]> {
  const recording = await openRecording(file);
  const taken: TaskItem[] = [];
  try {
    for await (const input of inputsOf(recording, { task, rateHz })) taken.push(input);
    return taken;
  } finally {
    await recording.close();
  }
}

const runner = async (version: string): Promise<Runner> => openRunner(await openModelStore({ modelsFolder: folder, cacheFolder: folder }).resolve('tiny', version), { capacity: 1 });

describe('the inputs of a recording', () => {
  it('are those of participants who allow inference, while they do, and whose last word is not against it', async () => {
    // Of the willing 20 samples of two hands, of the one who agreed at half time 10.
    expect(await inputs('gesture')).toHaveLength(40 + 20);
    expect(await inputs('language')).toHaveLength(2);
  });

  it('are windows for models of movements, as the server looks at them', async () => {
    const windows = await inputs('dynamic-gesture');
    expect(new Set(windows.map(({ payload, part }) => `${part} ${payload.length}`))).toEqual(new Set([`left ${PATH_WINDOW_BYTES}`, `right ${PATH_WINDOW_BYTES}`]));
    // From 0.9 s on every second sample of the willing, and the last of the one who agreed at half time.
    expect(windows).toHaveLength(2 * 6 + 2);
  });

  it('are thinned by stream', async () => {
    expect(await inputs('gesture', 5)).toHaveLength(20 + 10);
  });

  it('are refused for tasks whose inputs are not recorded', async () => {
    await expect(inputs('hand-landmarks')).rejects.toThrow(/CONFIG_INVALID.*hand-landmarks/);
  });
});

describe('two versions over a recording', () => {
  async function compare(against: string): ReturnType<typeof compareVersions> {
    const [a, b] = [await runner('1'), await runner(against)];
    const all = await inputs('gesture');
    async function* given(): AsyncGenerator<TaskItem> {
      yield* all;
      yield { payload: new Uint8Array(3), encoding: 'task', part: 'left' };
    }
    return compareVersions(given(), { a, b }, systemClock(), { maxInputs: 1000 });
  }

  it('that say the same agree, with what they cannot answer left out', async () => {
    const report = await compare('3');
    expect(report).toMatchObject({ inputs: 61, compared: 60, agreement: 1, flips: [] });
    expect(report.a).toMatchObject({ version: '1', answered: 60, failed: { MESSAGE_INVALID: 1 }, labels: { first: 60 } });
    expect(report.b.meanConfidence).toBeCloseTo(0.75, 5);
    expect(report.a.latencyMs.median).toBeGreaterThan(0);
  });

  it('that say something else are told with what became of what', async () => {
    expect(await compare('2')).toMatchObject({ compared: 60, agreement: 0, flips: [{ from: 'first', to: 'second', count: 60 }] });
  });

  it('are compared on the command line, which says by its exit code whether they agree enough', { timeout: 60_000 }, async () => {
    const run = promisify(execFile);
    const args = ['--import', 'tsx', 'server/shadow/cli.ts', '--recording', file, '--models-folder', folder, '--model', 'tiny', '--version', '1'];
    const cwd = join(import.meta.dirname, '../../..');
    const { stdout } = await run(process.execPath, [...args, '--against', '3', '--min-agreement', '0.9'], { cwd });
    expect(stdout).toContain('30 inputs, 30 compared: agreement 1.0000');
    await expect(run(process.execPath, [...args, '--against', '2', '--min-agreement', '0.9'], { cwd })).rejects.toMatchObject({ code: 1 });
    await expect(run(process.execPath, [...args, '--against', '9'], { cwd })).rejects.toMatchObject({ code: 2 });
  });
});
