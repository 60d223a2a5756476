/** The batching policies by name, and the one that is taken when nobody names one. */
import { aimd } from './aimd.ts';
import { deferred, reserve } from './deferred.ts';
import { eager } from './eager.ts';
import { LEARNS_NOTHING, type BatchPolicy } from './policy.ts';
import { windowDrop } from './window-drop.ts';

export const POLICY_NAMES = ['auto', 'eager', 'aimd', 'window-drop', 'deferred', 'reserve'] as const;
/** `auto` is picked anew at each plan, by the number of devices. */
export type PolicyName = (typeof POLICY_NAMES)[number];

const auto: BatchPolicy = {
  ...LEARNS_NOTHING,
  plan: (queue, nowMs, devices, table, state) => (devices.count === 1 ? windowDrop : reserve).plan(queue, nowMs, devices, table, state),
};

export const POLICIES: Readonly<Record<PolicyName, BatchPolicy>> = { auto, eager, aimd, 'window-drop': windowDrop, deferred, reserve };
