import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fastestTier, LEAST_RATE_HZ, NO_TIER, planTiers, slowestTier, type PlanInput, type TierPlan } from '../../../../server/broadcast/interest/plan-tiers.ts';
import { LEAST_REMOTE } from '../../../../server/broadcast/interest/remoteness.ts';

const remoteness = fc.double({ min: LEAST_REMOTE, max: 6, noNaN: true });
const cost = fc.double({ min: 10, max: 30_000, noNaN: true });
const crowd = fc.array(fc.record({ remoteness, cost }), { minLength: 1, maxLength: 60 });

interface Somebody {
  readonly remoteness: number;
  readonly cost: number;
}

function inputOf(people: readonly Somebody[], change: Partial<PlanInput> = {}): PlanInput {
  return {
    count: people.length,
    remoteness: Float64Array.from(people, (person) => person.remoteness),
    costs: Float64Array.from(people, (person) => person.cost),
    before: new Uint8Array(people.length).fill(NO_TIER),
    fastest: 0,
    slowest: 3,
    budget: Infinity,
    pressure: 0,
    ...change,
  };
}

function plan(input: PlanInput): TierPlan & { readonly tiers: Uint8Array } {
  const tiers = new Uint8Array(input.count);
  return { ...planTiers(input, tiers), tiers };
}

const least = (people: readonly Somebody[]): number => people.reduce((sum, person) => sum + person.cost / 8, 0);

describe('rates', () => {
  it('[INT2] of the slowest tier are 5 Hz or more wherever the ticks are, and half of it would not be', () => {
    fc.assert(fc.property(fc.double({ min: LEAST_RATE_HZ, max: 120, noNaN: true }), (tickRateHz) => {
      const slowest = slowestTier(tickRateHz);
      expect(tickRateHz / 2 ** slowest).toBeGreaterThanOrEqual(LEAST_RATE_HZ - 1e-6);
      expect(tickRateHz / 2 ** (slowest + 1)).toBeLessThan(LEAST_RATE_HZ + 1e-6);
    }));
    expect(slowestTier(1)).toBe(0);
  });

  it('[INT5] that a receiver asks for are not passed, unless they are below 5 Hz', () => {
    fc.assert(fc.property(fc.double({ min: 1, max: 120, noNaN: true }), fc.double({ min: 1, max: 200, noNaN: true }), (tickRateHz, rateHz) => {
      const rate = tickRateHz / 2 ** fastestTier(tickRateHz, rateHz);
      expect(rate <= rateHz * 1.000001 || fastestTier(tickRateHz, rateHz) === slowestTier(tickRateHz)).toBe(true);
    }));
    expect([72, 71, 36, 18, 9, 1, undefined].map((rateHz) => fastestTier(72, rateHz))).toEqual([0, 1, 1, 2, 3, 3, 0]);
  });
});

describe('a plan', () => {
  it('[INT2] never puts anybody below the slowest tier, over any motion, any budget and any past', () => {
    fc.assert(fc.property(fc.array(crowd, { minLength: 1, maxLength: 8 }), fc.double({ min: 1, max: 1e6, noNaN: true }), fc.integer({ min: 0, max: 3 }), (past, budget, fastest) => {
      let before: TierPlan & { readonly tiers: Uint8Array } | undefined;
      for (const people of past) {
        const known = new Uint8Array(people.length).fill(NO_TIER);
        if (before !== undefined) known.set(before.tiers.subarray(0, people.length));
        before = plan(inputOf(people, { budget, fastest, before: known, pressure: before?.pressure ?? 0 }));
        for (const tier of before.tiers) expect(tier >= fastest && tier <= 3).toBe(true);
      }
    }));
  });

  it('[INT3] keeps the budget wherever the slowest tier for everybody does, and says so where not', () => {
    fc.assert(fc.property(crowd, fc.double({ min: 0.1, max: 10, noNaN: true }), fc.integer({ min: 0, max: 60 }), (people, share, steps) => {
      const budget = share * least(people);
      const before = Uint8Array.from(people, (_, index) => index % 4);
      const { isExceeded, bytesPerSecond, tiers } = plan(inputOf(people, { budget, before, pressure: steps / 4 }));
      expect(isExceeded).toBe(bytesPerSecond > budget);
      if (share >= 1.000001) expect(isExceeded).toBe(false);
      if (isExceeded) expect([...tiers]).toEqual(people.map(() => 3));
    }));
  });

  it('[INT3] takes from those who matter least first', () => {
    fc.assert(fc.property(crowd, fc.double({ min: 1, max: 8, noNaN: true }), (people, share) => {
      const { tiers } = plan(inputOf(people, { budget: share * least(people) }));
      const order = people.map((person, index) => ({ ...person, tier: tiers[index] ?? 0 })).sort((a, b) => a.remoteness - b.remoteness);
      for (const [index, person] of order.entries()) expect(person.tier).toBeGreaterThanOrEqual(order[index - 1]?.tier ?? 0);
    }));
  });

  it('[INT3] takes no more than it must: half an octave less pressure would not fit', () => {
    fc.assert(fc.property(crowd, fc.double({ min: 1, max: 8, noNaN: true }), (people, share) => {
      const budget = share * least(people);
      const { pressure } = plan(inputOf(people, { budget }));
      if (pressure < 0.5) return;
      const easier = plan(inputOf(people.map((person) => ({ ...person, remoteness: person.remoteness + pressure - 0.5 }))));
      expect(easier.bytesPerSecond).toBeGreaterThan(budget);
    }));
  });

  it('[INT4] does not flap: a wobble below a quarter octave changes each tier once at most', () => {
    fc.assert(fc.property(crowd, fc.array(fc.double({ min: -0.12, max: 0.12, noNaN: true }), { minLength: 4, maxLength: 30 }), (people, wobbles) => {
      let before = new Uint8Array(people.length).fill(NO_TIER);
      const changes = people.map(() => 0);
      for (const wobble of wobbles) {
        const { tiers } = plan(inputOf(people.map((person) => ({ ...person, remoteness: person.remoteness + wobble })), { before }));
        tiers.forEach((tier, index) => (changes[index] = (changes[index] ?? 0) + (before[index] !== NO_TIER && tier !== before[index] ? 1 : 0)));
        before = Uint8Array.from(tiers);
      }
      expect(Math.max(...changes)).toBeLessThanOrEqual(1);
    }));
  });

  it('[INT4] takes pressure off only where that fits with room to spare', () => {
    const people = Array.from({ length: 32 }, (_, index) => ({ remoteness: index / 10 - 1.6, cost: 1000 }));
    let last = plan(inputOf(people, { budget: 12_000 }));
    expect(last.demoted).toBeGreaterThan(0);
    const before = new Set<string>();
    for (let round = 0; round < 40; round++) {
      last = plan(inputOf(people, { budget: round % 2 === 0 ? 12_600 : 12_000, before: last.tiers, pressure: last.pressure }));
      if (round > 3) before.add(last.tiers.join());
    }
    expect(before.size).toBe(1);
    expect(plan(inputOf(people, { budget: 100_000, before: last.tiers, pressure: last.pressure }))).toMatchObject({ pressure: 0, demoted: 0 });
  });
});
