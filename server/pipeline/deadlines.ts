/** Splits a request's time among the stages that answer it, in proportion to what they cost. */

/** One way a pipeline can go: its stages in order, and the time from arrival to result. */
export interface PipelineUse {
  readonly deadlineMs: number;
  readonly stages: readonly { readonly model: string; readonly costMs: number }[];
}

/**
 * When a stage has to be done: `arrival + D · (cost up to and with this stage) / (cost of all)`.
 *
 * A stage that took longer than its share would leave the later ones to run for nothing; a share by count instead of
 * cost would give the dear stage too little and refuse what could be in time.
 *
 * @param costsMs - of the stages in order, at least one; none negative. Equal shares when all are 0.
 * @param stage - index into `costsMs`.
 */
export function stageDeadlineMs(times: { readonly arrivedMs: number; readonly deadlineMs: number }, costsMs: readonly number[], stage: number): number {
  const isLast = stage >= costsMs.length - 1;
  if (isLast) return times.deadlineMs;
  return times.arrivedMs + (times.deadlineMs - times.arrivedMs) * sumOf(shares(costsMs).slice(0, stage + 1));
}

/**
 * What is left of a request's time when it reaches a model, for the scheduler's batch cap: the least over all uses,
 * since one queue serves them all.
 *
 * @returns Infinity for a model that no pipeline uses.
 */
export function stageBudgetMs(uses: readonly PipelineUse[], model: string): number {
  let budgetMs = Infinity;
  for (const { deadlineMs, stages } of uses) {
    const share = shares(stages.map(({ costMs }) => costMs));
    stages.forEach((stage, index) => {
      if (stage.model === model) budgetMs = Math.min(budgetMs, deadlineMs * (share[index] ?? 0));
    });
  }
  return budgetMs;
}

function shares(costsMs: readonly number[]): number[] {
  const total = sumOf(costsMs);
  return costsMs.map((costMs) => (total > 0 ? costMs / total : 1 / costsMs.length));
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
