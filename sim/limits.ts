/** What a scheduler that knew all arrivals beforehand could reach: the limit that load runs on one device are measured against. */

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
