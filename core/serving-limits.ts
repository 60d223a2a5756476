/** What any scheduler could reach at best: the limits that load runs are measured against. */

/** One model on identical devices, all requests with the same time to their deadline. */
export interface ServingProblem {
  /** l(b): the time of a batch of `size`, in milliseconds; must not fall as the size grows. */
  readonly latencyMs: (size: number) => number;
  readonly maxBatchSize: number;
  readonly deviceCount: number;
  /** From arrival to deadline. */
  readonly budgetMs: number;
}

/** Requests in time per second, and the batch size that gives them; both 0 when none can be in time. */
export interface ServingLimit {
  readonly goodputHz: number;
  readonly batchSize: number;
}

/**
 * T_exec: no arrivals and no policy can give more.
 *
 * `N · max{ b/l(b) : b ≤ maxBatchSize, l(b) ≤ D }`, for `l(b) = αb + β` about `(N/α)(1 − β/D)`.
 */
export function executionLimit(problem: ServingProblem): ServingLimit {
  return bestSize(problem, (size) => problem.latencyMs(size) <= problem.budgetMs);
}

/**
 * T_even and b*: the most with evenly spaced arrivals and nothing late.
 *
 * A batch gathers for `(b−1)/rate = l(b)(b−1)/(bN)` before it runs, so `l(b)(1 + (b−1)/(bN)) ≤ D`; for
 * `l(b) = αb + β` about `(N/α)(1 − (1+1/N)β/D)` with `b* = (D/(1+1/N) − β)/α`.
 */
export function evenLimit(problem: ServingProblem): ServingLimit {
  const { latencyMs, deviceCount, budgetMs } = problem;
  return bestSize(problem, (size) => latencyMs(size) * (1 + (size - 1) / (size * deviceCount)) <= budgetMs);
}

function bestSize(problem: ServingProblem, isFeasible: (size: number) => boolean): ServingLimit {
  let best: ServingLimit = { goodputHz: 0, batchSize: 0 };
  for (let size = 1; size <= problem.maxBatchSize; size++) {
    const goodputHz = (1000 * problem.deviceCount * size) / problem.latencyMs(size);
    if (isFeasible(size) && goodputHz >= best.goodputHz) best = { goodputHz, batchSize: size };
  }
  return best;
}
