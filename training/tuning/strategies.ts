/** Which assignment to try next: by a grid, by chance, or where a Gaussian process expects the most. */
import { CopresenceError } from '../../core/errors.ts';
import { randomNormal, seededRandom } from '../../core/random.ts';
import type { Random } from '../../core/random.ts';
import type { Family } from '../run/config.ts';
import { logExpectedImprovement } from './expected-improvement.ts';
import { fitGaussianProcess } from './gaussian-process.ts';
import type { GaussianProcess } from './gaussian-process.ts';
import { createEncoder, drawAssignment, gridAssignments, moveAssignment } from './space.ts';
import type { Assignment, Encoder, SearchSpace } from './space.ts';

export const STRATEGIES = ['bayesian', 'random', 'grid'] as const;
export type StrategyName = (typeof STRATEGIES)[number];

/** What is known when a trial is chosen. */
export interface Known {
  /** Those that ended, in the order of their numbers. Without a score, where the training failed. */
  readonly tried: readonly { readonly values: Assignment; readonly score?: number | undefined }[];
  /** Those that still run. */
  readonly running: readonly Assignment[];
}

export interface StrategyOptions {
  readonly space: SearchSpace;
  readonly seed: number;
  readonly trials: number;
  /** Of the configuration that the space changes. */
  readonly family: Family;
}

/** Gives the trial of a number, from 0. The same options and the same known trials give the same; undefined where there is none any more. */
export type Strategy = (trial: number, known: Known) => Assignment | undefined;

/** Places of each number in a grid. */
const GRID_STEPS = 3;
const MAX_GRID = 10_000;
/** Trials by chance before the process is believed. */
const FIRST_BY_CHANCE = 6;
const CANDIDATES = 600;
/** From the best candidates and the best trials, in ever smaller steps. */
const REFINEMENTS = [0.2, 0.1, 0.05, 0.02, 0.01, 0.003];
const MOVES = 40;

/** @throws CopresenceError CONFIG_INVALID for a grid that is larger than the number of trials. */
export function createStrategy(name: StrategyName, options: StrategyOptions): Strategy {
  const { space, seed, trials } = options;
  switch (name) {
    case 'grid': {
      const grid = gridAssignments(space, GRID_STEPS, MAX_GRID);
      if (grid.length > trials) throw new CopresenceError('CONFIG_INVALID', `the grid has ${grid.length === MAX_GRID ? 'at least ' : ''}${grid.length} points, of --trials ${trials}: give fewer values, or another --strategy`);
      return (trial) => grid[trial];
    }
    case 'random':
      return (trial) => drawAssignment(space, randomOf(seed, trial));
    case 'bayesian': {
      const encoder = createEncoder(space, options.family);
      return (trial, known) => {
        const random = randomOf(seed, trial);
        if (known.tried.filter(({ score }) => score !== undefined).length < Math.min(FIRST_BY_CHANCE, Math.ceil(trials / 2))) return drawAssignment(space, random);
        return mostPromising(space, encoder, known, random);
      };
    }
    default:
      return name satisfies never;
  }
}

/** A trial's chance depends on seed and number alone, so that an interrupted tuning goes on as it would have. */
function randomOf(seed: number, trial: number): Random {
  return seededRandom((Math.imul(seed, 0x9e3779b1) + Math.imul(trial + 1, 0x85ebca6b)) >>> 0);
}

/**
 * The assignment with the highest expected improvement. A trial that failed counts as the worst seen; one that still runs as what is
 * expected of it ("kriging believer", Ginsbourger et al. 2010), so that two at a time do not try the same.
 */
function mostPromising(space: SearchSpace, encoder: Encoder, { tried, running }: Known, random: Random): Assignment {
  const scores = tried.flatMap(({ score }) => score ?? []);
  const worst = Math.min(...scores);
  const points = tried.map(({ values }) => encoder.encode(values));
  const losses = standardise(tried.map(({ score }) => -(score ?? worst)));
  const observed = { points, values: losses, scaleOf: encoder.scaleOf };
  let process = fitGaussianProcess(observed);
  for (const values of running) {
    const point = encoder.encode(values);
    observed.values.push(process.predict(point).mean);
    observed.points.push(point);
    process = fitGaussianProcess(observed);
  }
  return maximise(space, encoder, process, { best: Math.min(...observed.points.map((point) => process.predict(point).mean)), starts: bestOf(tried), random });
}

interface Maximising {
  /** Observations are noisy: the least that the process believes in at a tried point. */
  readonly best: number;
  readonly starts: readonly Assignment[];
  readonly random: Random;
}

function maximise(space: SearchSpace, encoder: Encoder, process: GaussianProcess, { best, starts, random }: Maximising): Assignment {
  const gainOf = (values: Assignment): number => {
    const { mean, deviation } = process.predict(encoder.encode(values));
    return logExpectedImprovement(mean, deviation, best);
  };
  const rated = (values: Assignment): { values: Assignment; gain: number } => ({ values, gain: gainOf(values) });
  let front = [...starts, ...Array.from({ length: CANDIDATES }, () => drawAssignment(space, random))].map(rated);
  const normal = (): number => randomNormal(random);
  for (const deviation of REFINEMENTS) {
    front = front.sort((a, b) => b.gain - a.gain).slice(0, 4);
    front.push(...front.flatMap(({ values }) => Array.from({ length: MOVES / 4 }, () => rated(moveAssignment(space, values, random, normal, deviation)))));
  }
  return front.reduce((most, own) => (own.gain > most.gain ? own : most)).values;
}

function bestOf(tried: Known['tried']): Assignment[] {
  return tried.filter(({ score }) => score !== undefined).sort((a, b) => b.score! - a.score!).slice(0, 3).map(({ values }) => values);
}

/** To mean 0 and deviation 1: what the kernel's start values are meant for. */
function standardise(values: readonly number[]): number[] {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
  return values.map((value) => (value - mean) / (deviation > 0 ? deviation : 1));
}
