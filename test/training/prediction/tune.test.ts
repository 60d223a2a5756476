/** Tuning on tracks, with real trainings in a process of their own. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../core/clock.ts';
import { makeDataset, writeDataset } from '../../../training/dataset/store.ts';
import type { LabelledSample } from '../../../training/dataset/dataset.ts';
import { runPredictorTrial } from '../../../training/prediction/trial.ts';
import { readRun } from '../../../training/run/folder.ts';
import { readSearchSpace } from '../../../training/tuning/space.ts';
import { tune } from '../../../training/tuning/tune.ts';
import type { TuneRequest } from '../../../training/tuning/tune.ts';
import { config, datasetOf, people } from './waves.ts';

let folder = '';
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'tune-tracks-'))));
afterAll(() => rmSync(folder, { recursive: true }));

const base = { ...config, network: { ...config.network, maxEpochs: 3 }, prediction: { ...config.prediction!, ratesHz: [20], everyMs: 120 } };
const spaceOf = (field: string, values: readonly (string | number)[]): TuneRequest['asked']['space'] =>
  readSearchSpace({ format: 'copresence.space.v1', parameters: { [field]: { kind: 'choice', values } } }, base);
/** Cut by hand, so that what is changed in the test part changes no other. */
const cut = (change: (own: LabelledSample) => LabelledSample = (own) => own): LabelledSample[] =>
  people(5).map((own) => ({ ...own, part: own.participant === 'p4' ? 'test' : own.participant === 'p3' ? 'validation' : 'train' } as const)).map((own) => (own.part === 'test' ? change(own) : own));
const tuning = (name: string, datasetFolder: string, asked: Partial<TuneRequest['asked']> = {}): ReturnType<typeof tune> => tune({
  datasetFolder, outFolder: join(folder, name), parallel: 1, clock: systemClock(),
  asked: { name: 'waves', base, space: spaceOf('network.learningRate', [0.01, 1e-6, 1e-7]), strategy: 'grid', trials: 3, seed: 7, metric: 'huber', pruning: { warmUpTrials: 2, warmUpSteps: 1 }, ...asked },
});

describe('tuning on tracks', { timeout: 120_000 }, () => {
  it('takes the lowest validation loss for the best, gives up what is behind, and trains the best as a model of movement', async () => {
    const { trials, best, runFolder } = await tuning('whole', writeDataset(join(folder, 'data'), datasetOf(cut())));
    expect(trials.map(({ state }) => state)).toEqual(['done', 'done', 'pruned']);
    expect(trials[2]?.steps).toHaveLength(2);
    expect(best.number).toBe(0);
    const history = readFileSync(join(runFolder, 'history.jsonl'), 'utf8').trim().split('\n').map((line) => (JSON.parse(line) as { validationLoss: number }).validationLoss);
    expect(best.score).toBe(-Math.min(...history));
    expect(readRun(runFolder)).toMatchObject({ state: 'done', encoding: { kind: 'motion' }, config: { network: { learningRate: 0.01 } } });
    const page = readFileSync(join(folder, 'whole', 'tuning.html'), 'utf8');
    expect(page).toContain('The score is the negative Huber loss on the validation part');
    expect(page).toContain(`<b>${best.score!.toPrecision(4)}</b>`);
  });

  it('never looks at the test part, by validation part or by folds', async () => {
    const still = writeDataset(join(folder, 'still'), datasetOf(cut((own) => ({ ...own, values: own.values!.map((value, at) => (at % 8 === 1 ? Number(value) * 3 : value)) }))));
    for (const folds of [undefined, 3]) {
      const ask = (datasetFolder: string): ReturnType<typeof runPredictorTrial> => runPredictorTrial({ datasetFolder, config: base, bar: [], ...(folds === undefined ? {} : { folds }) }, systemClock(), () => undefined);
      const own = await ask(join(folder, 'data'));
      expect(own.steps).toHaveLength(3);
      expect(own.score).toBeLessThan(0);
      expect(await ask(still)).toEqual(own);
    }
  });

  it('refuses what is of labels, before any trial', async () => {
    const data = join(folder, 'data');
    await expect(tuning('a', data, { metric: 'accuracy' })).rejects.toThrow(/CONFIG_INVALID.*accuracy is of labels/);
    await expect(tuning('b', data, { space: spaceOf('network.labelSmoothing', [0, 0.1]) })).rejects.toThrow(/CONFIG_INVALID.*labelSmoothing cannot be tuned on tracks/);
    await expect(tuning('c', data, { space: spaceOf('family', ['mlp', 'random-forest']) })).rejects.toThrow(/CONFIG_INVALID.*random-forest/);
    const rows = Array.from({ length: 4 }, (_, index) => ({ id: `s${index}`, participant: `p${index}`, label: ['a', 'b'][index % 2]!, values: [index] }));
    const labelled = writeDataset(join(folder, 'rows'), makeDataset({ name: 'rows', layout: { kind: 'columns', width: 1 }, steps: 1, samples: rows, sources: [], history: [] }));
    await expect(tuning('d', labelled)).rejects.toThrow(/CONFIG_INVALID.*huber is of tracks/);
  });
});
