/** Eager batching, as NVIDIA Triton's dynamic batcher does without a delay: whatever waits goes to an idle device. */
import { LEARNS_NOTHING, planAtOnce, planWithoutChoice, type BatchPolicy } from './policy.ts';

/**
 * Sends as much as the device can take within the budget, and looks at deadlines only to leave out what has expired.
 *
 * Under load its batches are as large as they can be, so that the work is cheap, but whoever has waited is late.
 */
export const eager: BatchPolicy = {
  ...LEARNS_NOTHING,
  plan: (queue, nowMs, devices) => planWithoutChoice(queue, nowMs, devices) ?? planAtOnce(queue, devices.largest),
};
