/** Following a pace: the rate at once, the moment slowly. */
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../core/clock.ts';
import type { ClientEventName, Listener, PaceEvent } from '../../client/events.ts';
import { MAX_SLEW_SHARE, nextCaptureMs, type Pace } from '../../client/pace.ts';
import { startCaptureLoop } from '../../client/pace-loop.ts';

const CLOCK = { clockOffsetMs: 500, ownRateHz: 30 };
const PERIOD_MS = 1000 / 30;

function captures(pace: Pace, count: number): number[] {
  const times = [1000];
  for (let frame = 0; frame < count; frame++) times.push(nextCaptureMs(pace, times.at(-1) ?? 0, CLOCK) ?? NaN);
  return times;
}

/** How far a capture is from the grid of the pace. */
function awayMs(captureMs: number, pace: Pace, periodMs = PERIOD_MS): number {
  const turns = (captureMs + CLOCK.clockOffsetMs - (pace.captureMs ?? 0)) / periodMs;
  return Math.abs(turns - Math.round(turns)) * periodMs;
}

describe('the next capture', () => {
  it('[PAC2] comes a period later when no moment is suggested', () => {
    expect(nextCaptureMs(undefined, 1000, CLOCK)).toBeCloseTo(1000 + PERIOD_MS);
    expect(nextCaptureMs({ rateHz: 15 }, 1000, CLOCK)).toBeCloseTo(1000 + 2 * PERIOD_MS);
    expect(nextCaptureMs({ rateHz: 120 }, 1000, CLOCK)).toBeCloseTo(1000 + PERIOD_MS);
  });

  it.each([0, 1, 9, 16, 17, 25, 33])('[PAC2] comes to the suggested moment, %d ms on, by small steps and the shorter way', (shiftMs) => {
    const pace = { rateHz: 30, captureMs: 80_000 + shiftMs };
    const times = captures(pace, 12);
    for (let frame = 1; frame < times.length; frame++) {
      expect(Math.abs((times[frame] ?? 0) - (times[frame - 1] ?? 0) - PERIOD_MS)).toBeLessThanOrEqual(MAX_SLEW_SHARE * PERIOD_MS + 1e-9);
    }
    expect(awayMs(times.at(-1) ?? NaN, pace)).toBeCloseTo(0, 6);
    const movedMs = Math.abs((times.at(-1) ?? NaN) - 1000 - 12 * PERIOD_MS);
    expect(movedMs).toBeLessThanOrEqual(PERIOD_MS / 2 + 1e-6);
  });

  it('[PAC2] is on the grid at the suggested rate', () => {
    const pace = { rateHz: 15, captureMs: 77_777 };
    expect(awayMs(captures(pace, 20).at(-1) ?? NaN, pace, 2 * PERIOD_MS)).toBeCloseTo(0, 6);
  });

  it('[PAC1] there is none while the stream is refused', () => {
    expect(nextCaptureMs({ rateHz: 0 }, 1000, CLOCK)).toBeUndefined();
  });
});

describe('a capture loop', () => {
  function started(): { clock: ManualClock; times: number[]; stop: () => void; tell: (pace: Omit<PaceEvent, 'type'>) => void } {
    const clock = new ManualClock(1000);
    const times: number[] = [];
    const listeners = new Set<Listener<'pace'>>();
    const client = {
      clockOffsetMs: 0,
      on<Name extends ClientEventName>(_name: Name, listener: Listener<Name>): () => void {
        listeners.add(listener as Listener<'pace'>);
        return () => listeners.delete(listener as Listener<'pace'>);
      },
    };
    const stop = startCaptureLoop({ client, clock, stream: 'camera', rateHz: 10, capture: (captureMs) => times.push(captureMs) });
    return { clock, times, stop, tell: (pace) => listeners.forEach((listener) => listener({ type: 'pace', ...pace })) };
  }

  it('captures at its own rate until it is told otherwise, and not for another stream', () => {
    const { clock, times, tell } = started();
    clock.advance(250);
    tell({ stream: 'hands', rateHz: 0, reason: 'load' });
    clock.advance(250);
    expect(times).toEqual([1000, 1100, 1200, 1300, 1400, 1500]);
  });

  it('rests while its stream is refused, and begins again when it has recovered', () => {
    const { clock, times, tell } = started();
    clock.advance(50);
    tell({ stream: 'camera', rateHz: 0, reason: 'load' });
    clock.advance(5000);
    expect(times).toEqual([1000, 1100]);
    tell({ stream: 'camera', rateHz: 5, reason: 'recovered' });
    clock.advance(1000);
    expect(times.length - 2).toBeGreaterThanOrEqual(4);
    expect(times.length - 2).toBeLessThanOrEqual(6);
  });

  it('ends when it is stopped', () => {
    const { clock, times, stop, tell } = started();
    clock.advance(50);
    stop();
    tell({ stream: 'camera', rateHz: 10, reason: 'recovered' });
    clock.advance(500);
    expect(times).toEqual([1000]);
    expect(clock.pendingCount).toBe(0);
  });
});
