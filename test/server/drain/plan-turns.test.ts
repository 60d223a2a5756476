import fc from 'fast-check';
import { expect, it } from 'vitest';
import { seededRandom } from '../../../core/random.ts';
import { planTurns } from '../../../server/drain/plan-turns.ts';

it('[DRN2] gives everybody one turn, each in a share of the time of its own', () => {
  fc.assert(fc.property(fc.integer(), fc.integer({ min: 0, max: 400 }), fc.integer({ min: 0, max: 20_000 }), (seed, count, spreadMs) => {
    const items = Array.from({ length: count }, (_, index) => index);
    const turns = planTurns(items, spreadMs, seededRandom(seed));
    expect(turns.map(({ item }) => item).sort((a, b) => a - b)).toEqual(items);
    turns.forEach(({ delayMs }, index) => {
      expect(delayMs).toBeGreaterThanOrEqual((index / count) * spreadMs);
      expect(delayMs).toBeLessThanOrEqual(((index + 1) / count) * spreadMs);
    });
  }));
});

it('[DRN2] goes by chance, and the same chance gives the same turns', () => {
  const items = Array.from({ length: 20 }, (_, index) => index);
  const plan = (seed: number): unknown => planTurns(items, 10_000, seededRandom(seed));
  expect(plan(1)).toEqual(plan(1));
  expect(plan(1)).not.toEqual(plan(2));
  expect(planTurns(items, 10_000, seededRandom(1)).map(({ item }) => item)).not.toEqual(items);
});
