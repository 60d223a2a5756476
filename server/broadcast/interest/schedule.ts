/**
 * In which ticks a slot is sent.
 *
 * A line is a schedule: the tier of the slot, and the fastest tier that its receiver takes. Slots of one tier are spread over its ticks, so
 * that each tick has as many bytes; but who takes only every fourth tick gets everything in those.
 */
import { MOST_TIERS } from './plan-tiers.ts';

export const LINES = MOST_TIERS * MOST_TIERS;

/** In this many ticks each slot has one that may serve as a baseline; every line has such ticks. */
const BASELINE_TICKS = 1 << (MOST_TIERS - 1);

export function lineOf(tier: number, fastest: number): number {
  return fastest * MOST_TIERS + tier;
}

/** Whether a receiver with this fastest tier gets anything in a tick. */
export function isReceiverTick(tick: number, fastest: number): boolean {
  return (tick & ((1 << fastest) - 1)) === 0;
}

/** @param fastest - at most `tier`. */
export function isSlotTick(tick: number, slot: number, tier: number, fastest: number): boolean {
  return isReceiverTick(tick, fastest) && (((tick >>> fastest) + slot) & ((1 << (tier - fastest)) - 1)) === 0;
}

/** Whether what is sent of a slot in this tick may be what later deltas are taken of; every line sends it then. */
export function isBaselineTick(tick: number, slot: number, fastest: number): boolean {
  return isReceiverTick(tick, fastest) && (((tick >>> fastest) + slot) & ((BASELINE_TICKS >>> fastest) - 1)) === 0;
}
