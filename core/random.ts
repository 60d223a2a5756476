/** Chance: the only file that touches the machine's randomness. Everything else takes a `Random`. */

/** Where a component gets its chance from. */
export interface Random {
  /** A float in [0, 1). */
  next(): number;
}

/**
 * A seeded generator (mulberry32): the same seed gives the same sequence on every machine.
 *
 * Not for secrets: tokens and keys come from `crypto`.
 */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return {
    next() {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
    },
  };
}

/** The machine's generator, for jitter that need not repeat. */
export const systemRandom: Random = { next: () => Math.random() };

/** An integer in [0, bound). */
export function randomInt(random: Random, bound: number): number {
  return Math.floor(random.next() * bound);
}

/** A float in [low, high). */
export function randomBetween(random: Random, low: number, high: number): number {
  return low + random.next() * (high - low);
}

/** A normally distributed float (Box-Muller), mean 0 and deviation 1. */
export function randomNormal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
}

/** Puts `items` into random order in place (Fisher-Yates) and returns it. */
export function shuffle<T>(random: Random, items: T[]): T[] {
  for (let last = items.length - 1; last > 0; last--) {
    const other = randomInt(random, last + 1);
    const kept = items[last] as T;
    items[last] = items[other] as T;
    items[other] = kept;
  }
  return items;
}
