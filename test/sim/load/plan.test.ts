/** Plans: who comes and goes when, by phases, and what each headset is. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../core/random.ts';
import { drawShare, planLoad, planMoves, segmentsOf, wantedAt, type LoadEvent } from '../../../sim/load/plan.ts';
import { profileSeconds, type Phase } from '../../../sim/load/profile.ts';
import { checkProfile } from '../../../sim/load/read-profile.ts';

const count = fc.integer({ min: 0, max: 60 });
const forS = fc.integer({ min: 2, max: 20 });
const phase: fc.Arbitrary<Phase> = fc.oneof(
  fc.record({ kind: fc.constant('constant' as const), headsets: count, forS }),
  fc.record({ kind: fc.constant('ramp' as const), to: count, forS }),
  fc.record({ kind: fc.constant('steps' as const), from: count, to: count, step: fc.integer({ min: 1, max: 20 }), everyS: fc.integer({ min: 1, max: 5 }) }),
  fc.record({ kind: fc.constant('spike' as const), base: count, peak: count, peakS: fc.integer({ min: 1, max: 5 }), forS }),
  fc.record({ kind: fc.constant('soak' as const), headsets: count, forS, leavesPerMinute: fc.constantFrom(0, 0.5, 1) }),
);

/** Who is in after the events until then; fails on a leave of somebody who is not in, or an entry of somebody who is. */
function presentAt(events: readonly LoadEvent[], untilMs: number): Set<number> {
  const present = new Set<number>();
  for (const event of events) {
    if (event.atMs > untilMs) break;
    if (event.kind === 'enter') {
      expect(present.has(event.headset)).toBe(false);
      present.add(event.headset);
    } else if (event.kind === 'leave') expect(present.delete(event.headset)).toBe(true);
  }
  return present;
}

describe('a plan', () => {
  it('has at the end of every phase as many in as the phase wants, each at most once', () => {
    fc.assert(fc.property(fc.array(phase, { minLength: 1, maxLength: 4 }), (phases) => {
      const plan = planLoad(checkProfile({ phases, joinsPerS: 1000 }, 'test'));
      const segments = segmentsOf(phases);
      for (const { untilMs, to } of segments) expect(presentAt(plan.events, untilMs - 1).size).toBe(to);
      expect(plan.durationMs).toBe(profileSeconds({ phases }) * 1000);
    }), { numRuns: 60 });
  });

  it('is in the order of time and the same for the same seed', () => {
    const input = { phases: [{ kind: 'ramp', to: 20, forS: 5 }, { kind: 'soak', headsets: 20, forS: 30, leavesPerMinute: 1 }], faults: [{ kind: 'reconnect-storm', atS: 3, share: 0.5 }], seed: 4 };
    const plan = planLoad(checkProfile(input, 'test'));
    expect(plan).toEqual(planLoad(checkProfile(input, 'test')));
    expect(plan.events.map(({ atMs }) => atMs)).toEqual(plan.events.map(({ atMs }) => atMs).sort((a, b) => a - b));
    expect(plan).not.toEqual(planLoad(checkProfile({ ...input, seed: 5 }, 'test')));
  });

  it('lets no more in a second than it may, however steep the phase', () => {
    const moves = planMoves(segmentsOf([{ kind: 'constant', headsets: 100, forS: 10 }]), { joinsPerS: 20, random: seededRandom(1) });
    expect(moves).toHaveLength(100);
    expect(moves[20]?.atMs).toBe(1000);
    expect(moves[99]?.atMs).toBe(4950);
  });

  it('ramps evenly and steps at once', () => {
    const segments = segmentsOf([{ kind: 'ramp', from: 10, to: 20, forS: 10 }, { kind: 'steps', from: 20, to: 45, step: 10, everyS: 2 }]);
    expect([0, 5000, 9999, 10_000, 12_000, 14_000, 16_000].map((atMs) => wantedAt(segments, atMs))).toEqual([10, 15, 20, 20, 30, 40, 45]);
  });

  it('replaces in a soak the share that it says, everybody once before anybody twice', () => {
    const { events } = planLoad(checkProfile({ phases: [{ kind: 'soak', headsets: 30, forS: 124, leavesPerMinute: 0.5 }], joinsPerS: 1000 }, 'test'));
    const leaves = events.flatMap((event) => (event.kind === 'leave' ? [event.headset] : []));
    expect(leaves).toHaveLength(29);
    expect(new Set(leaves).size).toBe(29);
  });

  it('shares headsets out over sessions of the sizes that it draws from', () => {
    const { headsets, sessions } = planLoad(checkProfile({ phases: [{ kind: 'constant', headsets: 100, forS: 1 }], sessionSize: [{ value: 4, weight: 1 }, { value: 12, weight: 1 }] }, 'test'));
    const sizes = Array.from({ length: sessions }, (_, session) => headsets.filter((headset) => headset.session === session).length);
    expect(sizes.slice(0, -1).every((size) => size === 4 || size === 12)).toBe(true);
    expect(new Set(sizes.slice(0, -1)).size).toBe(2);
  });

  it('draws a share without replacement, and at least one', () => {
    const members = Array.from({ length: 10 }, (_, index) => index);
    expect(new Set(drawShare(members, 0.4, seededRandom(1))).size).toBe(4);
    expect(drawShare(members, 0.01, seededRandom(1))).toHaveLength(1);
    expect(drawShare(members, 0, seededRandom(1))).toEqual([]);
  });
});
