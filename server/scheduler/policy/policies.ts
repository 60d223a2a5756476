/** The batching policies by name. */
import { aimd } from './aimd.ts';
import { bestYield } from './best-yield.ts';
import { deferred, reserve } from './deferred.ts';
import { eager } from './eager.ts';
import type { BatchPolicy } from './policy.ts';
import { windowDrop } from './window-drop.ts';

export const POLICIES = { eager, aimd, 'window-drop': windowDrop, deferred, reserve, 'best-yield': bestYield } as const satisfies Readonly<Record<string, BatchPolicy>>;
export type PolicyName = keyof typeof POLICIES;

/** What is taken when nobody names one: of all these it bears the most, or nearly, on any number of devices (docs/performance.md). */
export const DEFAULT_POLICY: PolicyName = 'best-yield';

export function policyNamed(name: PolicyName | 'auto'): BatchPolicy {
  return POLICIES[name === 'auto' ? DEFAULT_POLICY : name];
}
