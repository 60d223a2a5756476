/** Rounded forms of a run on tracks: which part chooses, and what is packed. */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../core/clock.ts';
import { modelManifest } from '../../../registry/manifest.ts';
import { publishModel } from '../../../registry/publish.ts';
import { optimise } from '../../../training/commands/optimise.ts';
import { writeDataset } from '../../../training/dataset/store.ts';
import { optimisePredictor } from '../../../training/prediction/optimise.ts';
import type { OptimisePredictorRequest } from '../../../training/prediction/optimise.ts';
import type { PredictorMetrics } from '../../../training/prediction/metrics.ts';
import { trainPredictor } from '../../../training/prediction/train-predictor.ts';
import { config, datasetOf, people } from './waves.ts';

let folder = '';
let datasetFolder = '';
let trained: PredictorMetrics;
const clock = systemClock();
const ask = (changes: Partial<OptimisePredictorRequest> = {}): ReturnType<typeof optimisePredictor> =>
  optimisePredictor({ runFolder: join(folder, 'run'), datasetFolder, bounds: { minQualityShare: 0.9 }, ...changes }, clock, () => undefined);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'optimise-tracks-'));
  datasetFolder = writeDataset(join(folder, 'waves'), datasetOf(people(9)));
  const own = { ...config, network: { ...config.network, hidden: [32], maxEpochs: 4 }, prediction: { ...config.prediction!, ratesHz: [20] } };
  trained = await trainPredictor({ datasetFolder, runFolder: join(folder, 'run'), name: 'waves', config: own, resume: false }, clock, () => undefined);
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true }));

describe('optimising a run on tracks', { timeout: 120_000 }, () => {
  it('rounds, measures by the error over that of the straight line, and packs the smallest form that is near enough', async () => {
    const result = await ask();
    expect(result.variants.map(({ name }) => name)).toEqual(['float32', 'float16', 'int8']);
    const [float32, float16, int8] = result.variants;
    const lines = trained.test.comparisons.filter(({ against }) => against === 'line').map(({ ratio }) => ratio);
    expect(float32!.error.test).toBeCloseTo(lines.reduce((product, ratio) => product * ratio, 1) ** (1 / lines.length), 10);
    expect(float32!.error.validation).toBeLessThan(0.9);
    expect(float32!.error.validation).toBe(1 / float32!.quality);
    // Those that choose are of the other part.
    expect(Math.abs(float32!.error.validation - float32!.error.test)).toBeGreaterThan(1e-6);
    expect(float16!.error.validation).toBeCloseTo(float32!.error.validation, 2);
    expect(int8!.bytes).toBeLessThan(float16!.bytes);
    expect(result.chosen).toBe('int8');
    const manifest = modelManifest.parse(JSON.parse(readFileSync(join(result.packageFolder, 'manifest.json'), 'utf8')));
    expect(manifest).toMatchObject({ task: 'pose-prediction', outputs: [{ name: 'residuals' }], metrics: { 'head-position-100ms-over-kalman': expect.any(Number) as number } });
    expect(manifest.summary).toContain('int8, of 3 forms');
    expect(manifest.files['model.onnx']?.bytes).toBe(statSync(result.path).size);
    expect(readFileSync(join(result.packageFolder, 'card.html'), 'utf8')).toMatch(/<h2>Smaller forms<\/h2>.*int8.*chosen/s);
    expect(JSON.parse(readFileSync(join(folder, 'run/optimised/pareto.json'), 'utf8'))).toMatchObject({ chosen: 'int8', chosenBy: expect.stringContaining('validation') as string });
    expect(readFileSync(join(folder, 'run/optimised/pareto.svg'), 'utf8')).toContain('error of the straight line');
    const published = await publishModel({ modelsFolder: join(folder, 'models'), clock, by: 'test' }, result.packageFolder, 'smaller');
    expect(published.files['model.onnx']?.bytes).toBe(int8!.bytes);
  });

  it('keeps what it has made where no form keeps the bounds, and takes the run\'s own data alone', async () => {
    const before = readFileSync(join(folder, 'run/optimised/pareto.json'), 'utf8');
    await expect(ask({ bounds: { minQualityShare: 0.9, maxBytes: 10 } })).rejects.toThrow(/CONFIG_INVALID.*no variant keeps/);
    await expect(ask({ datasetFolder: writeDataset(join(folder, 'others'), datasetOf(people(8))) })).rejects.toThrow(/RUN_INVALID.*learnt from version/);
    await expect(optimise.run(['--run', join(folder, 'run'), '--data', datasetFolder, '--prune', '0.5'])).rejects.toThrow(/CONFIG_INVALID.*rounded/);
    expect(readFileSync(join(folder, 'run/optimised/pareto.json'), 'utf8')).toBe(before);
    expect(existsSync(join(folder, 'run/optimised/package/manifest.json'))).toBe(true);
  });
});
