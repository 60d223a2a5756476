/** Files of other versions of this program: older ones are read and lifted, newer ones refused, and runs begin with others' weights. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import h5wasm from 'h5wasm/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../core/clock.ts';
import { randomNormal, seededRandom } from '../../../core/random.ts';
import { publishModel } from '../../../registry/publish.ts';
import { loadWeights } from '../../../training/checkpoint/hdf5.ts';
import { makeDataset, openDataset, writeDataset } from '../../../training/dataset/store.ts';
import { readTrainingConfig } from '../../../training/run/config.ts';
import { readRun } from '../../../training/run/folder.ts';
import { migrateFolder } from '../../../training/run/migrate.ts';
import { trainRun } from '../../../training/run/train-run.ts';
import type { TrainRequest } from '../../../training/run/train-run.ts';

let folder = '';
let datasetFolder = '';
const config = readTrainingConfig({ network: { hidden: [3], maxEpochs: 2, batchSize: 16 }, baselines: [] });

function store(name: string, labels: readonly string[]): string {
  const random = seededRandom(1);
  const samples = Array.from({ length: 180 }, (_, index) => ({
    id: `s${index}`, participant: `p${index % 30}`, label: labels[index % labels.length] ?? '', values: [randomNormal(random) + (index % labels.length) * 3, randomNormal(random)],
  }));
  return writeDataset(join(folder, name), makeDataset({ name, layout: { kind: 'columns', width: 2 }, steps: 1, samples, sources: [], history: [] }));
}

const train = (name: string, changes: Partial<TrainRequest> = {}): ReturnType<typeof trainRun> =>
  trainRun({ datasetFolder, runFolder: join(folder, name), name, config, resume: false, ...changes }, systemClock(), () => undefined);

/** A copy of the run, with another text in one file. */
function changed(name: string, file: string, from: string | RegExp, to: string): string {
  const copy = join(folder, name);
  cpSync(join(folder, 'run'), copy, { recursive: true });
  writeFileSync(join(copy, file), readFileSync(join(copy, file), 'utf8').replace(from, to));
  return copy;
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'migrate-'));
  datasetFolder = store('two', ['a', 'b']);
  await train('run');
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('the folder of a run', () => {
  it('of the first format is read as it is, and lifted with a copy of what was there', () => {
    const old = changed('old', 'run.json', 'copresence.run.v2', 'copresence.run.v1');
    const before = readFileSync(join(old, 'run.json'), 'utf8');
    expect(readRun(old)).toEqual(readRun(join(folder, 'run')));
    expect(readFileSync(join(old, 'run.json'), 'utf8')).toBe(before);
    expect(migrateFolder(old)).toEqual([
      { file: 'run.json', from: 1, to: 2, backup: join(old, 'run.json.v1') }, { file: 'manifest.json', from: 1, to: 1, backup: undefined },
    ]);
    expect(readFileSync(join(old, 'run.json.v1'), 'utf8')).toBe(before);
    expect(JSON.parse(readFileSync(join(old, 'run.json'), 'utf8'))).toEqual(JSON.parse(readFileSync(join(folder, 'run', 'run.json'), 'utf8')));
    expect(migrateFolder(old).map(({ backup }) => backup)).toEqual([undefined, undefined]);
  });

  it('of a newer program is refused by every reader, and left as it is', async () => {
    const newer = changed('newer', 'run.json', 'copresence.run.v2', 'copresence.run.v3');
    const files = readdirSync(newer);
    expect(() => readRun(newer)).toThrow(/FORMAT_NEWER: .*run.json has the format copresence.run.v3; this program knows it up to v2/);
    expect(() => migrateFolder(newer)).toThrow(/FORMAT_NEWER/);
    expect(readdirSync(newer)).toEqual(files);
    const manifest = changed('manifest', 'manifest.json', '{', '{ "manifestFormat": 2, "unheardOf": true,');
    writeFileSync(join(manifest, 'run.json'), readFileSync(join(folder, 'run', 'run.json'), 'utf8').replace('run.v2', 'run.v1'));
    expect(() => migrateFolder(manifest)).toThrow(/FORMAT_NEWER: .*manifest.json has the format 2/);
    expect(readdirSync(manifest)).not.toContain('run.json.v1');
    await expect(publishModel({ modelsFolder: join(folder, 'models'), clock: systemClock(), by: 'test' }, manifest, '')).rejects.toThrow(/FORMAT_NEWER/);
    const weights = join(newer, 'weights.h5');
    const file = new h5wasm.File(weights, 'a');
    const header = String(file.attrs.copresence?.value).replace('weights.v1', 'weights.v2');
    file.delete_attribute('copresence');
    file.create_attribute('copresence', header);
    file.close();
    await expect(loadWeights(weights)).rejects.toThrow(/FORMAT_NEWER/);
    expect(() => migrateFolder(changed('broken', 'run.json', '"labels"', '"lables"'))).toThrow(/RUN_INVALID/);
  });

  it('or of a data set, of this program, has nothing to lift; of a newer one it is refused', () => {
    expect(migrateFolder(datasetFolder)).toEqual([{ file: 'dataset.json', from: 1, to: 1, backup: undefined }]);
    const copy = join(folder, 'newer-data');
    cpSync(datasetFolder, copy, { recursive: true });
    writeFileSync(join(copy, 'dataset.json'), readFileSync(join(copy, 'dataset.json'), 'utf8').replace('dataset.v1', 'dataset.v2'));
    expect(() => openDataset(copy)).toThrow(/FORMAT_NEWER: .*dataset.json has the format copresence.dataset.v2/);
    expect(() => migrateFolder(join(folder, 'nothing'))).toThrow(/DATASET_INVALID/);
  });
});

describe('a run that begins with another', () => {
  it('carries its layers to more labels, and says what it took and what may flatter it', async () => {
    const grown = store('three', ['a', 'b', 'c']);
    await train('grown', { datasetFolder: grown, startFolder: join(folder, 'run') });
    const { start } = readRun(join(folder, 'grown')).lineage;
    expect(start).toMatchObject({ name: 'run', carried: ['dense_1', 'label a', 'label b'], fresh: ['label c: it is new'], overlap: 'unknown' });
    expect(readFileSync(join(folder, 'grown', 'card.html'), 'utf8')).toContain('maybe from samples of this test part');
    // One epoch further from where the first ended is another model than one epoch from chance.
    await train('on', { startFolder: join(folder, 'run') });
    expect(readRun(join(folder, 'on')).lineage.start?.overlap).toBe('none');
    const graphs = ['run', 'on'].map((name) => readFileSync(join(folder, name, 'model.onnx')));
    expect(graphs[0]!.equals(graphs[1]!)).toBe(false);
    await expect(train('leak', { startFolder: join(folder, 'run'), config: { ...config, seed: 8 } })).rejects.toThrow(/DATASET_LEAKS/);
    await expect(train('forest', { startFolder: join(folder, 'run'), config: { ...config, family: 'random-forest' } })).rejects.toThrow(/CONFIG_INVALID: a random-forest cannot begin/);
  });
});
