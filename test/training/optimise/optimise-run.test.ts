/** Variants of a whole run: which part of the data chooses, what is written, and which other runs may be compared. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../core/clock.ts';
import { randomNormal, seededRandom } from '../../../core/random.ts';
import { publishModel } from '../../../registry/publish.ts';
import { readReference } from '../../../registry/reference.ts';
import type { LabelledSample, Part } from '../../../training/dataset/dataset.ts';
import { makeDataset, openDataset, writeDataset } from '../../../training/dataset/store.ts';
import { optimiseRun } from '../../../training/optimise/optimise-run.ts';
import type { OptimiseRequest } from '../../../training/optimise/optimise-run.ts';
import { chooseVariant } from '../../../training/optimise/pareto.ts';
import { readTrainingConfig } from '../../../training/run/config.ts';
import { readRun } from '../../../training/run/folder.ts';
import { refuseOtherData } from '../../../training/run/leaks.ts';
import { prepareData } from '../../../training/run/prepare.ts';
import { trainRun } from '../../../training/run/train-run.ts';

let folder = '';
let datasetFolder = '';
const clock = systemClock();
const config = readTrainingConfig({ network: { hidden: [16], maxEpochs: 8, batchSize: 16, learningRate: 0.02 }, baselines: [] });

function samplesOf(partOf: (participant: number) => Part | undefined): LabelledSample[] {
  const random = seededRandom(1);
  return Array.from({ length: 300 }, (_, index) => {
    const part = partOf(index % 30);
    // The labels of the test part are the wrong way round: who chooses by it takes the worst.
    const label = ['a', 'b'][(index + (part === 'test' ? 1 : 0)) % 2] ?? 'a';
    const values = Array.from({ length: 24 }, (_value, column) => randomNormal(random) + (column < 4 ? (index % 2) * 2 : 0));
    return { id: `s${index}`, participant: `p${index % 30}`, label, values, ...(part === undefined ? {} : { part }) };
  });
}

function store(name: string, samples: LabelledSample[]): string {
  const sources = [{ name: 'made', origin: 'test', licence: 'Apache-2.0' }];
  return writeDataset(join(folder, name), makeDataset({ name, layout: { kind: 'columns', width: 24 }, steps: 1, samples, sources, history: [] }));
}

const train = (data: string, name: string, own = config): ReturnType<typeof trainRun> =>
  trainRun({ datasetFolder: data, runFolder: join(folder, name), name: 'made', config: own, resume: false }, clock, () => undefined);

const request = (changes: Partial<OptimiseRequest> = {}): OptimiseRequest => ({
  runFolder: join(folder, 'run'), datasetFolder, bounds: { minQualityShare: 0.95 }, otherRuns: [],
  thinning: { sparsities: [], unitShares: [], scope: 'global', epochs: 1 }, ...changes,
});

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'optimise-'));
  datasetFolder = store('cut', samplesOf((participant) => (participant < 18 ? 'train' : participant < 24 ? 'validation' : 'test')));
  await train(datasetFolder, 'run');
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('optimising a run', () => {
  it('chooses by the validation part, whatever the test part says, and packs what it chose for the registry', async () => {
    const thinning = { sparsities: [0.98], unitShares: [0.5], scope: 'global', epochs: 2 } as const;
    const result = await optimiseRun(request({ thinning }), clock, () => undefined);
    const names = ['', 'pruned-98-', 'narrow-50-'].flatMap((prefix) => ['float32', 'float16', 'int8'].map((precision) => `${prefix}${precision}`));
    expect(result.variants.map(({ name }) => name)).toEqual(names);
    const float32 = result.variants.find(({ name }) => name === 'float32');
    expect(float32?.quality).toBeGreaterThan(0.9);
    expect(float32?.test.macroF1).toBeLessThan(0.2);
    expect(result.chosen).toBe(chooseVariant(result.variants, { minQualityShare: 0.95 }).name);
    expect(result.chosen).not.toMatch(/^pruned/);
    const byTest = result.variants.map((variant) => ({ ...variant, quality: variant.test.macroF1 }));
    expect(chooseVariant(byTest, { minQualityShare: 0.95 }).name).toMatch(/^pruned/);
    const optimised = join(folder, 'run', 'optimised');
    expect(readdirSync(optimised).sort()).toEqual([...names.map((name) => `${name}.onnx`), 'package', 'pareto.json', 'pareto.svg'].sort());
    expect(JSON.parse(readFileSync(join(optimised, 'pareto.json'), 'utf8'))).toMatchObject({ chosen: result.chosen, front: result.front });
    const pruned = result.variants.find(({ name }) => name === 'pruned-98-float32');
    expect(pruned?.bytes).toBe(float32?.bytes);
    expect(pruned?.gzipBytes).toBeLessThan(0.6 * (float32?.gzipBytes ?? 0));
    const registry = { modelsFolder: join(folder, 'models'), clock, by: 'test' };
    const published = await publishModel(registry, result.packageFolder, '');
    expect(published.files['model.onnx']?.bytes).toBe(result.variants.find(({ name }) => name === result.chosen)?.bytes);
    const reference = await readReference({ manifest: published, folder: result.packageFolder });
    expect(reference?.inputs?.columns.length).toBeGreaterThan(0);
    expect(reference?.outputs).toBeUndefined();
    expect(readFileSync(join(result.packageFolder, 'card.html'), 'utf8')).toContain('Smaller and larger forms');
    expect(Object.keys(published.files).sort()).toEqual(['card.html', 'model.onnx', 'reference.json']);
  });

  it('writes nothing when no variant keeps the bounds, and has nothing to take out of a forest', async () => {
    const before = readFileSync(join(folder, 'run', 'optimised', 'pareto.json'), 'utf8');
    await expect(optimiseRun(request({ bounds: { minQualityShare: 0.95, maxBytes: 10 } }), clock, () => undefined)).rejects.toThrow(/CONFIG_INVALID: no variant keeps/);
    expect(readFileSync(join(folder, 'run', 'optimised', 'pareto.json'), 'utf8')).toBe(before);
    await train(datasetFolder, 'forest', readTrainingConfig({ family: 'naive-bayes', baselines: [] }));
    const thinning = { ...request().thinning, sparsities: [0.5] };
    await expect(optimiseRun(request({ runFolder: join(folder, 'forest'), thinning }), clock, () => undefined)).rejects.toThrow(/CONFIG_INVALID: a naive-bayes has no weights/);
    const { variants } = await optimiseRun(request({ otherRuns: [join(folder, 'forest')] }), clock, () => undefined);
    expect(variants.map(({ name }) => name)).toContain('forest-int8');
  });

  it('refuses to compare a run that has learnt what this one is measured by', () => {
    const dataset = openDataset(store('uncut', samplesOf(() => undefined)));
    const data = prepareData(dataset, config);
    const { lineage, ...rest } = readRun(join(folder, 'run'));
    const other = { ...rest, lineage: { ...lineage, dataset: { ...lineage.dataset, version: dataset.description.version } } };
    expect(() => refuseOtherData(dataset, data, other)).not.toThrow();
    expect(() => refuseOtherData(dataset, data, { ...other, config: { ...config, seed: 8 } })).toThrow(/DATASET_LEAKS: made learnt from \d+ samples/);
    expect(() => refuseOtherData(dataset, data, { ...other, labels: ['b', 'a'] })).toThrow(/RUN_INVALID.*other labels/);
    expect(() => refuseOtherData(dataset, data, { ...other, lineage })).toThrow(/RUN_INVALID.*learnt from version/);
  });
});
