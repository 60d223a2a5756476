/** Folds over tracks: who judges whom, and what is written. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../core/clock.ts';
import { writeDataset } from '../../../training/dataset/store.ts';
import { crossValidatePredictor } from '../../../training/prediction/cross-validate.ts';
import type { PredictorCrossValidation } from '../../../training/prediction/metrics.ts';
import type { TrainingConfig } from '../../../training/run/config.ts';
import { config, datasetOf, people } from './waves.ts';

let folder = '';
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'folds-tracks-'))));
afterAll(() => rmSync(folder, { recursive: true }));

const quick = { ...config, network: { ...config.network, maxEpochs: 3 }, prediction: { ...config.prediction!, ratesHz: [20] } };
const validate = (name: string, datasetFolder: string, own: TrainingConfig = quick): Promise<PredictorCrossValidation> =>
  crossValidatePredictor({ datasetFolder, outFolder: join(folder, name), name: 'waves', config: own, folds: 3 }, systemClock(), () => undefined);

describe('cross-validation on tracks', { timeout: 120_000 }, () => {
  it('judges every participant once, by folds and over all, and writes figures and a card', async () => {
    const data = writeDataset(join(folder, 'waves'), datasetOf(people(6)));
    const { folds, overLine, overKalman, pooled } = await validate('out', data);
    expect(folds.map(({ train, validation, test, participants }) => [train, validation, test, participants])).toEqual([[4, 4, 4, 2], [4, 4, 4, 2], [4, 4, 4, 2]]);
    expect(overLine.mean).toBeCloseTo(folds.reduce((sum, fold) => sum + fold.overLine, 0) / 3, 10);
    expect(overLine.mean).toBeLessThan(1);
    expect(overKalman.interval[0]).toBeLessThan(overKalman.mean);
    // Who never learns is as far off as the line, now more and now less.
    const idle = await validate('idle', data, { ...quick, network: { ...quick.network, maxEpochs: 1, learningRate: 1e-5 } });
    expect(idle.overLine.mean).toBeCloseTo(1, 1);
    expect(idle.overLine.interval[0] + idle.overLine.interval[1]).toBeCloseTo(2 * idle.overLine.mean, 10);
    expect(idle.overLine.interval[1]).toBeGreaterThan(1);
    expect(new Set(pooled.byParticipant.map(({ group }) => group)).size).toBe(6);
    // Recordings of three models in one comparison: the mean of logarithms is that of the folds, which are of one size.
    const logs = pooled.comparisons.filter(({ against }) => against === 'line').map(({ ratio }) => Math.log(ratio));
    expect(logs.reduce((sum, own) => sum + own, 0) / logs.length).toBeCloseTo(folds.reduce((sum, fold) => sum + Math.log(fold.overLine), 0) / 3, 10);
    expect(JSON.parse(readFileSync(join(folder, 'out/metrics.json'), 'utf8'))).toMatchObject({ format: 'copresence.prediction-folds.v1', folds: [{ participants: 2 }, {}, {}] });
    expect(readFileSync(join(folder, 'out/card.html'), 'utf8')).toContain('Kalman filter of the SDK');
    await expect(validate('out', data)).rejects.toThrow(/RUN_INVALID.*holds figures already/);
  });

  it('refuses trees, and more folds than people, and then writes nothing', async () => {
    const few = writeDataset(join(folder, 'few'), datasetOf(people(2)));
    await expect(validate('few-out', few)).rejects.toThrow(/DATASET_INVALID/);
    await expect(validate('few-out', few, { ...quick, family: 'adaboost' })).rejects.toThrow(/CONFIG_INVALID.*adaboost/);
    expect(existsSync(join(folder, 'few-out'))).toBe(false);
  });
});
