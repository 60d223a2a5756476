/** A gesture model out of two captures a label: drawn, trained, with a threshold, and its reference, by the run that everybody's models take. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../../../core/random.ts';
import { modelManifest } from '../../../registry/manifest.ts';
import { readReference } from '../../../registry/reference.ts';
import type { LabelledSample } from '../../../training/dataset/dataset.ts';
import { makeDataset, openDataset, writeDataset } from '../../../training/dataset/store.ts';
import { chooseThreshold, rejectionFigures } from '../../../training/evaluate/threshold.ts';
import { cameraView } from '../../../training/hands/camera-view.ts';
import { readTrainingConfig } from '../../../training/run/config.ts';
import { readRun } from '../../../training/run/folder.ts';
import { refuseOtherData } from '../../../training/run/leaks.ts';
import { prepareData } from '../../../training/run/prepare.ts';
import { trainRun } from '../../../training/run/train-run.ts';
import { handPositions, mirrored } from '../../support/hands.ts';
import { systemClock } from '../../../core/clock.ts';

let folder = '';
let datasetFolder = '';

/** Left hands for training, right hands and a camera's views for the test. */
function handSamples(): LabelledSample[] {
  const random = seededRandom(1);
  const curls = [['open-palm', 0], ['fist', 1.2], ['none', 0.5]] as const;
  const captures = curls.flatMap(([label, curl]): LabelledSample[] => [
    { id: `left ${label}`, participant: 'left', person: 'ann', part: 'train', label, handedness: 'left', values: Array.from(mirrored(handPositions(curl))) },
    { id: `right ${label}`, participant: 'right', person: 'ann', part: 'test', label, handedness: 'right', values: Array.from(handPositions(curl + 0.02)) },
  ]);
  const views = Array.from({ length: 150 }, (_, index): LabelledSample => {
    const part = (['train', 'test', 'test'] as const)[index % 3] ?? 'test';
    return { id: `frame ${index}`, participant: `block ${part} ${index % 2}`, person: 'ben', part, label: index % 2 === 0 ? 'open-palm' : 'fist', view: 'camera', group: 'camera', values: cameraView(random, handPositions(index % 2 === 0 ? 0.01 : 1.15)) };
  });
  return [...captures, ...views];
}

const config = readTrainingConfig({
  network: { hidden: [16], maxEpochs: 6, patience: 6, learningRate: 0.01, calibrate: true }, cleaning: { minPerLabel: 1, outlierScore: 1000 }, baselines: [],
  augmentation: { copies: 1, stretch: 0.1, viewNoise: 0.01, drawn: 60, drawnNone: 90, nearMisses: 0.2, drawnNoise: 0.003, views: 0.5, empty: 5, drawnValidation: 10, rest: 'left none' },
  reference: { inputs: false, labels: false },
});

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hands-'));
  datasetFolder = writeDataset(join(folder, 'hands'), makeDataset({ name: 'hands', layout: { kind: 'hand' }, steps: 1, samples: handSamples(), sources: [{ name: 'made', origin: 'test', licence: 'Apache-2.0' }], history: [] }));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('a gesture model of few captures', { timeout: 120_000 }, () => {
  it('learns from drawn hands and names those that it has not seen, by headset and by camera', async () => {
    const run = join(folder, 'run');
    const metrics = await trainRun({ datasetFolder, runFolder: run, name: 'hands', config, resume: false }, systemClock(), () => {});
    expect(metrics.test.classification.accuracy).toBeGreaterThan(0.9);
    expect(metrics.counts).toMatchObject({ train: 53, test: 103, validation: 10 * 2 + 50 });
    expect(metrics.counts.trained).toBe(2 * 53 + 2 * 60 + 90 + 60 + 30 + 5);
    const manifest = modelManifest.parse(JSON.parse(readFileSync(join(run, 'manifest.json'), 'utf8')));
    expect(manifest.task).toBe('gesture');
    expect(manifest.labels).toEqual({ probabilities: ['fist', 'none', 'open-palm'] });
    expect(manifest.thresholds).toEqual({ probabilities: metrics.rejection?.threshold });
    expect(metrics.rejection).toMatchObject({ label: 'none' });
    expect(readFileSync(join(run, 'card.html'), 'utf8')).toContain(`Scores below <b>${metrics.rejection?.threshold}</b>`);
    const reference = await readReference({ manifest, folder: run });
    // Pieces of one person's time are one person, and nobody's mix of labels is no baseline.
    expect(reference).toMatchObject({ outputs: { samples: 103, participants: 2 } });
    expect(reference?.inputs).toBeUndefined();
    expect(reference?.outputs?.labels).toBeUndefined();
  });

  it('is not told from another run by what was drawn for its validation', () => {
    const dataset = openDataset(datasetFolder);
    const data = prepareData(dataset, config);
    expect(() => refuseOtherData(dataset, data, { ...readRun(join(folder, 'run')) })).not.toThrow();
  });

  it('needs every label in the validation part where none is drawn for it', () => {
    const dataset = openDataset(datasetFolder);
    expect(() => prepareData(dataset, { ...config, augmentation: { ...config.augmentation, drawnValidation: 0 } })).toThrow(/DATASET_INVALID.*validation part/);
  });

  it('gets a label that nobody has captured, when hands are drawn of it', () => {
    const dataset = openDataset(datasetFolder);
    const samples = dataset.samples.filter(({ label }) => label !== 'none');
    const { labels, tables } = prepareData({ ...dataset, samples }, { ...config, augmentation: { ...config.augmentation, rest: '' } });
    expect(labels).toEqual(['fist', 'none', 'open-palm']);
    expect(tables.train.classes.filter((own) => labels[own] === 'none')).toHaveLength(90 + 30 + 5);
  });
});

describe('a threshold', () => {
  const labels = ['a', 'none'];
  it('lets every group count the same, however many rows it has', () => {
    // Of the large group a score of 0.5 is right, of the small one it shows nothing.
    const row = (score: number): number[] => [score, 1 - score];
    const rows = [...Array.from({ length: 90 }, () => ({ score: 0.62, own: 0, group: 'large' })), ...Array.from({ length: 10 }, (_, index) => ({ score: index < 9 ? 0.72 : 0.9, own: index < 9 ? 1 : 0, group: 'small' }))];
    const evaluated = { labels, classes: rows.map(({ own }) => own), probabilities: Float32Array.from(rows.flatMap(({ score }) => row(score))), groups: rows.map(({ group }) => group) };
    // 0.3 to 0.6: (100 % + 10 %) / 2; from 0.75: (0 % + 100 %) / 2.
    expect(chooseThreshold(evaluated, 1)).toBe(0.3);
    const lone = { ...evaluated, groups: rows.map(({ group }) => (group === 'small' ? 'small' : 'small, too')) };
    expect(chooseThreshold({ ...lone, classes: rows.map(({ own, group }, index) => (group === 'large' && index % 2 === 0 ? 1 : own)) }, 1)).toBe(0.75);
    expect(rejectionFigures(evaluated, 1, 0.75)).toMatchObject({ label: 'none', threshold: 0.75, accuracy: 0.1 });
  });

  it('stays the lowest, where a higher one is better by no more than chance', () => {
    const evaluatedOf = (wrong: number) => {
      const classes = Array.from({ length: 100 }, (_, row) => (row < wrong ? 1 : 0));
      return { labels, classes, probabilities: Float32Array.from(classes.flatMap((own) => (own === 1 ? [0.55, 0.45] : [0.9, 0.1]))), groups: classes.map(() => undefined) };
    };
    // From 0.6 on all is right; of a hundred rows one that was not is chance, and ten are not.
    expect(chooseThreshold({ ...evaluatedOf(10) }, 1)).toBe(0.6);
    const near = evaluatedOf(3);
    // A row that is right only below 0.95 makes the best less than certain, so that it has an error.
    const classes = near.classes.map((own, row) => (row >= 90 && row < 96 ? 1 : own));
    expect(chooseThreshold({ ...near, classes }, 1)).toBe(0.6);
    expect(chooseThreshold({ ...near, classes: classes.map((own, row) => (row < 2 ? 0 : own)) }, 1)).toBe(0.3);
  });
});
