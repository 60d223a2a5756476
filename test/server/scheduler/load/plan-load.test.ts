import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LOAD_LEVELS, loadAt, planLoad, type LoadLevel, type PlannedStream } from '../../../../server/scheduler/load/plan-load.ts';

const WEIGHTS: Readonly<Record<string, number>> = { a: 1, b: 1, c: 2, d: 0.5 };
const weightOf = (tenant: string): number => WEIGHTS[tenant] ?? 1;

const streams: fc.Arbitrary<PlannedStream[]> = fc
  .array(
    fc.record({
      tenant: fc.constantFrom('a', 'b', 'c', 'd'),
      priority: fc.nat(2),
      fullLoad: fc.double({ min: 0, max: 1, noNaN: true }),
      kind: fc.constantFrom('slow', 'lighter', 'fixed', 'chat'),
      lighterShare: fc.double({ min: 0.1, max: 1.5, noNaN: true }),
    }),
    { maxLength: 40 },
  )
  .map((drawn) =>
    drawn.map(({ tenant, priority, fullLoad, kind, lighterShare }, order) => ({
      tenant, priority, order, fullLoad, isLast: kind === 'chat',
      ...(kind === 'slow' || kind === 'lighter' ? { halvedLoad: fullLoad / 2 } : {}),
      ...(kind === 'lighter' ? { lighterLoad: (fullLoad / 2) * lighterShare } : {}),
    })),
  );
const limit = fc.double({ min: 0, max: 12, noNaN: true });

const rank = (level: LoadLevel | undefined): number => LOAD_LEVELS.indexOf(level ?? 'full');
const loadOf = (all: readonly PlannedStream[], plan: ReadonlyMap<PlannedStream, LoadLevel>): number => all.reduce((sum, stream) => sum + loadAt(stream, plan.get(stream) ?? 'full'), 0);
const demandOf = (all: readonly PlannedStream[]): number => loadOf(all, new Map());

/** Max-min fair shares by weight, filled up like water: what nobody asks for goes to those who ask for more. */
function fairShares(all: readonly PlannedStream[], capacity: number): Map<string, number> {
  const shares = new Map<string, number>();
  let open = [...new Set(all.map(({ tenant }) => tenant))];
  let left = capacity;
  while (open.length > 0) {
    const level = left / open.reduce((sum, tenant) => sum + weightOf(tenant), 0);
    const filled = open.filter((tenant) => demandOf(all.filter((stream) => stream.tenant === tenant)) <= level * weightOf(tenant));
    for (const tenant of filled.length > 0 ? filled : open) {
      const share = filled.length > 0 ? demandOf(all.filter((stream) => stream.tenant === tenant)) : level * weightOf(tenant);
      shares.set(tenant, share);
      left -= share;
    }
    open = filled.length > 0 ? open.filter((tenant) => !filled.includes(tenant)) : [];
  }
  return shares;
}

describe('planLoad', () => {
  it('brings the load to the limit or below, and touches nothing that fits', () => {
    fc.assert(
      fc.property(streams, limit, (all, most) => {
        const plan = planLoad(all, most, weightOf);
        expect(loadOf(all, plan)).toBeLessThanOrEqual(most + 1e-6);
        if (demandOf(all) <= most) expect(plan.size).toBe(0);
      }),
    );
  });

  it('takes nothing from a tenant within its fair share', () => {
    fc.assert(
      fc.property(streams, limit, (all, most) => {
        const plan = planLoad(all, most, weightOf);
        const shares = fairShares(all, most);
        for (const [tenant, share] of shares) {
          const own = all.filter((stream) => stream.tenant === tenant);
          if (demandOf(own) <= share - 1e-6 || demandOf(own) === 0) expect(own.every((stream) => !plan.has(stream))).toBe(true);
        }
      }),
    );
  });

  it('takes from the tenant with the most for its weight: whoever lost anything had, before the last of it, no less than anybody keeps', () => {
    fc.assert(
      fc.property(streams, limit, (all, most) => {
        const plan = planLoad(all, most, weightOf);
        const kept = (tenant: string): number => loadOf(all.filter((stream) => stream.tenant === tenant), plan) / weightOf(tenant);
        const tenants = [...new Set(all.map(({ tenant }) => tenant))];
        for (const tenant of tenants) {
          const lost = all.filter((stream) => stream.tenant === tenant && plan.has(stream));
          if (lost.length === 0) continue;
          const lastStep = Math.max(...lost.map((stream) => stream.fullLoad)) / weightOf(tenant);
          for (const other of tenants) expect(kept(tenant) + lastStep + 1e-6).toBeGreaterThanOrEqual(kept(other));
        }
      }),
    );
  });

  it('degrades each stream as much or more when there is less room', () => {
    fc.assert(
      fc.property(streams, limit, limit, (all, one, other) => {
        const tight = planLoad(all, Math.min(one, other), weightOf);
        const loose = planLoad(all, Math.max(one, other), weightOf);
        for (const stream of all) expect(rank(tight.get(stream))).toBeGreaterThanOrEqual(rank(loose.get(stream)));
      }),
    );
  });

  it('says the same in whatever order the streams are given', () => {
    fc.assert(
      fc.property(
        streams.chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }))),
        limit,
        ([all, shuffled], most) => {
          // Sums in another order round differently, which matters only where the limit is met to the last digit.
          const plan = planLoad(all, most, weightOf);
          const other = planLoad(shuffled, most, weightOf);
          for (const stream of all) expect(other.get(stream)).toBe(plan.get(stream));
        },
      ),
    );
  });

  it('[PAC3] of one tenant, halves all before a lighter model looks at any, and both before it refuses any, chat last', () => {
    fc.assert(
      fc.property(streams, limit, (all, most) => {
        const plan = planLoad(all, most, weightOf);
        for (const tenant of new Set(all.map((stream) => stream.tenant))) {
          const own = all.filter((stream) => stream.tenant === tenant && stream.fullLoad > 1e-6);
          const isRefused = own.some((stream) => plan.get(stream) === 'refused');
          const isLighter = own.some((stream) => plan.get(stream) === 'lighter');
          for (const stream of own) {
            if ((isRefused || isLighter) && stream.halvedLoad !== undefined) expect(rank(plan.get(stream))).toBeGreaterThanOrEqual(rank('halved'));
            if (isRefused && stream.lighterLoad !== undefined && stream.lighterLoad < (stream.halvedLoad ?? 0) - 1e-6) expect(rank(plan.get(stream))).toBeGreaterThanOrEqual(rank('lighter'));
          }
          if (own.some((stream) => stream.isLast && plan.get(stream) === 'refused')) expect(own.every((stream) => stream.isLast || plan.get(stream) === 'refused')).toBe(true);
        }
      }),
    );
  });

  it('begins with the least urgent class, and in it with the newest stream', () => {
    const one = (order: number, priority: number): PlannedStream => ({ tenant: 'a', priority, order, fullLoad: 1, halvedLoad: 0.5, isLast: false });
    const [oldUrgent, newUrgent, oldLater, newLater] = [one(0, 0), one(3, 0), one(1, 1), one(2, 1)];
    const all = [oldUrgent, newUrgent, oldLater, newLater];
    expect([...planLoad(all, 3.5).keys()]).toEqual([newLater]);
    expect([...planLoad(all, 3).keys()]).toEqual([newLater, oldLater]);
    expect([...planLoad(all, 2.5).keys()]).toEqual([newLater, oldLater, newUrgent]);
  });
});
