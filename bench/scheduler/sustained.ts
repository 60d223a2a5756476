/** The highest load that a policy bears with 99 % in time. */
import type { PolicyName } from '../../server/scheduler/policy/policies.ts';
import { clairvoyantServed } from '../../sim/limits.ts';
import { makeTrace, type Arrivals, type Trace } from './arrivals.ts';
import { BUDGET_MS, latencyOf, limitsOf, MAX_BATCH_SIZE, type Problem } from './problem.ts';
import { serve } from './serve.ts';

export interface Cell {
  readonly problem: Problem;
  readonly arrivals: Arrivals;
  readonly recordings: readonly Float64Array[];
  /** Requests for one device; more devices get more, though not as many times more. */
  readonly length: number;
}

export interface SustainedRow {
  readonly deviceCount: number;
  readonly cost: string;
  readonly arrivals: Arrivals;
  readonly policy: PolicyName;
  /** The highest load with 99 % in time, as a share of T_even and of T_exec. */
  readonly ofEven: number;
  readonly ofExecution: number;
  /** Of the highest load that knowing all arrivals beforehand bears; null for more than one device. */
  readonly ofClairvoyant: number | null;
}

const IN_TIME_SHARE = 0.99;
const LOADS = { least: 0.05, most: 1.2 };
const PRECISION = 0.005;
const WARM_UP_SHARE = 0.2;

/** As a share of T_even; 0 when even the least load is too much. */
export async function findSustained(cell: Cell, policy: PolicyName): Promise<number> {
  const { problem } = cell;
  const maxLostShare = 1 - IN_TIME_SHARE;
  const isBorne = async (load: number): Promise<boolean> => {
    const tally = await serve({ problem, policy, trace: traceAt(cell, load), warmUpShare: WARM_UP_SHARE, maxLostShare });
    return tally.lost <= maxLostShare * tally.counted;
  };
  let low: number = LOADS.least;
  let high: number = LOADS.most;
  if (!(await isBorne(low))) return 0;
  while (high - low > PRECISION) {
    const middle = (low + high) / 2;
    if (await isBorne(middle)) low = middle;
    else high = middle;
  }
  return low;
}

/** What knowing all arrivals beforehand would bear, on one device, as a share of T_even. */
export function findClairvoyant(cell: Cell): number {
  let low: number = LOADS.least;
  let high: number = LOADS.most;
  while (high - low > PRECISION) {
    const middle = (low + high) / 2;
    if (isBorneWithHindsight(cell, middle)) low = middle;
    else high = middle;
  }
  return low;
}

function isBorneWithHindsight(cell: Cell, load: number): boolean {
  const arrivalsMs = [...traceAt(cell, load).arrivedMs];
  const problem = { arrivalsMs, latencyMs: latencyOf(cell.problem.cost), maxBatchSize: MAX_BATCH_SIZE, budgetMs: BUDGET_MS };
  return clairvoyantServed({ ...problem, maxLostShare: 1 - IN_TIME_SHARE }) !== undefined;
}

function traceAt({ problem, arrivals, recordings, length }: Cell, load: number): Trace {
  const rateHz = load * limitsOf(problem).evenHz;
  return makeTrace({ arrivals, rateHz, length: Math.round(length * Math.sqrt(problem.deviceCount)), recordings });
}
