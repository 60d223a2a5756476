/** Tuning and folds with real trainings in processes of their own: figures, pruning, resuming, and what is never looked at. */
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../core/clock.ts';
import { randomNormal, seededRandom } from '../../../core/random.ts';
import { foldSamples, splitSamples } from '../../../training/dataset/split.ts';
import { makeDataset, writeDataset } from '../../../training/dataset/store.ts';
import type { LabelledSample } from '../../../training/dataset/dataset.ts';
import { correctedInterval } from '../../../training/evaluate/intervals.ts';
import { readTrainingConfig } from '../../../training/run/config.ts';
import { readRun } from '../../../training/run/folder.ts';
import { JobProcess, runJob } from '../../../training/run/job.ts';
import { readTrials, readTuning } from '../../../training/tuning/folder.ts';
import type { Trial } from '../../../training/tuning/folder.ts';
import { readSearchSpace } from '../../../training/tuning/space.ts';
import { resumeTuning, tune } from '../../../training/tuning/tune.ts';
import type { TuneRequest } from '../../../training/tuning/tune.ts';

let folder = '';
let datasetFolder = '';
let samples: LabelledSample[] = [];
const sources = [{ name: 'made', origin: 'test', licence: 'Apache-2.0' }];
const base = readTrainingConfig({ network: { hidden: [8], maxEpochs: 6, patience: 6, batchSize: 32, schedule: 'constant' }, baselines: [] });

/** Rates far too low learn nothing in six epochs; one far too high diverges. */
const space = readSearchSpace({ format: 'copresence.space.v1', parameters: { 'network.learningRate': { kind: 'choice', values: [0.02, 1e-5, 0.01, 1e-6, 3e-5, 1e-7] } } }, base);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tune-'));
  const random = seededRandom(1);
  samples = Array.from({ length: 240 }, (_, index) => {
    const label = ['a', 'b', 'c'][index % 3] ?? 'a';
    return { id: `s${index}`, participant: `p${index % 30}`, label, values: [randomNormal(random) + (index % 3) * 3, randomNormal(random) - (index % 3), randomNormal(random)] };
  });
  datasetFolder = writeDataset(join(folder, 'made'), makeDataset({ name: 'made', layout: { kind: 'columns', width: 3 }, steps: 1, samples, sources, history: [] }));
});
afterAll(() => rmSync(folder, { recursive: true }));

const requestOf = (name: string, asked: Partial<TuneRequest['asked']> = {}): TuneRequest => ({
  datasetFolder, outFolder: join(folder, name), parallel: 1, clock: systemClock(),
  asked: { name: 'made', base, space, strategy: 'grid', trials: 6, seed: 7, metric: 'loss', pruning: { warmUpTrials: 2, warmUpSteps: 2 }, ...asked },
});
const known = (trials: readonly Trial[]): object[] => trials.map(({ durationMs: _, ...trial }) => trial);

describe('a tuning', { timeout: 120_000 }, () => {
  let whole: readonly Trial[] = [];

  it('tries what was asked, gives up what is behind, and trains the best as a run of its own', async () => {
    const told: number[] = [];
    const { trials, best, runFolder } = await tune({ ...requestOf('whole'), onTrial: (_, all) => told.push(all.length) });
    whole = trials;
    expect(told).toEqual([1, 2, 3, 4, 5, 6]);
    expect(trials.map(({ state }) => state)).toEqual(['done', 'done', 'done', 'pruned', 'pruned', 'pruned']);
    // After the two steps in which none is given up.
    expect(trials[3]?.steps).toHaveLength(3);
    expect(best.number).toBe(0);
    expect(readRun(runFolder)).toMatchObject({ state: 'done', config: { network: { learningRate: 0.02 } } });
    expect(readTuning(join(folder, 'whole'))).toMatchObject({ state: 'done', best: { number: 0, score: best.score } });
    expect(readFileSync(join(folder, 'whole', 'tuning.html'), 'utf8')).toContain('<svg');
    // The score is that of the weights which the run keeps: those of the epoch with the lowest loss on the validation part.
    const history = readFileSync(join(runFolder, 'history.jsonl'), 'utf8').trim().split('\n').map((line) => (JSON.parse(line) as { validationLoss: number }).validationLoss);
    expect(best.score).toBeCloseTo(-Math.min(...history), 6);
    await expect(Promise.resolve().then(() => tune(requestOf('whole')))).rejects.toThrow(/RUN_INVALID.*holds a tuning already/);
    await expect(Promise.resolve().then(() => resumeTuning(requestOf('whole')))).rejects.toThrow(/RUN_INVALID.*is finished/);
  });

  it('of data that cannot be cut says so, from however many processes, and leaves nothing to go on with', async () => {
    const own = samples.map((sample) => ({ ...sample, participant: sample.label }));
    const data = writeDataset(join(folder, 'uncut'), makeDataset({ name: 'uncut', layout: { kind: 'columns', width: 3 }, steps: 1, samples: own, sources, history: [] }));
    await expect(tune({ ...requestOf('none'), datasetFolder: data, parallel: 2 })).rejects.toThrow(/DATASET_INVALID: no sample of . in the/);
    expect(existsSync(join(folder, 'none', 'tuning.json'))).toBe(false);
  });

  it('that was interrupted goes on to the same trials', async () => {
    const stop = new AbortController();
    const cut = tune({ ...requestOf('cut'), signal: stop.signal, onTrial: ({ number }) => void (number === 3 && stop.abort()) });
    await expect(cut).rejects.toThrow(/WORKER_FAILED/);
    expect(existsSync(join(folder, 'cut', 'run'))).toBe(false);
    // As a power cut leaves it.
    appendFileSync(join(folder, 'cut', 'trials.jsonl'), '{"number":4,"val');
    const { trials } = await resumeTuning(requestOf('cut'));
    expect(known(trials)).toEqual(known(whole));
    expect(known(readTrials(join(folder, 'cut')))).toEqual(known(whole));
    writeFileSync(join(folder, 'cut', 'trials.jsonl'), '{"number":4}\n');
    expect(() => readTrials(join(folder, 'cut'))).toThrow(/RUN_INVALID.*trials\.jsonl:1/);
  });

  it('never looks at the test part: with other labels there, every score is the same', async () => {
    const { test } = splitSamples(samples, base.seed);
    const other = samples.map((sample) => (test.includes(sample) ? { ...sample, values: [...(sample.values ?? [])].reverse() } : sample));
    const otherFolder = writeDataset(join(folder, 'other'), makeDataset({ name: 'other', layout: { kind: 'columns', width: 3 }, steps: 1, samples: other, sources, history: [] }));
    const process = new JobProcess();
    for (const folds of [undefined, 3]) {
      const input = { config: base, metric: 'loss', bar: [], ...(folds === undefined ? {} : { folds }) } as const;
      const own = await process.run('trial', { ...input, datasetFolder });
      expect(own.steps).toHaveLength(folds ?? 6);
      expect(await process.run('trial', { ...input, datasetFolder: otherFolder })).toEqual(own);
    }
    process.close();
  });
});

describe('folds', () => {
  it('keep every participant together, and hold every sample once as test and once as validation, with labels in like shares', () => {
    const folds = foldSamples(samples, 5, 7);
    for (const part of ['test', 'validation'] as const) expect(folds.flatMap((fold) => fold[part]).map(({ id }) => id).sort()).toEqual(samples.map(({ id }) => id).sort());
    for (const { train, validation, test } of folds) {
      const people = [train, validation, test].map((part) => new Set(part.map(({ participant }) => participant)));
      expect(people.reduce((sum, own) => sum + own.size, 0)).toBe(30);
      expect(test.length).toBe(48);
      for (const label of ['a', 'b', 'c']) expect(test.filter((sample) => sample.label === label).length).toBe(16);
    }
    expect(() => foldSamples(samples.filter(({ participant }) => participant !== 'p1' && participant !== 'p2').map((sample) => ({ ...sample, label: sample.participant === 'p0' ? 'rare' : 'a' })), 3, 7)).toThrow(/DATASET_INVALID.*rare/);
  });

  it('give the interval of Nadeau and Bengio, wider than the plain one', () => {
    // By hand: mean 0.9, s² = 0.00025; t(4) = 2.77645; half = 2.77645 sqrt((1/5 + 1/3) 0.00025) = 0.0320597.
    const { mean, deviation, interval } = correctedInterval([0.88, 0.9, 0.92, 0.89, 0.91], 1 / 3);
    expect([mean, deviation, ...interval].map((own) => Number(own.toFixed(6)))).toEqual([0.9, 0.015811, 0.86794, 0.93206]);
    expect(correctedInterval([1, 1, 1], 0.5).interval).toEqual([1, 1]);
    expect(() => correctedInterval([0.5], 0.5)).toThrow(/SHAPE_MISMATCH/);
  });

  it('judge every sample once, with figures and a card', async () => {
    const outFolder = join(folder, 'folds');
    const request = { datasetFolder, outFolder, name: 'made', config: readTrainingConfig({ family: 'naive-bayes' }), folds: 4 };
    const { folds, accuracy, pooled } = await runJob('crossValidate', request);
    expect(pooled.count).toBe(folds.reduce((sum, { test }) => sum + test, 0));
    expect(pooled.count).toBeGreaterThan(230);
    expect(accuracy.mean).toBeGreaterThan(0.85);
    expect(accuracy.interval[0]).toBeLessThan(accuracy.mean);
    expect(JSON.parse(readFileSync(join(outFolder, 'metrics.json'), 'utf8'))).toMatchObject({ format: 'copresence.cross-validation.v1', accuracy: { mean: accuracy.mean } });
    expect(readFileSync(join(outFolder, 'card.html'), 'utf8')).toContain('Nadeau and Bengio');
    await expect(runJob('crossValidate', request)).rejects.toThrow(/RUN_INVALID/);
  });
});
