/** When a rollout waits, goes on, is promoted and is taken back. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../core/random.ts';
import { DEFAULT_ROLLOUT_RULES } from '../../../server/rollout/rollout-desk.ts';
import { planRollout, wilson, type RolloutFigures, type VersionFigures } from '../../../server/rollout/plan-rollout.ts';

const RULES = { ...DEFAULT_ROLLOUT_RULES, steps: [0, 10, 100], holdMs: 1000, giveUpMs: 60_000, minSamples: 100, maxMoreFailed: 0.01, maxMoreLate: 0.02, minAgreement: 0.8 };
const NONE: VersionFigures = { answered: 0, failed: 0, late: 0 };

function figures(changes: Partial<{ canary: Partial<VersionFigures>; current: Partial<VersionFigures>; compared: number; agreed: number }> = {}): RolloutFigures {
  return { canary: { ...NONE, ...changes.canary }, current: { ...NONE, ...changes.current }, compared: changes.compared ?? 0, agreed: changes.agreed ?? 0 };
}

describe('a rollout', () => {
  it.each([
    ['waits for samples', figures({ canary: { answered: 99 } }), 1, 5000, { kind: 'wait' }],
    ['waits for its time', figures({ canary: { answered: 500 } }), 1, 999, { kind: 'wait' }],
    ['goes on when it has both', figures({ canary: { answered: 100 }, compared: 50, agreed: 45 }), 1, 1000, { kind: 'advance', step: 2 }],
    ['goes by comparisons in the shadow', figures({ canary: { answered: 100 }, compared: 99, agreed: 99 }), 0, 5000, { kind: 'wait' }],
    ['leaves the shadow', figures({ compared: 100, agreed: 90 }), 0, 5000, { kind: 'advance', step: 1 }],
    ['is promoted behind its last step', figures({ canary: { answered: 100 } }), 2, 1000, { kind: 'promote' }],
    ['is taken back when nobody tries it', figures({ canary: { answered: 3 } }), 1, 60_000, { kind: 'roll-back', reason: 'too-little-traffic' }],
    ['is taken back when it fails', figures({ canary: { answered: 50, failed: 50 }, current: { answered: 100 } }), 1, 10, { kind: 'roll-back', reason: 'failures' }],
    ['is taken back when it is late', figures({ canary: { answered: 50, late: 50 }, current: { answered: 100 } }), 1, 10, { kind: 'roll-back', reason: 'lateness' }],
    ['is taken back when it says something else', figures({ compared: 40, agreed: 10 }), 0, 10, { kind: 'roll-back', reason: 'disagreement' }],
    ['is not held responsible for what fails with both', figures({ canary: { answered: 50, failed: 50 }, current: { answered: 50, failed: 50 } }), 1, 10, { kind: 'wait' }],
    ['does not go on while it is worse, though not surely', figures({ canary: { answered: 97, failed: 3 }, current: { answered: 100 } }), 1, 5000, { kind: 'wait' }],
    ['is not taken back for a single failure', figures({ canary: { answered: 3, failed: 1 }, current: { answered: 50 } }), 1, 10, { kind: 'wait' }],
  ] as const)('%s', (_what, seen, step, elapsedMs, decision) => {
    expect(planRollout(seen, RULES, step, elapsedMs)).toEqual(decision);
  });

  it('takes a version back that fails a fifth of its requests, and not one that does as the other does, but for one in a hundred', () => {
    const random = seededRandom(7);
    const ended = (failing: number): string[] => Array.from({ length: 200 }, () => {
      const failed = Array.from({ length: 1000 }, () => random.next()).filter((chance) => chance < failing).length;
      return planRollout(figures({ canary: { answered: 1000 - failed, failed }, current: { answered: 980, failed: 20 } }), RULES, 1, 10).kind;
    });
    expect(ended(0.2).every((kind) => kind === 'roll-back')).toBe(true);
    expect(ended(0.02).filter((kind) => kind === 'roll-back').length).toBeLessThanOrEqual(2);
  });

  it('never goes on with less than the least agreement', () => {
    fc.assert(fc.property(fc.integer({ min: 100, max: 10_000 }), fc.double({ min: 0, max: 0.799, noNaN: true }), (compared, share) => {
      expect(['wait', 'roll-back']).toContain(planRollout(figures({ canary: { answered: compared }, compared, agreed: compared * share }), RULES, 1, 5000).kind);
    }));
  });
});

describe('Wilson\'s interval', () => {
  // R's binom::binom.confint(8, 10, methods = "wilson"): 0.4901625 to 0.9433178 at 95 %.
  it('is that of the literature', () => {
    expect(wilson(0.8, 10, -1.959964)).toBeCloseTo(0.4901625, 5);
    expect(wilson(0.8, 10, 1.959964)).toBeCloseTo(0.9433178, 5);
  });
});
