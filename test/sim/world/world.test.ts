import { describe, expect, it } from 'vitest';
import { runWorld } from '../../../sim/world/world.ts';

/** Drawn so that between them they have every fault, many devices and none, thieves and intruders. */
const SEEDS = [1, 5, 11, 17, 25, 28, 34, 36, 45, 49, 56, 60];

describe('a simulated world', () => {
  it.each(SEEDS)('of seed %i keeps every rule', async (seed) => {
    const { violation } = await runWorld({ seed, minutes: 0.1 });
    expect(violation).toBeUndefined();
  });

  it('is the same again from the same seed, event by event, and another from another seed', async () => {
    const [once, again, other] = [await runWorld({ seed: 3, minutes: 0.1 }), await runWorld({ seed: 3, minutes: 0.1 }), await runWorld({ seed: 4, minutes: 0.1 })];
    expect(again).toEqual(once);
    expect(once.steps).toBeGreaterThan(1000);
    expect(other.hash).not.toBe(once.hash);
  });
});
