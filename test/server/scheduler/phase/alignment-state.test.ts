/** When alignment is tried, kept and given up. */
import { describe, expect, it } from 'vitest';
import { MEASURE_MS, nextState, type AlignmentState, type Evidence } from '../../../../server/scheduler/phase/alignment-state.ts';

const GOOD = { count: 100, onTimeShare: 0.95, delayMs: 12 };

function evidence(change: Partial<Evidence>): Evidence {
  return { nowMs: 100_000, obstacle: undefined, settledShare: 1, service: GOOD, failures: 0, ...change };
}

function trial(sinceMs: number): AlignmentState {
  return { state: 'trial', sinceMs, baseline: GOOD };
}

const OVER_MS = 100_000 - MEASURE_MS;

describe('the state of an alignment', () => {
  it('goes from off over a baseline and settling to a trial', () => {
    let state: AlignmentState = { state: 'off', why: 'load' };
    const seen = [];
    for (let nowMs = 0; nowMs < 8000; nowMs += 500) {
      state = nextState(state, evidence({ nowMs }));
      seen.push(state.state);
    }
    expect([...new Set(seen)]).toEqual(['baseline', 'settling', 'trial', 'backed-off']);
  });

  it.each([
    ['more are in time', { onTimeShare: 0.99, delayMs: 14 }, 'on'],
    ['as many are in time, sooner', { onTimeShare: 0.95, delayMs: 10 }, 'on'],
    ['as many are in time, no sooner', { onTimeShare: 0.95, delayMs: 12 }, 'backed-off'],
    ['fewer are in time, sooner', { onTimeShare: 0.94, delayMs: 5 }, 'backed-off'],
  ])('ends a trial by what came of it: %s', (_, service, expected) => {
    expect(nextState(trial(OVER_MS), evidence({ service: { count: 100, ...service } })).state).toBe(expected);
  });

  it('stops a trial early when it is bad, and not when it is middling', () => {
    const early = trial(99_000);
    expect(nextState(early, evidence({ service: { ...GOOD, onTimeShare: 0.9 } }))).toMatchObject({ state: 'backed-off', why: 'worse' });
    expect(nextState(early, evidence({ service: { ...GOOD, onTimeShare: 0.94 } }))).toBe(early);
  });

  it('gives up when streams do not come to their slots', () => {
    const state: AlignmentState = { state: 'settling', sinceMs: 85_000, baseline: GOOD };
    expect(nextState(state, evidence({ settledShare: 0.5 }))).toMatchObject({ state: 'backed-off', why: 'not-followed' });
  });

  it('stays on while it is as good as before, and not when it is worse or jitter grows', () => {
    const on: AlignmentState = { state: 'on', sinceMs: OVER_MS, baseline: GOOD };
    expect(nextState(on, evidence({})).state).toBe('on');
    expect(nextState(on, evidence({ service: { ...GOOD, onTimeShare: 0.93 } }))).toMatchObject({ state: 'backed-off', why: 'worse' });
    expect(nextState(on, evidence({ obstacle: 'jitter' }))).toMatchObject({ state: 'backed-off', why: 'jitter' });
    expect(nextState(on, evidence({ obstacle: 'load' }))).toEqual({ state: 'off', why: 'load' });
  });

  it('waits twice as long after each failure, at most 16 minutes', () => {
    const waits = [0, 1, 2, 10].map((failures) => {
      const state = nextState(trial(OVER_MS), evidence({ failures }));
      return state.state === 'backed-off' ? state.untilMs - 100_000 : undefined;
    });
    expect(waits).toEqual([60_000, 120_000, 240_000, 960_000]);
  });

  it('says what stands against it, and tries again when nothing does and the back-off is over', () => {
    expect(nextState({ state: 'off', why: 'load' }, evidence({ obstacle: 'jitter' }))).toEqual({ state: 'off', why: 'jitter' });
    const backedOff: AlignmentState = { state: 'backed-off', untilMs: 100_001, why: 'worse' };
    expect(nextState(backedOff, evidence({}))).toBe(backedOff);
    expect(nextState(backedOff, evidence({ nowMs: 100_001 })).state).toBe('baseline');
  });
});
