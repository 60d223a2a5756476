/** What the simulated devices cost, and the limits that follow from it. */
import { evenLimit, executionLimit } from '../../core/serving-limits.ts';
import { DEFAULT_POLICY, POLICIES, type PolicyName } from '../../server/scheduler/policy/policies.ts';

/** l(b) = fixedMs + itemMs · b. */
export interface Cost {
  readonly name: string;
  readonly fixedMs: number;
  readonly itemMs: number;
}

/** Identical devices that share one queue. */
export interface Problem {
  readonly cost: Cost;
  readonly deviceCount: number;
}

export const COSTS: readonly Cost[] = [
  { name: '2+0.25b', fixedMs: 2, itemMs: 0.25 },
  { name: '5+0.5b', fixedMs: 5, itemMs: 0.5 },
  { name: '3+0.1b', fixedMs: 3, itemMs: 0.1 },
];
export const DEVICE_COUNTS: readonly number[] = [1, 4, 8, 16];
/** The default last. */
export const POLICY_NAMES: readonly PolicyName[] = [...(Object.keys(POLICIES) as PolicyName[]).filter((name) => name !== DEFAULT_POLICY), DEFAULT_POLICY];
/** From arrival to deadline. */
export const BUDGET_MS = 20;
export const MAX_BATCH_SIZE = 64;

export function latencyOf({ fixedMs, itemMs }: Cost): (size: number) => number {
  return (size) => fixedMs + itemMs * size;
}

/** T_even and T_exec in requests a second, and b* with l(b*). */
export interface Limits {
  readonly evenHz: number;
  readonly executionHz: number;
  readonly batchSize: number;
  readonly batchMs: number;
}

export function limitsOf({ cost, deviceCount }: Problem): Limits {
  const latencyMs = latencyOf(cost);
  const problem = { latencyMs, maxBatchSize: MAX_BATCH_SIZE, deviceCount, budgetMs: BUDGET_MS };
  const { goodputHz, batchSize } = evenLimit(problem);
  return { evenHz: goodputHz, executionHz: executionLimit(problem).goodputHz, batchSize, batchMs: latencyMs(batchSize) };
}
