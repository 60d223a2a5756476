/** The space of a tuning, the median rule, and what the strategies promise. */
import { describe, expect, it } from 'vitest';
import { randomNormal, seededRandom } from '../../../core/random.ts';
import { readTrainingConfig } from '../../../training/run/config.ts';
import { isBehind, medianBar } from '../../../training/tuning/median-rule.ts';
import { configOf, createEncoder, DEFAULT_SPACE, drawAssignment, gridAssignments, moveAssignment, readSearchSpace } from '../../../training/tuning/space.ts';
import type { SearchSpace } from '../../../training/tuning/space.ts';
import { createStrategy, STRATEGIES } from '../../../training/tuning/strategies.ts';

const base = readTrainingConfig({});
const spaceOf = (parameters: object): SearchSpace => readSearchSpace({ format: 'copresence.space.v1', parameters }, base);

const mixed = spaceOf({
  family: { kind: 'choice', values: ['mlp', 'random-forest'] },
  'network.learningRate': { kind: 'float', low: 1e-4, high: 1e-1, scale: 'log' },
  'network.batchSize': { kind: 'int', low: 16, high: 18 },
  'network.hidden': { kind: 'choice', values: [[8], [8, 4]] },
  'trees.count': { kind: 'int', low: 5, high: 50, scale: 'log' },
});

describe('a search space', () => {
  it.each([
    [{ seed: { kind: 'int', low: 1, high: 9 } }, /no field that can be tuned/],
    [{ 'cleaning.maxMissingShare': { kind: 'float', low: 0, high: 1 } }, /no field that can be tuned/],
    [{ 'network.momentum': { kind: 'float', low: 0, high: 1 } }, /momentum/],
    [{ 'network.dropout': { kind: 'float', low: 0, high: 2 } }, /dropout/],
    [{ 'network.dropout': { kind: 'float', low: 0.5, high: 0.1 } }, /is not above low/],
    [{ 'network.dropout': { kind: 'float', low: 0, high: 0.5, scale: 'log' } }, /is not above 0/],
    [{ 'network.schedule': { kind: 'choice', values: ['cosine', 'never'] } }, /schedule/],
    [{ 'network.batchSize': { kind: 'int', low: 1.5, high: 4 } }, /low/],
    [{}, /no parameter/],
  ])('is refused with the field that does not fit: %j', (parameters, message) => {
    expect(() => spaceOf(parameters)).toThrow(message);
    expect(() => spaceOf(parameters)).toThrow(/^CONFIG_INVALID/);
  });

  it('gives assignments that the training takes, within bounds, each whole number equally often', () => {
    const random = seededRandom(3);
    const drawn = Array.from({ length: 3000 }, () => drawAssignment(mixed, random));
    for (const own of drawn) expect(() => configOf(base, own)).not.toThrow();
    const rates = drawn.map((own) => Number(own['network.learningRate']));
    expect(rates.filter((rate) => rate < 1e-3).length / rates.length).toBeCloseTo(1 / 3, 1);
    for (const size of [16, 17, 18]) expect(drawn.filter((own) => own['network.batchSize'] === size).length / drawn.length).toBeCloseTo(1 / 3, 1);
    expect(configOf(base, { family: 'adaboost', 'trees.count': 9 })).toEqual({ ...base, family: 'adaboost', trees: { ...base.trees, count: 9 } });
  });

  it('moves an assignment a little, and keeps it within bounds', () => {
    const random = seededRandom(4);
    const from = { ...drawAssignment(mixed, random), 'network.learningRate': 0.0999 };
    for (let at = 0; at < 200; at++) {
      const rate = Number(moveAssignment(mixed, from, random, () => randomNormal(random), 0.02)['network.learningRate']);
      expect(rate).toBeLessThanOrEqual(0.1);
      expect(rate).toBeGreaterThan(0.04);
    }
  });

  it('lays a grid over every combination', () => {
    const grid = gridAssignments(mixed, 3, 1000);
    expect(grid).toHaveLength(2 * 3 * 3 * 2 * 3);
    expect(new Set(grid.map((own) => JSON.stringify(own))).size).toBe(grid.length);
    expect(new Set(grid.map((own) => own['network.batchSize']))).toEqual(new Set([16, 17, 18]));
  });

  it('encodes choices a distance of 1 apart, and what the family does not look at as nothing', () => {
    const encoder = createEncoder(mixed, 'mlp');
    const own = { family: 'mlp', 'network.learningRate': 0.1, 'network.batchSize': 16, 'network.hidden': [8, 4], 'trees.count': 50 };
    const half = Math.SQRT1_2;
    expect(encoder.scaleOf).toEqual([0, 0, 1, 2, 3, 3, 4]);
    expect(encoder.encode(own)).toEqual([half, 0, 1, 0, 0, half, 0.5]);
    expect(encoder.encode({ ...own, family: 'random-forest' })).toEqual([0, half, 0.5, 0.5, 0, 0, 1]);
  });
});

describe('the median rule', () => {
  const complete = [[0.1, 0.5, 0.6], [0.2, 0.4, 0.8], [0.3, 0.6]];

  it('asks for the median of the complete trials at the same step, of at least so many', () => {
    expect(medianBar(complete, { warmUpTrials: 2, warmUpSteps: 0 }).map((own) => Number(own.toFixed(6)))).toEqual([0.2, 0.5, 0.7]);
    expect(medianBar(complete, { warmUpTrials: 3, warmUpSteps: 1 })).toEqual([Number.NEGATIVE_INFINITY, 0.5, Number.NEGATIVE_INFINITY]);
    expect(medianBar(complete, { warmUpTrials: 4, warmUpSteps: 0 })).toEqual([]);
  });

  it('gives up what is behind it, not what is level with it or beyond its last step', () => {
    expect(isBehind(0.49, 1, [0.2, 0.5])).toBe(true);
    expect(isBehind(0.5, 1, [0.2, 0.5])).toBe(false);
    expect(isBehind(0, 2, [0.2, 0.5])).toBe(false);
  });
});

describe('a strategy', () => {
  const scored = (values: Record<string, unknown>): number => -Math.abs(Math.log10(Number(values['network.learningRate'])) + 2) - (values['family'] === 'mlp' ? 0 : 1);
  const play = (name: (typeof STRATEGIES)[number], seed: number, trials: number, known: { values: Record<string, never>; score: number | undefined }[] = []) => {
    const strategy = createStrategy(name, { space: mixed, seed, trials, family: 'mlp' });
    for (let trial = known.length; trial < trials; trial++) {
      const values = strategy(trial, { tried: known, running: [] }) as Record<string, never>;
      known.push({ values, score: trial === 3 ? undefined : scored(values) });
    }
    return known;
  };

  it.each(STRATEGIES)('%s gives the same trials from the same seed, also when it goes on in the middle', (name) => {
    const trials = name === 'grid' ? 108 : 12;
    const whole = play(name, 5, trials);
    expect(play(name, 5, trials, whole.slice(0, 9))).toEqual(whole);
    if (name !== 'grid') expect(play(name, 6, trials)).not.toEqual(whole);
  });

  it('that models the scores finds family and rate, also with a trial that failed', () => {
    const best = Math.max(...play('bayesian', 1, 24).map(({ score }) => score ?? Number.NEGATIVE_INFINITY));
    expect(best).toBeGreaterThan(-0.1);
  });

  it('gives those that run at the same time different trials', () => {
    const tried = play('bayesian', 2, 12).slice(0, 11);
    const strategy = createStrategy('bayesian', { space: DEFAULT_SPACE, seed: 2, trials: 20, family: 'mlp' });
    const own = tried.map((_, at) => { const values = drawAssignment(DEFAULT_SPACE, seededRandom(at)); return { values, score: -Number(values['network.dropout']) }; });
    const first = strategy(11, { tried: own, running: [] });
    const second = strategy(11, { tried: own, running: [first ?? {}] });
    expect(second).not.toEqual(first);
  });

  it('refuses a grid of more points than trials', () => {
    expect(() => createStrategy('grid', { space: mixed, seed: 1, trials: 20, family: 'mlp' })).toThrow(/CONFIG_INVALID.*108 points/);
  });
});
