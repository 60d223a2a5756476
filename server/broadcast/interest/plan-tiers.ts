/**
 * Decides how often a receiver gets each of the others: tier k is every 2^k-th tick.
 *
 * A budget per participant would need a knapsack; taking the farthest away until it fits leaves some at a standstill. Here the
 * budget is a pressure in octaves that is added to everybody's remoteness, the least that fits: who matters least loses half of
 * their rate first, nobody goes below the slowest tier, and where even that is too much it is said and exceeded.
 */
import { LEAST_REMOTE } from './remoteness.ts';

/** Nobody is sent more seldom, since below it motion is no longer seen as such. */
export const LEAST_RATE_HZ = 5;
/** The wire has three bits for a tier, and four are all that 120 Hz need. */
export const MOST_TIERS = 5;
/** How far beyond its edge a value keeps its tier, so that a pace back and forth does not change it each time. */
const HYSTERESIS_OCTAVES = 0.25;
/** Pressure goes in steps of this. */
const PRESSURE_STEP = 0.25;
/** Pressure is taken off only where this share of the budget does without it. */
const RELIEF_SHARE = 0.85;
/** In `before`: not planned yet. */
export const NO_TIER = 255;

/** The slowest tier that is not below LEAST_RATE_HZ; 0 where the ticks themselves are. */
export function slowestTier(tickRateHz: number): number {
  return Math.max(0, Math.min(MOST_TIERS - 1, Math.floor(Math.log2(tickRateHz / LEAST_RATE_HZ) + 1e-9)));
}

/** The first tier that is not faster than wanted, unless none is. @param rateHz - what a receiver wants at most; undefined for as much as there is. */
export function fastestTier(tickRateHz: number, rateHz: number | undefined): number {
  if (rateHz === undefined || rateHz >= tickRateHz) return 0;
  return Math.min(slowestTier(tickRateHz), Math.max(0, Math.ceil(Math.log2(tickRateHz / rateHz) - 1e-9)));
}

/** Of one receiver; the arrays hold one value for each of the others, of whom there are `count`. Read only. */
export interface PlanInput {
  readonly count: number;
  /** Octaves, as `remotenessOf` gives them. */
  readonly remoteness: Float64Array;
  /** Bytes a second that each costs in tier 0. */
  readonly costs: Float64Array;
  /** The tiers until now, or NO_TIER. */
  readonly before: Uint8Array;
  readonly fastest: number;
  readonly slowest: number;
  /** Bytes a second for all of them; Infinity for no bound. */
  readonly budget: number;
  /** Of the plan before; 0 at first. */
  readonly pressure: number;
}

export interface TierPlan {
  /** Octaves by which the budget makes everybody more remote. */
  readonly pressure: number;
  /** Bytes a second that the plan is thought to take. */
  readonly bytesPerSecond: number;
  /** How many are sent more seldom than without the budget. */
  readonly demoted: number;
  /** Even with everybody in the slowest tier it is more than the budget. */
  readonly isExceeded: boolean;
}

/** @param tiers - `count` values, overwritten; may be `input.before`. @bound O(count), seven times at most; no allocation but the plan. */
export function planTiers(input: PlanInput, tiers: Uint8Array): TierPlan {
  const pressure = findPressure(input);
  let bytesPerSecond = 0;
  let demoted = 0;
  for (let index = 0; index < input.count; index++) {
    const free = tierOf(input, index, 0);
    const tier = tierOf(input, index, pressure);
    if (tier > free) demoted++;
    bytesPerSecond += input.costs[index]! / (1 << tier);
    tiers[index] = tier;
  }
  return { pressure, bytesPerSecond, demoted, isExceeded: bytesPerSecond > input.budget };
}

/** The least pressure that fits, but less than before only where it fits well. */
function findPressure(input: PlanInput): number {
  const { budget, pressure, slowest } = input;
  if (budget === Infinity) return 0;
  if (bytesAt(input, pressure) <= budget) return leastFitting(input, 0, pressure, RELIEF_SHARE * budget);
  return leastFitting(input, pressure, slowest + 1 + HYSTERESIS_OCTAVES - LEAST_REMOTE, budget);
}

/** The least of the steps between two pressures at which the bytes fit; the higher one where none does. */
function leastFitting(input: PlanInput, from: number, to: number, budget: number): number {
  let low = Math.floor(from / PRESSURE_STEP);
  let high = Math.ceil(to / PRESSURE_STEP);
  while (low < high) {
    const middle = (low + high) >> 1;
    if (bytesAt(input, middle * PRESSURE_STEP) <= budget) high = middle;
    else low = middle + 1;
  }
  return high * PRESSURE_STEP;
}

function bytesAt(input: PlanInput, pressure: number): number {
  let bytes = 0;
  for (let index = 0; index < input.count; index++) bytes += input.costs[index]! / (1 << tierOf(input, index, pressure));
  return bytes;
}

function tierOf(input: PlanInput, index: number, pressure: number): number {
  const octaves = input.remoteness[index]! + pressure;
  const before = input.before[index]!;
  const stays = before !== NO_TIER && octaves >= before - HYSTERESIS_OCTAVES && octaves < before + 1 + HYSTERESIS_OCTAVES;
  return Math.max(input.fastest, Math.min(input.slowest, stays ? before : Math.floor(octaves)));
}
