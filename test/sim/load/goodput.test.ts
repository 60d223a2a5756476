/** Goodput of a load: what a run of a real server tells of it, and how the optimum with hindsight comes about. */
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../core/clock.ts';
import { evenLimit, executionLimit } from '../../../core/serving-limits.ts';
import { seededRandom } from '../../../core/random.ts';
import { arrivalsOf, goodputOf, latencyTable } from '../../../sim/load/goodput.ts';
import { InputWindows, joinWindows, type InputWindow } from '../../../sim/load/input-windows.ts';
import { machineClock } from '../../../sim/load/machine-clock.ts';
import { checkProfile } from '../../../sim/load/read-profile.ts';
import { runLoad } from '../../../sim/load/run-load.ts';
import type { ServedModel } from '../../../sim/load/served-model.ts';
import { SmallSpread } from '../../../sim/load/small-spread.ts';
import { renderLoadPage } from '../../../sim/report/load-page.ts';
import { describeLoad } from '../../../sim/report/load-terminal.ts';
import { ServerInProcess } from '../../support/running-server.ts';
import { latencyTable as costOf, SimulatedDevice } from '../../support/simulated-device.ts';

const LATENCY = [1, 2, 4, 8, 16].map((size) => ({ size, ms: 5 + size }));
const cost = { latencyMs: (size: number) => 5 + size, maxBatchSize: 16, deviceCount: 1, budgetMs: 60 };
const MODEL: ServedModel = { model: 'gesture-mlp', tasks: ['gesture'], devices: 1, budgetMs: 60, latencyMs: LATENCY, goodputHz: 0, evenHz: evenLimit(cost).goodputHz, executionHz: executionLimit(cost).goodputHz };

const WINDOW: InputWindow = { fromMs: 0, untilMs: 2000, pictures: [], lines: [], hands: Array.from({ length: 10 }, (_, index) => [index, 72]) };
const facts = (outcomes: Record<string, number>, model: Partial<ServedModel> = {}, windows = [WINDOW]) =>
  goodputOf({ server: { requests: { gesture: outcomes }, models: [{ ...MODEL, ...model }], countedS: 10 }, windows, heard: { gesture: 3500 }, measuredS: 10 });

describe('goodput', () => {
  it('is what was answered in time of what was asked, beside the limits of the model', () => {
    const [gesture] = facts({ done: 3500, expired: 80, shed: 20 });
    expect(gesture).toMatchObject({ task: 'gesture', offeredHz: 360, goodputHz: 350, heardHz: 350, limits: { model: 'gesture-mlp', evenHz: MODEL.evenHz, executionHz: MODEL.executionHz } });
    expect(gesture?.onTime).toBeCloseTo(35 / 36);
  });

  it('with hindsight is all of what one device bears easily, and no more than full batches of what it does not', () => {
    expect(facts({ done: 3600 })[0]?.limits?.clairvoyant).toEqual({ kind: 'known', hz: 360 });
    // Twenty hands, ten times a second, are 200 a second; a device that runs one at a time in 6 ms does 166.
    const crowded = facts({ done: 1600, expired: 400 }, { latencyMs: [{ size: 1, ms: 6 }], executionHz: 1000 / 6 }, [WINDOW])[0]?.limits?.clairvoyant;
    expect(crowded?.kind === 'known' && crowded.hz).toBeGreaterThan(150);
    expect(crowded?.kind === 'known' && crowded.hz).toBeLessThanOrEqual(1000 / 6);
  });

  it('says why the optimum or the limits are not known', () => {
    const why = (model: Partial<ServedModel>, windows?: InputWindow[]): unknown => {
      const clairvoyant = facts({ done: 3600 }, model, windows)[0]?.limits?.clairvoyant;
      return clairvoyant?.kind === 'unknown' ? clairvoyant.why : clairvoyant;
    };
    expect([why({ devices: 2 }), why({ tasks: ['gesture', 'hands'] }), why({}, [])]).toEqual(['known for one device only', 'its model answers other tasks too', 'too short a run']);
    expect(why({ latencyMs: [{ size: 1, ms: 20 }] })).toBe('more than 20 % too much: T_exec is the limit');
    expect(facts({ done: 1 }, { devices: 0 })[0]?.limits).toBeUndefined();
    expect(facts({})).toEqual([]);
  });

  it('takes l(b) between the sizes that the server tells from straight lines', () => {
    const read = latencyTable([{ size: 1, ms: 6 }, { size: 8, ms: 13 }, { size: 24, ms: 45 }]);
    expect([1, 2, 8, 16, 24, 30].map(read)).toEqual([6, 7, 13, 29, 45, 45]);
  });

  it('takes hands at the rate at which the server looks at them, both of a headset at once', () => {
    fc.assert(fc.property(fc.constantFrom(1, 2, 3, 4), (every) => {
      const arrivals = arrivalsOf('gesture', WINDOW, 72 / every);
      expect(Math.abs(arrivals.length - (10 * 2 * 2 * 72) / every)).toBeLessThanOrEqual(20);
      expect(arrivals.filter((atMs, index) => index % 2 === 0 && atMs !== arrivals[index + 1])).toEqual([]);
    }));
  });
});

describe('the stretches of inputs', () => {
  it('are spread over what is measured, hold only what falls into them, and add up over processes', () => {
    const one = new InputWindows({ fromMs: 1000, untilMs: 21_000 });
    const other = new InputWindows({ fromMs: 1000, untilMs: 21_000 });
    for (let atMs = 0; atMs < 22_000; atMs += 100) one.note('pictures', atMs);
    for (const atMs of [2500, 2600, 6500]) other.noteHands(7, 36, atMs);
    const joined = joinWindows([one.encode(), other.encode()]);
    expect(joined.map(({ fromMs, untilMs }) => [fromMs, untilMs])).toEqual([[2000, 4000], [6000, 8000], [10_000, 12_000], [14_000, 16_000], [18_000, 20_000]]);
    expect(joined.every(({ pictures, fromMs, untilMs }) => pictures.length === 20 && pictures.every((atMs) => atMs >= fromMs && atMs < untilMs))).toBe(true);
    expect(joined.map(({ hands }) => hands)).toEqual([[[2500, 36]], [[6500, 36]], [], [], []]);
    expect(new InputWindows({ fromMs: 0, untilMs: 1000 }).encode()).toEqual([]);
  });
});

describe('a small spread', () => {
  it('has any quantile right to 3 %', () => {
    fc.assert(fc.property(fc.integer(), fc.constantFrom(0.1, 0.5, 0.9, 0.99), (seed, share) => {
      const random = seededRandom(seed);
      const times = Array.from({ length: 200 }, () => 0.1 * Math.exp(10 * random.next()));
      const spread = new SmallSpread();
      for (const ms of times) spread.record(ms);
      const exact = times.sort((one, other) => one - other)[Math.ceil(share * times.length) - 1]!;
      expect(spread.quantileMs(share) / exact).toBeGreaterThan(0.97);
      expect(spread.quantileMs(share) / exact).toBeLessThan(1.03);
      expect(spread.meanMs).toBeCloseTo(times.reduce((sum, ms) => sum + ms, 0) / times.length);
    }));
  });
});

describe('a load with hands', () => {
  const closers: (() => unknown)[] = [];
  afterEach(async () => { for (const close of closers.splice(0)) await close(); });

  it('has its goodput, its limits and the figures of each participant in the report', async () => {
    const key = Buffer.from('a key of thirty-two characters, or more');
    const device = new SimulatedDevice({ clock: systemClock(), id: 'one', latency: new Map([['gesture-mlp', costOf(16, (size) => 5 + size)]]) });
    const { server } = await ServerInProcess.start(['--workers', '1'], key, { devices: [device], onChange: (listener) => device.onChange(listener) });
    closers.push(() => server.close());
    const profile = checkProfile({
      phases: [{ kind: 'constant', headsets: 4, forS: 3.4 }], warmUpS: 0.4, sessionSize: 2, headset: { poseHz: 36, hands: 1, chatPerMinute: 0 },
      thresholds: { 'gesture.onTime': '> 0', 'gesture.goodputHz': '> 0', 'gesture.ofEven': '> 0' },
    }, 'test');
    const report = await runLoad(profile, {
      clock: machineClock(), url: server.url, tokenKey: key.toString('latin1'), token: undefined, sessionPrefix: 'goodput', recording: undefined, processes: 1,
      signal: new AbortController().signal, progress: () => undefined,
    });
    const [gesture] = report.goodput;
    expect(gesture).toMatchObject({ task: 'gesture', limits: { model: 'gesture-mlp', devices: 1, budgetMs: 60, evenHz: evenLimit(cost).goodputHz, executionHz: executionLimit(cost).goodputHz } });
    expect(gesture?.limits?.clairvoyant.kind).toBe('known');
    // What was heard is what the server counts as answered in time, whose counters are read a moment beside it.
    const ratio = (gesture?.heardHz ?? 0) / (gesture?.goodputHz ?? 0);
    expect(ratio).toBeGreaterThan(0.7);
    expect(ratio).toBeLessThan(1.4);
    expect(report.verdicts.filter(({ name, passed }) => name.startsWith('gesture.') && !passed)).toEqual([]);
    expect(report.participants.map(({ number }) => number).sort()).toEqual([0, 1, 2, 3]);
    const sum = (of: (who: (typeof report.participants)[number]) => number): number => report.participants.reduce((all, who) => all + of(who), 0);
    expect([sum(({ expected }) => expected), sum(({ delivered }) => delivered), sum(({ heard }) => heard)]).toEqual([report.counts.expected, report.counts.delivered, report.counts.delivered]);
    expect(sum(({ results }) => results)).toBe(report.timed.gesture.count);
    expect(sum(({ streams }) => streams.pose.bytes)).toBe(report.counts.sampleBytesOut);
    expect(report.streams.pose.sent).toBe(sum(({ streams }) => streams.pose.sent));
    const page = renderLoadPage(report);
    const text = describeLoad(report);
    for (const of of [page, text]) {
      expect(of).toContain('with hindsight');
      expect(of).toContain(`${Math.round(evenLimit(cost).goodputHz).toLocaleString('en-US')}/s`);
      expect(of).toContain('its poses to the others, p99');
      expect(of).not.toMatch(/NaN|undefined|Infinity/);
    }
    // Everybody is on somebody's display, the watcher too.
    expect(report.participants.every(({ displayMeanMs, heldMm, results, poseP99Ms }) => displayMeanMs > 0 && heldMm > 0 && results > 0 && poseP99Ms > 0)).toBe(true);
  }, 60_000);
});
