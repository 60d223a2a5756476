/** What is left of a policy at twice the load that can be borne: goodput, age and fairness between streams. */
import type { PolicyName } from '../../server/scheduler/policy/policies.ts';
import { CAMERA_HZ, makeTrace } from './arrivals.ts';
import { limitsOf, type Problem } from './problem.ts';
import { serve } from './serve.ts';

export interface OverloadRow {
  readonly deviceCount: number;
  readonly cost: string;
  readonly policy: PolicyName;
  /** Requests in time a second, as a share of T_even. */
  readonly ofEven: number;
  /** Of what is shown of a stream: now minus capture of its newest result, over all streams and moments. */
  readonly meanAgeMs: number;
  /** Two camera periods and l(b*). */
  readonly ageGoalMs: number;
  /** Jain's index of the results of each stream: 1 when all get as many. */
  readonly jain: number;
}

const LOAD = 2;
const WARM_UP_SHARE = 0.25;
const LEAST_MS = 2000;

/** Cameras of 72 Hz with jitter, twice as many as T_even bears. */
export async function measureOverload(problem: Problem, policy: PolicyName, smoke: boolean): Promise<OverloadRow> {
  const { evenHz, batchMs } = limitsOf(problem);
  const rateHz = LOAD * evenHz;
  const length = Math.max(smoke ? 3000 : 30_000, (rateHz * (smoke ? LEAST_MS / 10 : LEAST_MS)) / 1000);
  const trace = makeTrace({ arrivals: 'camera-jitter', rateHz, length: Math.round(length), recordings: [] });
  const tally = await serve({ problem, policy, trace, warmUpShare: WARM_UP_SHARE, maxLostShare: 1 });
  return {
    deviceCount: problem.deviceCount,
    cost: problem.cost.name,
    policy,
    ofEven: (1000 * tally.done) / tally.spanMs / evenHz,
    meanAgeMs: tally.meanAgeMs,
    ageGoalMs: (2 * 1000) / CAMERA_HZ + batchMs,
    jain: jain(tally.doneByStream),
  };
}

/** Jain's fairness index, 1/n to 1. @param values - not negative, one of them above 0. */
export function jain(values: Float64Array): number {
  let total = 0;
  let squares = 0;
  for (const value of values) {
    total += value;
    squares += value * value;
  }
  return (total * total) / (values.length * squares);
}
