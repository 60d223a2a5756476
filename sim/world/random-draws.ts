/** The ways in which a world draws its chances. */
import { randomInt, type Random } from '../../core/random.ts';

/** True in this share of the calls. */
export function chance(random: Random, share: number): boolean {
  return random.next() < share;
}

/** One of them. */
export function pick<T>(random: Random, choices: readonly T[]): T {
  return choices[randomInt(random, choices.length)] as T;
}

/** The time to the next of events that come by chance, so many a minute (exponential); Infinity for none. */
export function waitMs(random: Random, perMinute: number): number {
  return perMinute === 0 ? Infinity : (-Math.log(1 - random.next()) * 60_000) / perMinute;
}
