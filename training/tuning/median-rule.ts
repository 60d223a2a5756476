/** When a trial is given up before its end: when its best score so far is behind the median of the others at that step. */
import { median } from '../dataset/clean.ts';

export interface PruningRules {
  /** Trials that run to their end before any is given up. */
  readonly warmUpTrials: number;
  /** First steps (epochs, or folds) of each trial in which it is never given up. */
  readonly warmUpSteps: number;
}

export const DEFAULT_PRUNING: PruningRules = { warmUpTrials: 5, warmUpSteps: 5 };

/**
 * What a trial must reach at each step.
 *
 * @param complete - scores by step, higher is better, of each trial that came to its end. One that ended by itself before a
 * step says nothing of it.
 * @returns by step; -Infinity where nothing is asked.
 */
export function medianBar(complete: readonly (readonly number[])[], { warmUpTrials, warmUpSteps }: PruningRules): number[] {
  if (complete.length < warmUpTrials) return [];
  const steps = Math.max(0, ...complete.map(({ length }) => length));
  return Array.from({ length: steps }, (_, step) => {
    const own = complete.flatMap((scores) => scores[step] ?? []);
    return step < warmUpSteps || own.length < warmUpTrials ? Number.NEGATIVE_INFINITY : median(own);
  });
}

/**
 * Whether to give a trial up (the median rule of Golovin et al. 2017, "Google Vizier", as Optuna's MedianPruner applies it).
 *
 * @param best - score of its steps so far.
 * @param step - that it has ended, from 0.
 */
export function isBehind(best: number, step: number, bar: readonly number[]): boolean {
  return best < (bar[step] ?? Number.NEGATIVE_INFINITY);
}
