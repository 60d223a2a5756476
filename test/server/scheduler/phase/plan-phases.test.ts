/** The planner: groups that fit, few moves, and none that a join or a leave does not need. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alignedCapacity, phaseDifference, planPhases, type PhasePlan, type PhaseProblem, type StreamPhase } from '../../../../server/scheduler/phase/plan-phases.ts';
import { latencyTable } from '../../../support/simulated-device.ts';

const PERIOD_MS = 1000 / 30;
const TABLE = latencyTable(64, (size) => 5 + 0.5 * size);

function problem(phasesMs: readonly number[], rest: Partial<PhaseProblem> = {}): PhaseProblem {
  const streams = phasesMs.map((phaseMs, at) => ({ id: `s${at}`, phaseMs }));
  return { streams, periodMs: PERIOD_MS, jitterMs: 0, table: TABLE, deviceCount: 1, budgetMs: 20, ...rest };
}

function planned(of: PhaseProblem, before?: PhasePlan): PhasePlan {
  const plan = planPhases(of, before);
  if (plan === undefined) throw new Error('no plan');
  return plan;
}

function movedMs(streams: readonly StreamPhase[], { slotsMs, slotOf, periodMs }: PhasePlan): number {
  return streams.reduce((sum, { id, phaseMs }) => sum + Math.abs(phaseDifference(slotsMs[slotOf.get(id) ?? -1] ?? NaN, phaseMs, periodMs)), 0);
}

const phases = fc.array(fc.double({ min: 0, max: PERIOD_MS - 1e-6, noNaN: true }), { minLength: 1, maxLength: 60 });

describe('a plan', () => {
  it('gives every stream a slot, no group more than its share, and spaces the slots evenly', () => {
    fc.assert(fc.property(phases, fc.integer({ min: 1, max: 4 }), (phasesMs, deviceCount) => {
      const { slotsMs, slotOf, groupSize } = planned(problem(phasesMs, { deviceCount }));
      expect(slotOf.size).toBe(phasesMs.length);
      expect(groupSize).toBe(Math.ceil(phasesMs.length / slotsMs.length));
      for (const slot of slotsMs.keys()) expect([...slotOf.values()].filter((each) => each === slot).length).toBeLessThanOrEqual(groupSize);
      for (const [at, slotMs] of slotsMs.entries()) expect(slotMs - (slotsMs[0] ?? 0)).toBeCloseTo((at * PERIOD_MS) / slotsMs.length, 6);
    }));
  });

  it('takes groups that the devices finish before the next, when there are any', () => {
    const { slotsMs, groupSize, load } = planned(problem(Array.from({ length: 44 }, (_, at) => (at * PERIOD_MS) / 44)));
    expect(load).toBeLessThanOrEqual(1);
    expect(TABLE.latencyMs(groupSize)).toBeLessThanOrEqual(PERIOD_MS / slotsMs.length);
    expect(TABLE.latencyMs(groupSize)).toBeLessThanOrEqual(20);
  });

  it('says when not everybody can be in time', () => {
    expect(planned(problem(Array.from({ length: 60 }, (_, at) => at / 2))).load).toBeGreaterThan(1);
  });

  it('is none without streams, and none when no group fits at all', () => {
    expect(planPhases(problem([]))).toBeUndefined();
    expect(planPhases(problem([1, 2], { table: latencyTable(0, () => 5) }))).toBeUndefined();
  });

  it('leaves streams that come in groups already where they are', () => {
    const phasesMs = Array.from({ length: 40 }, (_, at) => (at % 2) * (PERIOD_MS / 2) + 3);
    const of = problem(phasesMs);
    expect(movedMs(of.streams, planned(of))).toBeCloseTo(0, 6);
  });

  it('moves streams no more than any turn of the same order would, and a quarter of the spacing on average', () => {
    fc.assert(fc.property(phases, (phasesMs) => {
      const of = problem(phasesMs);
      const plan = planned(of);
      expect(movedMs(of.streams, plan) / phasesMs.length).toBeLessThanOrEqual(PERIOD_MS / 2);
    }));
    const even = problem(Array.from({ length: 40 }, (_, at) => (at * PERIOD_MS) / 40));
    const plan = planned(even);
    expect(movedMs(even.streams, plan) / 40).toBeLessThanOrEqual(PERIOD_MS / plan.slotsMs.length / 4 + 0.5);
  });

  it('keeps everybody else in place when one stream joins or leaves', () => {
    fc.assert(fc.property(fc.array(fc.double({ min: 0, max: PERIOD_MS - 1e-6, noNaN: true }), { minLength: 8, maxLength: 44 }), fc.nat(), (phasesMs, pick) => {
      const of = problem(phasesMs);
      const before = planned(of);
      const joined = problem([...phasesMs, 1]);
      const left = { ...of, streams: of.streams.filter((_, at) => at !== pick % phasesMs.length) };
      for (const after of [planned(joined, before), planned(left, before)]) {
        if (after.slotsMs.length !== before.slotsMs.length) continue;
        const moved = [...after.slotOf].filter(([id, slot]) => (before.slotOf.get(id) ?? slot) !== slot);
        // One place less in each slot, at most, when the share of each shrinks.
        expect(moved.length).toBeLessThanOrEqual(after.groupSize < before.groupSize ? before.slotsMs.length : 0);
      }
    }));
  });

  it('puts a newcomer into the nearest slot with room', () => {
    const before = planned(problem([3, 3.1, 3 + PERIOD_MS / 2, 3.1 + PERIOD_MS / 2, 3.2, 3.2 + PERIOD_MS / 2], { table: latencyTable(3, (size) => 5 + 3 * size) }));
    const count = before.slotsMs.length;
    const joined = problem([...[3, 3.1, 3 + PERIOD_MS / 2, 3.1 + PERIOD_MS / 2, 3.2], 3.3 + PERIOD_MS / 2], { table: latencyTable(3, (size) => 5 + 3 * size) });
    const after = planned(joined, { ...before, slotOf: new Map([...before.slotOf].filter(([id]) => id !== 's5')) });
    expect(after.slotsMs.length).toBe(count);
    expect(Math.abs(phaseDifference(after.slotsMs[after.slotOf.get('s5') ?? -1] ?? NaN, 3.3 + PERIOD_MS / 2, PERIOD_MS))).toBeLessThan(PERIOD_MS / count);
  });
});

describe('what alignment promises', () => {
  it('falls with jitter, and never passes what the devices can execute', () => {
    const capacities = [0, 0.5, 1, 2, 4].map((jitterMs) => alignedCapacity(problem([], { jitterMs })));
    expect([...capacities].sort((a, b) => b - a)).toEqual(capacities);
    expect(capacities[0]).toBeLessThanOrEqual((30 / 20) * PERIOD_MS);
    expect(capacities[0]).toBeGreaterThan(40);
  });
});

describe('a difference of phases', () => {
  it('is the shortest way round', () => {
    expect(phaseDifference(1, 9, 10)).toBeCloseTo(2);
    expect(phaseDifference(9, 1, 10)).toBeCloseTo(-2);
    expect(phaseDifference(-1, 1, 10)).toBeCloseTo(-2);
  });
});
