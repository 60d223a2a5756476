/** The mathematics of tuning against values from elsewhere: NumPy, SciPy and mpmath, the closed forms, and a published minimum. */
import { describe, expect, it } from 'vitest';
import { logExpectedImprovement } from '../../../training/tuning/expected-improvement.ts';
import { fitGaussianProcess, gaussianProcess, matern52, profileLikelihood } from '../../../training/tuning/gaussian-process.ts';
import { cholesky, solveLower, solveUpper } from '../../../training/tuning/linear-algebra.ts';
import { readTrainingConfig } from '../../../training/run/config.ts';
import { createStrategy } from '../../../training/tuning/strategies.ts';
import type { StrategyName } from '../../../training/tuning/strategies.ts';
import type { SearchSpace } from '../../../training/tuning/space.ts';

const points = [[0.1, 0.9], [0.4, 0.3], [0.75, 0.6], [0.9, 0.05]];
const values = [1.2, -0.5, 0.3, 2];
const observations = { points, values, scaleOf: [0, 1] };

describe('linear algebra', () => {
  it('factorises and solves, and refuses what is not positive definite', () => {
    // The example of Golub and Van Loan, section 4.2: L = [[2, 0], [-1, 3]].
    const lower = cholesky(Float64Array.from([4, -2, -2, 10]), 2) ?? new Float64Array();
    expect([...lower]).toEqual([2, 0, -1, 3]);
    expect([...solveUpper(lower, solveLower(lower, [2, 8]))].map((x) => Number(x.toFixed(12)))).toEqual([1, 1]);
    expect(cholesky(Float64Array.from([1, 2, 2, 1]), 2)).toBeUndefined();
  });
});

describe('a Gaussian process', () => {
  it('has the posterior that NumPy finds by inverting the matrix', () => {
    const process = gaussianProcess(observations, { lengths: [0.3, 0.8], signal: 1.7, noise: 0.01, mean: 0.25 });
    const expected = [[[0.5, 0.5], -0.44518704, 0.5051219], [[0.1, 0.9], 1.19096087, 0.09965336], [[0, 0], 0.44312572, 1.15251102]] as const;
    for (const [point, mean, deviation] of expected) {
      expect(process.predict(point).mean).toBeCloseTo(mean, 7);
      expect(process.predict(point).deviation).toBeCloseTo(deviation, 7);
    }
  });

  it('has, of one observation, the posterior of the textbook', () => {
    const process = gaussianProcess({ points: [[0]], values: [3], scaleOf: [0] }, { lengths: [1], signal: 2, noise: 0.5, mean: 0 });
    const near = 2 * matern52(0.7);
    expect(process.predict([0.7]).mean).toBeCloseTo((near / 2.5) * 3, 12);
    expect(process.predict([0.7]).deviation).toBeCloseTo(Math.sqrt(2 - near ** 2 / 2.5), 12);
  });

  it('has the marginal likelihood that SciPy gives for mean and signal at their best', () => {
    const { value, mean, signal } = profileLikelihood(observations, [0.3, 0.8], 0.01 / 1.7);
    expect([mean, signal, value].map((own) => Number(own.toFixed(8)))).toEqual([0.9866578, 1.51496226, -6.1131321].map((own) => Number(own.toFixed(8))));
  });

  it('finds which of two parameters matters, and that observations have no noise', () => {
    const own = Array.from({ length: 24 }, (_, at) => [(at * 0.618034) % 1, (at * 0.754878) % 1]);
    const { kernel, predict } = fitGaussianProcess({ points: own, values: own.map(([x = 0]) => Math.sin(6 * x)), scaleOf: [0, 1] });
    expect(kernel.lengths[1]! / kernel.lengths[0]!).toBeGreaterThan(3);
    expect(kernel.noise / kernel.signal).toBeLessThan(1e-4);
    expect(predict([0.5, 0.5]).mean).toBeCloseTo(Math.sin(3), 1);
  });

  it('survives the same point twice', () => {
    const { predict } = fitGaussianProcess({ points: [[0.5], [0.5], [0.1]], values: [1, 2, 0], scaleOf: [0] });
    expect(predict([0.5]).mean).toBeGreaterThan(1);
    expect(predict([0.5]).mean).toBeLessThan(2);
  });
});

describe('expected improvement', () => {
  it('is, as a logarithm, what mpmath gives with 50 digits, also where the closed form is 0', () => {
    const expected = [[1, 0.0800262188493069], [0, -0.918938533204674], [-1, -2.48512102571264], [-2, -4.76878352391711], [-5, -16.7443011626609], [-40, -808.298568356619], [-1e4, -50000019.3396193]] as const;
    for (const [z, value] of expected) expect(logExpectedImprovement(-z, 1, 0) / value).toBeCloseTo(1, 12);
  });

  it('grows with the deviation, and is what is gained where nothing is uncertain', () => {
    expect(Math.exp(logExpectedImprovement(1, 2, 3))).toBeCloseTo(2 * Math.exp(0.0800262188493069), 10);
    expect(Math.exp(logExpectedImprovement(1, 0, 3))).toBeCloseTo(2, 12);
    expect(logExpectedImprovement(3, 0, 1)).toBe(Number.NEGATIVE_INFINITY);
    // Far above: Φ(z) is 1.
    expect(Math.exp(logExpectedImprovement(-30, 1, 0))).toBeCloseTo(30, 10);
  });
});

/** Its minimum is 0.397887, at three places (Dixon and Szegö 1978). */
function branin(x: number, y: number): number {
  return (y - (5.1 / (4 * Math.PI ** 2)) * x ** 2 + (5 / Math.PI) * x - 6) ** 2 + 10 * (1 - 1 / (8 * Math.PI)) * Math.cos(x) + 10;
}

describe('the strategies on the Branin function', () => {
  const space: SearchSpace = { format: 'copresence.space.v1', parameters: { 'network.x': { kind: 'float', low: -5, high: 10, scale: 'linear' }, 'network.y': { kind: 'float', low: 0, high: 15, scale: 'linear' } } };
  const trials = 30;
  const leastOf = (name: StrategyName, seed: number): number => {
    const strategy = createStrategy(name, { space, seed, trials, family: readTrainingConfig({}).family });
    const tried: { values: Record<string, never>; score: number }[] = [];
    for (let trial = 0; trial < trials; trial++) {
      const values = strategy(trial, { tried, running: [] }) as Record<string, never>;
      tried.push({ values, score: -branin(Number(values['network.x']), Number(values['network.y'])) });
    }
    return -Math.max(...tried.map(({ score }) => score));
  };

  it('come within 0.01 of the minimum in 30 evaluations from each of five seeds, where chance stays further away', () => {
    const seeds = [1, 2, 3, 4, 5];
    const bayesian = seeds.map((seed) => leastOf('bayesian', seed) - 0.397887);
    const random = seeds.map((seed) => leastOf('random', seed) - 0.397887);
    expect(Math.max(...bayesian)).toBeLessThan(0.01);
    expect(Math.min(...bayesian)).toBeGreaterThan(-1e-6);
    seeds.forEach((_, at) => expect(bayesian[at]).toBeLessThan(random[at]! / 5));
  });
});
