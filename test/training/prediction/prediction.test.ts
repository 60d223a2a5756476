/** Runs on tracks: what they learn, that they go on to the very same weights, and what they refuse. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ManualClock, systemClock } from '../../../core/clock.ts';
import { modelManifest } from '../../../registry/manifest.ts';
import { createPoseSample, encodePoseSample, MAX_POSE_SAMPLE_BYTES, PART_BITS } from '../../../protocol/codec/pose-sample.ts';
import type { RecordingItem } from '../../../recording/format.ts';
import { createRecordingWriter } from '../../../recording/writer.ts';
import { collect } from '../../../training/commands/collect.ts';
import { train as trainCommand } from '../../../training/commands/train.ts';
import type { LabelledSample } from '../../../training/dataset/dataset.ts';
import { makeDataset, openDataset, writeDataset } from '../../../training/dataset/store.ts';
import { readTrackFolder } from '../../../training/dataset/track-folder.ts';
import { pairedRatio } from '../../../training/evaluate/intervals.ts';
import { trainPredictor } from '../../../training/prediction/train-predictor.ts';
import type { PredictorMetrics } from '../../../training/prediction/metrics.ts';
import type { TrainingConfig } from '../../../training/run/config.ts';
import { readRun } from '../../../training/run/folder.ts';
import { trainRun } from '../../../training/run/train-run.ts';
import { config, datasetOf, people, swaying } from './waves.ts';

let folder = '';
let datasetFolder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tracks-'));
  datasetFolder = writeDataset(join(folder, 'waves'), datasetOf(people(9)));
});
afterAll(() => rmSync(folder, { recursive: true }));

const train = (name: string, changes: { config?: TrainingConfig; resume?: boolean; data?: string; cutAt?: number; startFolder?: string } = {}): Promise<PredictorMetrics> =>
  trainPredictor({ datasetFolder: changes.data ?? datasetFolder, runFolder: join(folder, name), name: 'waves', config: changes.config ?? config, resume: changes.resume ?? false, startFolder: changes.startFolder }, systemClock(), ({ done }) => {
    if (done === changes.cutAt) throw new Error('cut off');
  });

describe('a run on tracks', () => {
  it('foresees swaying of people it has not seen better than a straight line and the filter do, and leaves a whole folder', async () => {
    const { test, counts, parity } = await train('whole');
    expect(parity).toBeLessThan(1e-4);
    expect(counts.train + counts.validation + counts.test).toBe(18);
    for (const against of ['line', 'kalman', 'hold'] as const) {
      for (const own of test.comparisons.filter((comparison) => comparison.against === against && comparison.horizonMs === 100)) expect(own.ratio, `${own.part} ${own.quantity} against ${against}`).toBeLessThan(0.8);
    }
    const holding = test.figures.find(({ predictor, part, horizonMs }) => predictor === 'hold' && part === 'head' && horizonMs === 50);
    expect(holding?.position?.rmse).toBeGreaterThan(20);
    expect(holding?.overshootP95).toBe(0);
    const manifest = modelManifest.parse(JSON.parse(readFileSync(join(folder, 'whole/manifest.json'), 'utf8')));
    expect(manifest).toMatchObject({ task: 'pose-prediction', inputs: [{ shape: ['N', 4, 8] }], outputs: [{ name: 'residuals', shape: ['N', 3] }], licence: 'UNLICENSED' });
    expect(Object.keys(manifest.files).sort()).toEqual(['card.html', 'model.onnx', 'weights.h5']);
    expect(readRun(join(folder, 'whole'))).toMatchObject({ state: 'done', encoding: { kind: 'motion', steps: 4, width: 8 }, config: { prediction: { horizonsMs: [50, 100, 150] } } });
    expect(readFileSync(join(folder, 'whole/card.html'), 'utf8')).toContain('paired by recording');
  });

  it('that was cut off goes on to the very same weights, and to no other data set', async () => {
    await expect(train('cut', { cutAt: 4 })).rejects.toThrow('cut off');
    expect(readRun(join(folder, 'cut'))).toMatchObject({ state: 'failed', failure: 'cut off' });
    const other = writeDataset(join(folder, 'others'), datasetOf(people(8)));
    await expect(train('cut', { resume: true, data: other })).rejects.toThrow(/RUN_INVALID.*another data set/);
    await train('cut', { resume: true });
    for (const file of ['model.onnx', 'history.jsonl']) expect(readFileSync(join(folder, 'cut', file)).equals(readFileSync(join(folder, 'whole', file))), file).toBe(true);
  });

  it.each(['gru', 'tcn'] as const)('can be a %s too, whose graph gives what it gives', async (family) => {
    const { parity } = await train(family, { config: { ...config, family, network: { ...config.network, hidden: [4], maxEpochs: 1 } } });
    expect(parity).toBeLessThan(1e-4);
  });

  it('refuses trees, starts, people on two sides and data with labels, and classifiers refuse tracks', async () => {
    await expect(train('forest', { config: { ...config, family: 'random-forest' } })).rejects.toThrow(/CONFIG_INVALID.*random-forest/);
    await expect(train('started', { startFolder: join(folder, 'whole') })).rejects.toThrow(/CONFIG_INVALID.*starts/);
    const [first, ...rest] = people(6);
    const leaky = writeDataset(join(folder, 'leaky'), datasetOf([{ ...first!, part: 'test' }, ...rest.map((own) => ({ ...own, part: own.participant === 'p5' ? ('validation' as const) : ('train' as const) }))]));
    await expect(train('leaky-run', { data: leaky })).rejects.toThrow(/DATASET_LEAKS.*participant p0/);
    const rows = Array.from({ length: 12 }, (_, index) => ({ id: `s${index}`, participant: `p${index}`, label: ['a', 'b'][index % 2]!, values: [index] }));
    const labelled = writeDataset(join(folder, 'rows'), makeDataset({ name: 'rows', layout: { kind: 'columns', width: 1 }, steps: 1, samples: rows, sources: [], history: [] }));
    await expect(train('rows-run', { data: labelled })).rejects.toThrow(/DATASET_INVALID.*no tracks/);
    await expect(trainCommand.run(['--data', datasetFolder, '--smote'])).rejects.toThrow(/CONFIG_INVALID.*--smote/);
    await expect(trainRun({ datasetFolder, runFolder: join(folder, 'none'), name: 'none', config, resume: false }, systemClock(), () => undefined)).rejects.toThrow(/CONFIG_INVALID.*tracks/);
  });
});

describe('a data set of tracks', () => {
  const broken: [string, LabelledSample, RegExp][] = [
    ['one pose', { ...swaying('p', 'head', 1), values: swaying('p', 'head', 1).values!.slice(0, 8) }, /1 poses/],
    ['a label of its own', { ...swaying('p', 'head', 1), label: 'foot' }, /called foot/],
    ['half a pose', { ...swaying('p', 'head', 1), values: swaying('p', 'head', 1).values!.slice(0, 84) }, /84 values/],
    ['time that stands', swaying('p', 'head', 1, (pose, index) => (index === 5 ? [52, ...pose.slice(1)] : pose)), /pose 5 .*not later/],
    ['a hole in an orientation', swaying('p', 'head', 1, (pose, index) => (index === 7 ? [...pose.slice(0, 7), null] : pose)), /no orientation at pose 7/],
    ['half a position', swaying('p', 'head', 1, (pose, index) => (index === 7 ? [pose[0]!, null, ...pose.slice(2)] : pose)), /part of a position at pose 7/],
    ['a quaternion of length 2', swaying('p', 'head', 1, (pose, index) => (index === 7 ? [...pose.slice(0, 4), 0, 0, 0, 2] : pose)), /unit quaternion/],
    ['no number', swaying('p', 'head', 1, (pose, index) => (index === 7 ? [pose[0]!, Number.NaN, ...pose.slice(2)] : pose)), /pose 7/],
  ];
  it.each(broken)('refuses a track with %s', (_, sample, message) => {
    expect(() => datasetOf([sample])).toThrow(/DATASET_INVALID/);
    expect(() => datasetOf([sample])).toThrow(message);
  });

  it('takes heads whose position nobody measured', () => {
    const seated = swaying('p', 'head', 1, (pose) => [pose[0]!, null, null, null, ...pose.slice(4)]);
    expect(datasetOf([seated]).description.counts).toEqual({ head: 1 });
    const written = writeDataset(join(folder, 'seated'), datasetOf([seated]));
    expect(openDataset(written).samples[0]?.values?.slice(1, 4)).toEqual([null, null, null]);
  });

  it('comes out of recordings: unbroken, by folder and id, of those who allow training', async () => {
    const root = join(folder, 'recordings');
    const poses = (participantId: string, fromMs: number, count: number): RecordingItem[] => Array.from({ length: count }, (_, index) => posed(participantId, fromMs + index * 14));
    await record(join(root, 'train/ann'), [...poses('x', 0, 60), ...poses('x', 2000, 60), ...poses('no', 3000, 60)], { x: true, no: false });
    await record(join(root, 'test/ben'), poses('x', 0, 60), { x: true });
    const { samples, notes } = await readTrackFolder(root);
    const told = samples.map(({ participant, label, part, group }) => `${participant} ${label} ${part} ${group}`).sort();
    expect(told).toEqual(['ann/x hand train ann/r', 'ann/x hand train ann/r', 'ann/x head train ann/r', 'ann/x head train ann/r', 'ben/x hand test ben/r', 'ben/x head test ben/r']);
    expect(notes).toEqual(['ann/r: 1 of 2 participants do not allow training']);
    expect(samples.every(({ values }) => values?.length === 60 * 8)).toBe(true);
    expect(datasetOf(samples).description.participants).toBe(2);
    expect(await collect.run(['--tracks', root, '--out', join(folder, 'collected')])).toBe(0);
    expect(openDataset(join(folder, 'collected')).samples).toHaveLength(6);
    const withdrawn = join(folder, 'withdrawn');
    const between = [consented('late', 0, true), ...poses('late', 0, 60), consented('late', 900, false), consented('pause', 1400, false), ...poses('pause', 0, 200), consented('pause', 1900, true)];
    await record(withdrawn, between.sort((a, b) => a.captureServerMs - b.captureServerMs), { late: false, pause: true });
    const kept = (await readTrackFolder(withdrawn)).samples;
    expect(kept.filter(({ label }) => label === 'head').map(({ participant, values }) => [participant, values?.length])).toEqual([['pause', 100 * 8], ['pause', 64 * 8]]);
    const other = join(folder, 'dark');
    await record(other, Array.from({ length: 120 }, (_, index) => posed('x', index * 14, index < 60 ? PART_BITS.head : 0)), { x: true });
    const heads = (await readTrackFolder(other)).samples.filter(({ label }) => label === 'head');
    expect(heads.map(({ values }) => [values?.length, values?.[1] === null])).toEqual([[480, false], [480, true]]);
    mkdirSync(join(folder, 'empty'));
    await expect(readTrackFolder(join(folder, 'empty'))).rejects.toThrow(/DATASET_INVALID.*0 recordings/);
    await expect(readTrackFolder(join(folder, 'nowhere'))).rejects.toThrow(/DATASET_INVALID/);
  });
});

it('a paired ratio is the geometric mean, with Student\'s interval over recordings', () => {
  const { ratio, interval, lower } = pairedRatio([[1, 2], [2, 2], [1, 4]]);
  expect(ratio).toBeCloseTo(0.5, 10);
  // Logarithms -ln 2, 0, -2 ln 2: deviation ln 2, so 0.5 exp(± 4.30265 ln 2 / sqrt 3).
  expect(interval?.[1]).toBeCloseTo(0.5 * Math.exp((4.30265 * Math.LN2) / Math.sqrt(3)), 6);
  expect(lower).toBe(2);
  expect(pairedRatio([[1, 2]]).interval).toBeUndefined();
});

function posed(participantId: string, atMs: number, tracked: number = PART_BITS.head | PART_BITS.rightController): RecordingItem {
  const pose = createPoseSample();
  pose.captureMs = 5000 + atMs;
  pose.valid = PART_BITS.head | PART_BITS.rightController;
  pose.tracked = tracked;
  for (const part of [0, 2]) pose.rigid.set([atMs / 5000, 1.5, 0, 0, 0, 0, 1], part * 7);
  const bytes = new Uint8Array(MAX_POSE_SAMPLE_BYTES);
  const length = encodePoseSample(pose, bytes, 0);
  if (typeof length !== 'number') throw new Error(length);
  return { kind: 'pose', participantId, slot: 0, bytes: bytes.subarray(0, length), captureDeviceMs: atMs, captureServerMs: 5000 + atMs, arrivedMs: 5000 + atMs };
}

function consented(participantId: string, atMs: number, training: boolean): RecordingItem {
  return { ...posed(participantId, atMs), kind: 'consent', bytes: new TextEncoder().encode(JSON.stringify({ inference: true, recording: true, training })) };
}

/** `r.mcap`, a real file. */
async function record(place: string, items: readonly RecordingItem[], training: Readonly<Record<string, boolean>>): Promise<void> {
  const parts: Uint8Array[] = [];
  const writable = { write: async (bytes: Uint8Array) => void parts.push(bytes.slice()), close: async () => {} };
  const writer = createRecordingWriter({ writable, clock: new ManualClock(5000) }, { session: 's', source: 'generated' });
  Object.entries(training).forEach(([participantId, allowed], slot) => {
    writer.addParticipant({ participantId, slot, name: participantId, consent: { inference: true, recording: true, training: allowed } });
  });
  for (const item of items) expect(writer.add(item)).toBe(true);
  await writer.close();
  mkdirSync(place, { recursive: true });
  writeFileSync(join(place, 'r.mcap'), Buffer.concat(parts));
}
