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

/** A recorded trace on one device. */
export interface ClairvoyantProblem {
  /** Rising, in milliseconds. */
  readonly arrivalsMs: readonly number[];
  /** Must not fall as the size grows. */
  readonly latencyMs: (size: number) => number;
  readonly maxBatchSize: number;
  readonly budgetMs: number;
  /** The search ends when more than this share has to be given up, 0..1. */
  readonly maxLostShare: number;
}

/**
 * The most requests of a trace that one device could have served in time, knowing all arrivals beforehand.
 *
 * A dynamic programme over f[i][d], the earliest finish after deciding the first i requests with d given up: the i-th
 * is given up, or ends a batch of the last b. Some optimum serves requests in the order of their arrival, because
 * all have the same time to their deadline.
 *
 * @returns how many requests; `undefined` when more than `maxLostShare` of them must be given up.
 * @bound O(n² · maxLostShare · maxBatchSize) time; memory for maxBatchSize + 1 rows of n · maxLostShare numbers.
 */
export function clairvoyantServed(problem: ClairvoyantProblem): number | undefined {
  const { arrivalsMs } = problem;
  const width = Math.floor(arrivalsMs.length * problem.maxLostShare) + 1;
  const rows = Array.from({ length: problem.maxBatchSize + 1 }, () => new Float64Array(width).fill(Infinity));
  rowAt(rows, 0)[0] = 0;
  for (let decided = 1; decided <= arrivalsMs.length; decided++) fillRow(problem, rows, decided);
  const lost = rowAt(rows, arrivalsMs.length).findIndex((finishMs) => finishMs < Infinity);
  return lost < 0 ? undefined : arrivalsMs.length - lost;
}

/** Computes f[decided][·] from the rows before it. Only the last maxBatchSize + 1 rows are kept, in a ring. */
function fillRow(problem: ClairvoyantProblem, rows: readonly Float64Array[], decided: number): void {
  const { arrivalsMs, latencyMs, budgetMs } = problem;
  const row = rowAt(rows, decided);
  const before = rowAt(rows, decided - 1);
  row[0] = Infinity;
  for (let lost = 1; lost < row.length; lost++) row[lost] = before[lost - 1]!;
  const lastMs = arrivalsMs[decided - 1]!;
  for (let size = 1; size <= Math.min(problem.maxBatchSize, decided); size++) {
    const headDeadlineMs = arrivalsMs[decided - size]! + budgetMs;
    const runMs = latencyMs(size);
    if (lastMs + runMs > headDeadlineMs) break;
    const start = rowAt(rows, decided - size);
    for (let lost = 0; lost < row.length; lost++) {
      const finishMs = Math.max(start[lost]!, lastMs) + runMs;
      if (finishMs <= headDeadlineMs && finishMs < row[lost]!) row[lost] = finishMs;
    }
  }
}

function rowAt(rows: readonly Float64Array[], decided: number): Float64Array {
  return rows[decided % rows.length]!;
}
