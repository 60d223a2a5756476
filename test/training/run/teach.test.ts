/** A student that learns from a finished run: an ensemble teaches, and the student says by whom. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../core/clock.ts';
import { randomNormal, seededRandom } from '../../../core/random.ts';
import { digestOf } from '../../../registry/digest.ts';
import { makeDataset, writeDataset } from '../../../training/dataset/store.ts';
import { readTrainingConfig } from '../../../training/run/config.ts';
import { readRun, writeRun } from '../../../training/run/folder.ts';
import { trainRun } from '../../../training/run/train-run.ts';
import type { TrainRequest } from '../../../training/run/train-run.ts';

let folder = '';
let datasetFolder = '';
const network = { hidden: [3], maxEpochs: 4, batchSize: 16, learningRate: 0.02 };
const student = readTrainingConfig({ network, baselines: [], distillation: { temperature: 4, weight: 0.5 } });

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'teach-'));
  const random = seededRandom(1);
  const samples = Array.from({ length: 240 }, (_, index) => {
    const values = [randomNormal(random) + (index % 2) * 3, randomNormal(random)];
    return { id: `s${index}`, participant: `p${index % 40}`, label: ['a', 'b'][index % 2] ?? 'a', values };
  });
  datasetFolder = writeDataset(join(folder, 'made'), makeDataset({ name: 'made', layout: { kind: 'columns', width: 2 }, steps: 1, samples, sources: [], history: [] }));
  await train('teacher', { config: readTrainingConfig({ family: 'voting', network, trees: { count: 10 }, ensemble: { members: ['mlp', 'random-forest'] }, baselines: [] }) });
});
afterAll(() => rmSync(folder, { recursive: true }));

const train = (name: string, changes: Partial<TrainRequest>): ReturnType<typeof trainRun> =>
  trainRun({ datasetFolder, runFolder: join(folder, name), name, config: student, resume: false, ...changes }, systemClock(), () => undefined);

describe('a student', () => {
  it('learns from an ensemble, names it by its digest, and is shown beside it and beside itself untaught', async () => {
    const metrics = await train('student', { teacherFolder: join(folder, 'teacher') });
    const graph = readFileSync(join(folder, 'teacher', 'model.onnx'));
    expect(readRun(join(folder, 'student')).lineage.teacher).toEqual({ name: 'teacher', family: 'voting', graphSha256: digestOf(graph).sha256, temperature: 4, weight: 0.5 });
    expect(metrics.baselines.map(({ family }) => family)).toEqual(['majority', 'its teacher (voting)', 'mlp without its teacher']);
    expect(metrics.bytes).toBeLessThan(graph.length / 2);
    expect(readFileSync(join(folder, 'student', 'card.html'), 'utf8')).toContain('teacher, a voting');
    await train('alone', {});
    const [taught, alone] = ['student', 'alone'].map((name) => readFileSync(join(folder, name, 'model.onnx')));
    expect(taught?.equals(alone!)).toBe(false);
    expect(readRun(join(folder, 'alone')).lineage.teacher).toBeUndefined();
  });

  it('is a network that learns samples, and goes on with the teacher that it began with', async () => {
    const teacherFolder = join(folder, 'teacher');
    await expect(train('forest', { teacherFolder, config: { ...student, family: 'random-forest' } })).rejects.toThrow(/CONFIG_INVALID: a random-forest cannot learn/);
    await expect(train('smote', { teacherFolder, config: { ...student, smote: true } })).rejects.toThrow(/CONFIG_INVALID.*SMOTE/);
    const begun = readRun(join(folder, 'student'));
    writeRun(join(folder, 'student'), { ...begun, state: 'running' });
    await expect(train('student', { resume: true })).rejects.toThrow(/RUN_INVALID.*begun with another teacher, or none/);
    await expect(train('seed', { teacherFolder, config: { ...student, seed: 8 } })).rejects.toThrow(/DATASET_LEAKS/);
  });
});
