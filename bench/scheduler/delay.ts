/** What bursts do to the delay at a load that is borne easily when requests come evenly. */
import type { PolicyName } from '../../server/scheduler/policy/policies.ts';
import { clairvoyantServed } from '../../sim/limits.ts';
import { makeTrace, type Arrivals, type Trace } from './arrivals.ts';
import { BUDGET_MS, latencyOf, limitsOf, MAX_BATCH_SIZE, type Problem } from './problem.ts';
import { serve } from './serve.ts';

export interface DelayRow {
  readonly deviceCount: number;
  readonly cost: string;
  /** `clairvoyant`: the least p99 that knowing all arrivals beforehand would allow, for one device only. */
  readonly policy: PolicyName | 'clairvoyant';
  /** From arrival to result; whoever is not in time counts as the whole budget, 20 ms. */
  readonly evenP99Ms: number;
  readonly poissonP99Ms: number;
  readonly groupsP99Ms: number;
  readonly burstyP99Ms: number;
  /** Groups by even, and bursty by even. */
  readonly groupsRatio: number;
  readonly burstyRatio: number;
}

const LOAD = 0.7;
const WARM_UP_SHARE = 0.2;
const P99 = 0.99;
const KINDS = ['even', 'poisson', 'groups', 'bursty'] as const satisfies readonly Arrivals[];
const PRECISION_MS = 0.02;

export async function measureDelay(problem: Problem, policy: PolicyName, length: number): Promise<DelayRow> {
  const p99 = async (arrivals: Arrivals): Promise<number> => {
    const trace = traceOf(problem, arrivals, length);
    const { delaysMs } = await serve({ problem, policy, trace, warmUpShare: WARM_UP_SHARE, maxLostShare: 1 });
    return quantile(delaysMs, P99);
  };
  const p99s: number[] = [];
  for (const arrivals of KINDS) p99s.push(await p99(arrivals));
  return rowOf(problem, policy, p99s);
}

/** The same with hindsight: the shortest budget within which 99 % could have been served. One device only. */
export function leastDelay(problem: Problem, length: number): DelayRow {
  return rowOf(problem, 'clairvoyant', KINDS.map((arrivals) => leastP99(problem, traceOf(problem, arrivals, length))));
}

function rowOf({ deviceCount, cost }: Problem, policy: DelayRow['policy'], p99s: readonly number[]): DelayRow {
  const [evenP99Ms = NaN, poissonP99Ms = NaN, groupsP99Ms = NaN, burstyP99Ms = NaN] = p99s;
  return { deviceCount, cost: cost.name, policy, evenP99Ms, poissonP99Ms, groupsP99Ms, burstyP99Ms, groupsRatio: groupsP99Ms / evenP99Ms, burstyRatio: burstyP99Ms / evenP99Ms };
}

function traceOf(problem: Problem, arrivals: Arrivals, length: number): Trace {
  const rateHz = LOAD * limitsOf(problem).evenHz;
  return makeTrace({ arrivals, rateHz, length: Math.round(length * Math.sqrt(problem.deviceCount)), recordings: [] });
}

function leastP99({ cost }: Problem, { arrivedMs }: Trace): number {
  const arrivalsMs = [...arrivedMs];
  const problem = { arrivalsMs, latencyMs: latencyOf(cost), maxBatchSize: MAX_BATCH_SIZE, maxLostShare: 1 - P99 };
  let low = 0;
  let high = 10 * BUDGET_MS;
  while (high - low > PRECISION_MS) {
    const budgetMs = (low + high) / 2;
    if (clairvoyantServed({ ...problem, budgetMs }) === undefined) low = budgetMs;
    else high = budgetMs;
  }
  return high;
}

/** The value below which `share` of them are. */
export function quantile(values: Float64Array, share: number): number {
  const sorted = values.slice().sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}
