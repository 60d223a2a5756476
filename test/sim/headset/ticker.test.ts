/** The ticker: beats stay on their grid, and what could not be served is said. */
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../core/clock.ts';
import { Ticker } from '../../../sim/headset/ticker.ts';

describe('a ticker', () => {
  it('calls each beat on the grid of its start', () => {
    const clock = new ManualClock(100);
    const ticker = new Ticker(clock);
    const calls: string[] = [];
    ticker.add({ startMs: 105, periodMs: 10, run: (intendedMs) => calls.push(`a${intendedMs}`) });
    ticker.add({ startMs: 107, periodMs: 20, run: (intendedMs) => calls.push(`b${intendedMs}`) });
    clock.advance(30);
    expect(calls).toEqual(['a105', 'b107', 'a115', 'a125', 'b127']);
    expect(clock.pendingCount).toBe(1);
  });

  it('serves only the newest of the calls that a stall missed, and says how many were skipped', () => {
    const clock = new ManualClock();
    // A machine that wakes late: its timers fire, but 35 ms after they should.
    const late = { ...base(clock), schedule: (delayMs: number, run: () => void) => clock.schedule(delayMs + 35, run) };
    const calls: [number, number][] = [];
    new Ticker(late).add({ startMs: 10, periodMs: 10, run: (intendedMs, missed) => calls.push([intendedMs, missed]) });
    clock.advance(45);
    expect(calls).toEqual([[40, 3]]);
  });

  it('stops a beat, and all of them', () => {
    const clock = new ManualClock();
    const ticker = new Ticker(clock);
    let calls = 0;
    const stop = ticker.add({ startMs: 0, periodMs: 10, run: () => calls++ });
    ticker.add({ startMs: 0, periodMs: 10, run: () => calls++ });
    clock.advance(10);
    stop();
    clock.advance(10);
    expect(calls).toBe(5);
    ticker.stop();
    clock.advance(100);
    expect(calls).toBe(5);
  });
});

function base(clock: ManualClock) {
  return { nowMs: () => clock.nowMs(), wallMs: () => clock.wallMs(), schedule: clock.schedule.bind(clock), defer: clock.defer.bind(clock) };
}

describe('a beat that says when it is next', () => {
  it('is called then, rests when it says nothing, and begins again when it is resumed', () => {
    const clock = new ManualClock();
    const ticker = new Ticker(clock);
    const calls: number[] = [];
    const beat = { startMs: 10, periodMs: 10, run: (intendedMs: number) => void calls.push(intendedMs), next: (intendedMs: number) => (intendedMs < 40 ? intendedMs + 12 : undefined) };
    const stop = ticker.add(beat);
    clock.advance(200);
    expect(calls).toEqual([10, 22, 34, 46]);
    ticker.resume(beat, 210);
    clock.advance(100);
    expect(calls).toEqual([10, 22, 34, 46, 210]);
    stop();
    ticker.resume(beat, 310);
    clock.advance(100);
    expect(calls).toHaveLength(5);
  });
});
