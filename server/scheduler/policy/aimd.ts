/** Adaptive batching, as Clipper does (Crankshaw et al., NSDI 2017): the cap grows by one and shrinks by a tenth. */
import { planAtOnce, planWithoutChoice, type BatchFeedback, type BatchPolicy, type PolicyState } from './policy.ts';

const BACK_OFF = 0.9;

/**
 * Like eager batching, with a cap that it finds by trying: it needs no measured costs.
 *
 * A batch below the cap says nothing of a larger one, so only full batches raise it; any late one lowers it.
 */
export const aimd: BatchPolicy = {
  initial: { cap: 1, givenUpShare: 0 },
  plan(queue, nowMs, devices, _table, state) {
    return planWithoutChoice(queue, nowMs, devices) ?? planAtOnce(queue, Math.max(1, Math.min(Math.floor(state.cap), devices.largest)));
  },
  learn(state: PolicyState, { size, cap, isLate }: BatchFeedback): PolicyState {
    if (isLate) return { ...state, cap: Math.max(1, state.cap * BACK_OFF) };
    // The device's own largest batch is not passed, or the cap would have to come back from far above it.
    return size < cap || cap < Math.floor(state.cap) ? state : { ...state, cap: state.cap + 1 };
  },
};
