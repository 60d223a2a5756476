/** A whole run in its own process: folder, figures, tampering, and going on after an interruption. */
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { randomNormal, seededRandom } from '../../../core/random.ts';
import { modelManifest } from '../../../registry/manifest.ts';
import { readReference } from '../../../registry/reference.ts';
import { loadWeights } from '../../../training/checkpoint/hdf5.ts';
import { makeDataset, writeDataset } from '../../../training/dataset/store.ts';
import { readTrainingConfig } from '../../../training/run/config.ts';
import { readGraph, readRun } from '../../../training/run/folder.ts';
import { runJob } from '../../../training/run/job.ts';
import type { TrainRequest } from '../../../training/run/train-run.ts';

let folder = '';
let datasetFolder = '';
const config = readTrainingConfig({ network: { hidden: [8], maxEpochs: 8, patience: 8, batchSize: 16, learningRate: 0.02 }, baselines: ['naive-bayes'] });

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'run-'));
  const random = seededRandom(1);
  const samples = Array.from({ length: 240 }, (_, index) => {
    const label = ['a', 'b'][index % 2] ?? 'a';
    const values = [randomNormal(random) + (index % 2) * 4, randomNormal(random), randomNormal(random)];
    return { id: `s${index}`, participant: `p${index % 40}`, label, group: index % 4 < 2 ? 'quest' : 'pico', values };
  });
  const sources = [{ name: 'made', origin: 'test', licence: 'Apache-2.0' }];
  datasetFolder = writeDataset(join(folder, 'made'), makeDataset({ name: 'made', layout: { kind: 'columns', width: 3 }, steps: 1, samples, sources, history: [] }));
});
afterAll(() => rmSync(folder, { recursive: true }));

const request = (name: string, resume = false): TrainRequest => ({ datasetFolder, runFolder: join(folder, name), name: 'made', config, resume });

describe('a training run', { timeout: 180_000 }, () => {
  it('leaves a folder with graph, weights, figures, card and lineage, that the registry can read', async () => {
    const epochs: number[] = [];
    const metrics = await runJob('train', request('whole'), { onProgress: ({ stage, done }) => void (stage === 'mlp' && epochs.push(done)) });
    expect(metrics.test.classification.accuracy).toBeGreaterThan(0.8);
    expect(metrics.test.groups.map(({ group }) => group)).toEqual(['pico', 'quest']);
    expect(metrics.baselines.map(({ family }) => family)).toEqual(['majority', 'naive-bayes']);
    expect(epochs).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    const run = join(folder, 'whole');
    expect(readdirSync(run).sort()).toEqual(['card.html', 'cleaning.json', 'history.jsonl', 'manifest.json', 'metrics.json', 'model.onnx', 'reference.json', 'run.json', 'weights.h5']);
    expect(modelManifest.parse(JSON.parse(readFileSync(join(run, 'manifest.json'), 'utf8'))).task).toBe('classification');
    expect(readRun(run).lineage.dataset.version).toMatch(/^[0-9a-f]{16}$/);
    expect(readGraph(run).length).toBe(metrics.bytes);
    // Forty people, of whom the test part has its share.
    expect(metrics.testParticipants).toBe(6);
    expect(readFileSync(join(run, 'card.html'), 'utf8')).toContain('samples of 6 participants that it has not learnt from');
    const manifest = modelManifest.parse(JSON.parse(readFileSync(join(run, 'manifest.json'), 'utf8')));
    const reference = await readReference({ manifest, folder: run });
    expect(reference?.inputs).toMatchObject({ samples: metrics.counts.train, columns: [{ name: 'column 1' }, {}, {}] });
    // Two heaps of numbers around 0 and 4: half of them are below 2.
    const first = reference?.inputs?.columns[0];
    expect(first?.shares.slice(0, first.edges.findIndex((edge) => edge > 2)).reduce((sum, share) => sum + share, 0)).toBeCloseTo(0.5, 1);
    // Fewer rows than that are somebody's.
    expect(metrics.counts.test).toBeLessThan(100);
    expect(reference?.outputs).toBeUndefined();
    await expect(runJob('train', request('whole'))).rejects.toThrow(/RUN_INVALID.*holds a run already/);
    await expect(runJob('train', request('whole', true))).rejects.toThrow(/RUN_INVALID.*is finished/);
    writeFileSync(join(run, 'model.onnx'), 'x');
    expect(() => readGraph(run)).toThrow(/MODEL_TAMPERED/);
  });

  it('with an impossible name, or where no folder can be, is refused with a code before it trains', async () => {
    await expect(runJob('train', { ...request('named'), name: 'Bad Name' })).rejects.toThrow("CONFIG_INVALID: 'Bad Name' cannot name a model");
    expect(existsSync(join(folder, 'named'))).toBe(false);
    await expect(runJob('train', { ...request('x'), runFolder: join(datasetFolder, 'dataset.json', 'run') })).rejects.toThrow(/STORAGE_FAILED: .*a part of the path is no folder/);
  });

  it('that was killed goes on to the very same weights', async () => {
    const stop = new AbortController();
    const cut = runJob('train', request('cut'), { signal: stop.signal, onProgress: ({ done }) => void (done === 4 && stop.abort()) });
    await expect(cut).rejects.toThrow('WORKER_FAILED: interrupted');
    expect(existsSync(join(folder, 'cut', 'manifest.json'))).toBe(false);
    expect(() => readGraph(join(folder, 'cut'))).toThrow(/RUN_INVALID.*not finished/);
    // This test's own process works in it, as far as anybody can tell.
    writeFileSync(join(folder, 'cut', '.lock'), String(process.pid));
    const epochs = readFileSync(join(folder, 'cut', 'history.jsonl'));
    await expect(runJob('train', request('cut', true))).rejects.toThrow(`RUN_BUSY: ${join(folder, 'cut')} is in use by the process ${process.pid}`);
    expect(readFileSync(join(folder, 'cut', 'history.jsonl'))).toEqual(epochs);
    rmSync(join(folder, 'cut', '.lock'));
    const other = { ...request('cut', true), config: { ...config, seed: 8 } };
    await expect(runJob('train', other)).rejects.toThrow(/RUN_INVALID.*started with another config/);
    await runJob('train', request('cut', true));
    const [whole, resumed] = [await loadWeights(join(folder, 'whole', 'weights.h5')), await loadWeights(join(folder, 'cut', 'weights.h5'))];
    expect(resumed.network).toEqual(whole.network);
    await expect(loadWeights(join(folder, 'whole', 'run.json'))).rejects.toThrow(/MODEL_INVALID/);
  });
});
