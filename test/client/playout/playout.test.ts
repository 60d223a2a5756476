import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Avatars } from '../../../client/avatars.ts';
import { DelayEstimate, MAX_RENDER_DELAY_MS } from '../../../client/playout/delay-estimate.ts';
import { FASTEST_RATE, LEAP_MS, PlayoutClock, SLOWEST_RATE } from '../../../client/playout/playout-clock.ts';
import { seededRandom, type Random } from '../../../core/random.ts';
import { createPoseSample } from '../../../protocol/codec/pose-sample.ts';
import { decimal } from '../support/decimals.ts';

interface Link {
  readonly rateHz: number;
  readonly leastMs: number;
  readonly meanMs: number;
}

const link = fc.record({ rateHz: fc.constantFrom(72, 36, 18, 9), leastMs: fc.integer({ min: 0, max: 40 }), meanMs: fc.integer({ min: 0, max: 15 }) });

/** Arrivals in order of capture, each as late as chance says; those that are overtaken are left out, as a client does. */
function arrivals({ rateHz, leastMs, meanMs }: Link, random: Random, seconds: number): { captureMs: number; arrivedMs: number }[] {
  const sent = Array.from({ length: seconds * rateHz }, (_, index) => ({ captureMs: (index * 1000) / rateHz, arrivedMs: (index * 1000) / rateHz + leastMs - meanMs * Math.log(1 - random.next()) }));
  let newestMs = -1;
  return sent.sort((a, b) => a.arrivedMs - b.arrivedMs).filter(({ captureMs }) => captureMs > newestMs && (newestMs = captureMs) >= 0);
}

describe('the delay that is wanted', () => {
  it('lets about one sample in a hundred come too late, at any rate and jitter that stay as they are, and is no longer than what was needed', () => {
    fc.assert(fc.property(link, fc.integer(), (steady, seed) => {
      const estimate = new DelayEstimate();
      let late = 0, counted = 0, beforeMs = 0, most = 0;
      for (const { captureMs, arrivedMs } of arrivals(steady, seededRandom(seed), 90)) {
        const neededMs = arrivedMs - beforeMs;
        if (captureMs > 30_000) {
          counted++;
          if (neededMs > estimate.wantedMs) late++;
        }
        if (captureMs > 0) most = Math.max(most, neededMs);
        estimate.add(captureMs, arrivedMs);
        beforeMs = captureMs;
        if (captureMs > 80_000) expect(estimate.wantedMs).toBeLessThanOrEqual(Math.min(MAX_RENDER_DELAY_MS, most + 2));
      }
      expect(late / counted).toBeLessThan(0.03);
    }), { numRuns: 25 });
  });

  it('is never less than nothing and never more than its bound, whatever comes', () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.integer({ min: 1, max: 600 }), fc.integer({ min: -500, max: 5000 })), { minLength: 1, maxLength: 80 }), (steps) => {
      const estimate = new DelayEstimate();
      let captureMs = 0;
      for (const [stepMs, ageMs] of steps) {
        estimate.add((captureMs += stepMs), captureMs + ageMs);
        expect(estimate.wantedMs).toBeGreaterThanOrEqual(0);
        expect(estimate.wantedMs).toBeLessThanOrEqual(MAX_RENDER_DELAY_MS);
      }
    }));
  });

  it('follows the rate at which somebody is sent, without being told', () => {
    const wanted = (rateHz: number): number => {
      const estimate = new DelayEstimate();
      for (const { captureMs, arrivedMs } of arrivals({ rateHz, leastMs: 20, meanMs: 0 }, seededRandom(1), 10)) estimate.add(captureMs, arrivedMs);
      return estimate.wantedMs;
    };
    for (const rateHz of [72, 36, 18, 9]) expect(Math.abs(wanted(rateHz) - (20 + 1000 / rateHz))).toBeLessThanOrEqual(2);
  });

  it('is up within half a second of a network turning bad, and down again when that is forgotten', () => {
    const estimate = new DelayEstimate();
    const run = (fromMs: number, toMs: number, ageMs: (index: number) => number): void => {
      for (let timeMs = fromMs, index = 0; timeMs < toMs; timeMs += 14, index++) estimate.add(timeMs, timeMs + ageMs(index));
    };
    run(0, 20_000, () => 20);
    expect(estimate.wantedMs).toBeLessThan(40);
    run(20_000, 20_500, (index) => (index % 5 === 0 ? 90 : 20));
    expect(estimate.wantedMs).toBeGreaterThan(90);
    run(20_500, 22_000, (index) => (index % 5 === 0 ? 90 : 20));
    run(22_000, 26_000, () => 20);
    expect(estimate.wantedMs).toBeGreaterThan(90);
    run(26_000, 60_000, () => 20);
    expect(estimate.wantedMs).toBeLessThan(40);
  });

  it('does not take a rest for a bad network', () => {
    const estimate = new DelayEstimate();
    for (let timeMs = 0; timeMs < 3000; timeMs += 111) estimate.add(timeMs, timeMs + 10);
    const before = estimate.wantedMs;
    estimate.add(9000, 9010);
    expect(estimate.wantedMs).toBe(before);
  });
});

describe('the moment that is drawn', () => {
  it('never goes back, goes on by a few per cent more or less than time itself, and stays within what was wanted', () => {
    const frames = fc.array(fc.tuple(decimal({ min: 0, max: 60 }), decimal({ min: 0, max: 250 }), decimal({ min: -20, max: 20 })), { minLength: 2, maxLength: 200 });
    fc.assert(fc.property(frames, (steps) => {
      const playout = new PlayoutClock();
      let deviceMs = 1000, before: number | undefined;
      for (const [stepMs, wantedMs, offsetErrorMs] of steps) {
        deviceMs += stepMs;
        const renderMs = playout.at(deviceMs, deviceMs + 5000 + offsetErrorMs, wantedMs);
        if (before !== undefined) {
          expect(renderMs - before).toBeGreaterThanOrEqual(SLOWEST_RATE * stepMs - 1e-6);
          expect(renderMs - before).toBeLessThanOrEqual(FASTEST_RATE * stepMs + 1e-6);
        }
        const delayMs = deviceMs + 5000 - renderMs;
        expect(delayMs).toBeGreaterThanOrEqual(-20 - 1e-6);
        expect(delayMs).toBeLessThanOrEqual(270 + 1e-6);
        before = renderMs;
      }
    }));
  });

  it('comes to where it is wanted and stays there, sooner up than down', () => {
    const playout = new PlayoutClock();
    let deviceMs = 0;
    const secondsTo = (wantedMs: number): number => {
      const fromMs = deviceMs;
      while (Math.abs(deviceMs - playout.at(deviceMs, deviceMs, wantedMs) - wantedMs) > 2) deviceMs += 11;
      return (deviceMs - fromMs) / 1000;
    };
    expect(secondsTo(40)).toBe(0);
    const up = secondsTo(120), down = secondsTo(40);
    expect(up).toBeLessThan(4);
    expect(down).toBeGreaterThan(up);
    expect(down).toBeLessThan(8);
  });

  it('does not care how often it is asked', () => {
    const playout = new PlayoutClock();
    playout.at(0, 0, 50);
    const first = playout.at(16, 16, 100);
    expect([playout.at(16, 16, 100), playout.at(10, 10, 100)]).toEqual([first, first]);
  });

  it('leaps when time itself is another', () => {
    const playout = new PlayoutClock();
    playout.at(0, 0, 50);
    expect(playout.at(16, 16 + 2 * LEAP_MS, 50)).toBe(2 * LEAP_MS - 34);
    expect(playout.at(32, 32, 50)).toBe(-18);
  });
});

describe('avatars', () => {
  it('are each drawn as early as their own rate allows, and at one moment as the latest of those who are heard', () => {
    const avatars = new Avatars();
    const sample = createPoseSample();
    sample.valid = sample.tracked = 1;
    const into = createPoseSample();
    let serverMs = 0;
    for (; serverMs < 20_000; serverMs += 1000 / 72) {
      const tick = Math.round((serverMs * 72) / 1000);
      sample.captureMs = serverMs - 10;
      avatars.add(1, sample, serverMs);
      if (tick % 8 === 0 && serverMs < 15_000) avatars.add(2, sample, serverMs);
      const now = { deviceMs: serverMs, serverMs };
      avatars.now(1, now, into);
      if (serverMs > 10_000) expect(serverMs - into.captureMs).toBeLessThan(10 + 1000 / 72 + 3);
      if (serverMs > 10_000 && serverMs < 15_000) {
        expect(avatars.now(2, now, into)).toBe('interpolated');
        expect(serverMs - into.captureMs).toBeGreaterThan(10 + 8000 / 72 - 1);
        expect(avatars.commonDelayMs(now)).toBeGreaterThan(10 + 8000 / 72 - 1);
      }
    }
    for (let until = serverMs + 10_000; serverMs < until; serverMs += 14) avatars.commonDelayMs({ deviceMs: serverMs, serverMs });
    expect(avatars.now(3, { deviceMs: serverMs, serverMs }, into)).toBe('none');
    expect(avatars.now(1, { deviceMs: serverMs, serverMs }, into)).toBe('held');
  });
});
