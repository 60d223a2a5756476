/** The measures: times, counters and chat, on a clock that a test moves and with the protocol's own bytes. */
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../core/clock.ts';
import { ChatLedger, lineNumber, numberLine } from '../../../sim/measure/chat-ledger.ts';
import { BUCKETS_MS, LatencyRecorder, LatencyTimeline } from '../../../sim/measure/latency.ts';
import { parsePrometheus, subtractTables, tabulate } from '../../../sim/measure/prometheus.ts';
import { FleetMeasure } from '../../../sim/measure/fleet-measure.ts';
import { VirtualHeadset } from '../../../sim/headset/virtual-headset.ts';
import { Ticker } from '../../../sim/headset/ticker.ts';
import { ScriptedServer } from './scripted-server.ts';

describe('a distribution', () => {
  it('gives the quantiles of what was recorded, to three digits', () => {
    const recorder = new LatencyRecorder();
    for (let ms = 1; ms <= 1000; ms++) recorder.record(ms);
    const figures = recorder.figures();
    expect(figures.count).toBe(1000);
    expect(figures.p50Ms).toBeCloseTo(500, 0);
    expect(Math.abs(figures.p99Ms - 990)).toBeLessThan(1);
    expect(Math.abs(figures.maxMs - 1000)).toBeLessThan(1);
    expect(figures.meanMs).toBeCloseTo(500.5, 6);
    expect(figures.minMs).toBe(1);
    expect(figures.curve.every(({ ms }, index) => index === 0 || ms >= figures.curve[index - 1]!.ms)).toBe(true);
  });

  it('puts each time into the one bucket that holds it', () => {
    const recorder = new LatencyRecorder();
    for (const ms of [0.2, 0.25, 0.3, 12, 13.9, 14, 501, 9999]) recorder.record(ms);
    const filled = recorder.figures().buckets.filter(({ count }) => count > 0);
    expect(filled).toEqual([{ upToMs: 0.25, count: 2 }, { upToMs: 0.5, count: 1 }, { upToMs: 13.9, count: 2 }, { upToMs: 20, count: 1 }, { upToMs: null, count: 2 }]);
    expect(recorder.figures().buckets).toHaveLength(BUCKETS_MS.length + 1);
  });

  it('takes times below zero as zero and counts them, and is all zero when empty', () => {
    const recorder = new LatencyRecorder();
    expect(recorder.figures()).toMatchObject({ count: 0, p50Ms: 0, maxMs: 0, minMs: 0, meanMs: 0 });
    recorder.record(-3);
    expect(recorder.negative).toBe(1);
    expect(recorder.figures()).toMatchObject({ count: 1, p50Ms: 0, meanMs: 0 });
  });

  it('is kept second by second', () => {
    const timeline = new LatencyTimeline(1000);
    timeline.record(1100, 5);
    timeline.record(1900, 7);
    timeline.record(3500, 100);
    expect(timeline.points().map(({ atS, count }) => [atS, count])).toEqual([[0, 2], [2, 1]]);
    expect(Math.abs(timeline.points()[1]!.p50Ms - 100)).toBeLessThan(2);
  });
});

describe('the parser of Prometheus text', () => {
  const TEXT = [
    '# HELP copresence_requests_total Inference requests', '# TYPE copresence_requests_total counter',
    'copresence_requests_total{task="gesture",outcome="done"} 40', 'copresence_requests_total{task="gesture",outcome="expired",} 2 1712345678',
    'copresence_requests_total{task="body-pose", outcome="done"} 1e2', 'other{a="with \\"quotes\\", a comma and a \\\\"} +Inf', 'plain 3.5', '',
  ].join('\n');

  it('reads names, labels and values', () => {
    const samples = parsePrometheus(TEXT);
    expect(samples).toHaveLength(5);
    expect(samples[3]).toEqual({ name: 'other', labels: { a: 'with "quotes", a comma and a \\' }, value: Infinity });
    expect(samples[4]).toEqual({ name: 'plain', labels: {}, value: 3.5 });
  });

  it('sums by two labels, and subtracts what was there before', () => {
    const table = tabulate(parsePrometheus(TEXT), 'copresence_requests_total', 'task', 'outcome');
    expect(table).toEqual({ gesture: { done: 40, expired: 2 }, 'body-pose': { done: 100 } });
    expect(subtractTables(table, { gesture: { done: 30 } })).toEqual({ gesture: { done: 10, expired: 2 }, 'body-pose': { done: 100 } });
  });

  it('says which line is none', () => {
    expect(() => parsePrometheus('good 1\nbad{a=1} 2')).toThrow(/line 2 of the metrics has malformed labels/);
    expect(() => parsePrometheus('bad one')).toThrow(/line 1 of the metrics is no sample/);
  });
});

describe('the chat ledger', () => {
  function ledgerOfThree(): ChatLedger {
    const ledger = new ChatLedger();
    for (const name of ['a', 'b', 'c']) ledger.join('hall', name);
    return ledger;
  }

  it('is complete when everybody heard every line once', () => {
    const ledger = ledgerOfThree();
    for (let number = 0; number < 3; number++) {
      ledger.say('a');
      for (const listener of ['a', 'b', 'c']) ledger.hear(listener, 'a', number);
    }
    expect(ledger.complete).toBe(true);
    expect(ledger.figures()).toEqual({ said: 3, expected: 9, heard: 9, lost: 0, twice: 0, outOfOrder: 0 });
  });

  it('tells what is lost, what came twice and what came late', () => {
    const ledger = ledgerOfThree();
    ledger.say('a');
    ledger.say('a');
    ledger.hear('b', 'a', 1);
    ledger.hear('b', 'a', 0);
    ledger.hear('b', 'a', 0);
    expect(ledger.figures()).toEqual({ said: 2, expected: 6, heard: 2, lost: 4, twice: 1, outOfOrder: 1 });
  });

  it('numbers lines so that the number can be read back', () => {
    expect(lineNumber(numberLine('Hello (everybody)', 12))).toBe(12);
    expect(lineNumber('Hello (everybody)')).toBeUndefined();
  });
});

describe('a measured fleet', () => {
  /** Two headsets with clocks an hour apart, and a server 7 ms away whose own clock is somewhere else again. */
  async function playTwo(server: { lose?: number }) {
    const clock = new ManualClock(5000);
    const measure = new FleetMeasure(clock);
    const scripted = new ScriptedServer(clock, { serverOffsetMs: 777_000, linkMs: 7, ...server });
    const script = {
      origin: 'test', source: 'generated' as const, pictures: undefined,
      chat: { next: () => ({ text: 'Hello', afterMs: 400 }) },
      poseAt(timeMs: number, into: { valid: number; tracked: number; rigid: Float32Array }) {
        into.valid = 1;
        into.tracked = 1;
        into.rigid.set([Math.sin(timeMs / 1000), 1.6, 0, 0, 0, 0, 1]);
      },
    };
    const headsets = [0, 1].map((index) => {
      const deviceOffsetMs = index * 3_600_000;
      return new VirtualHeadset(clock, {
        url: 'ws://test', token: 'token', session: 'hall', name: `h${index}`, script, deviceOffsetMs, phase: index / 2, seed: index,
        openSocket: scripted.openSocket, consent: { inference: true, recording: false, training: false }, watcher: measure.watch('hall', `h${index}`, { deviceOffsetMs }),
      });
    });
    const joins = Promise.all(headsets.map((headset) => headset.join()));
    await clock.advanceAsync(1000);
    await joins;
    const ticker = new Ticker(clock);
    for (const headset of headsets) headset.play(ticker, clock.nowMs());
    await clock.advanceAsync(1000);
    measure.begin();
    await clock.advanceAsync(2000);
    for (const headset of headsets) headset.rest();
    ticker.stop();
    await clock.advanceAsync(500);
    return measure;
  }

  it('finds the true time from capture to peer, whatever the clocks of devices and server say', async () => {
    const measure = await playTwo({});
    const { pose, chat } = measure.streams();
    expect(pose).toEqual({ sent: 288, late: 0, missed: 0, superseded: 0, unsent: 0, expected: 288, delivered: 288 });
    expect(chat.delivered).toBe(chat.expected);
    expect(measure.chat.figures()).toMatchObject({ lost: 0, twice: 0, outOfOrder: 0 });
    const { pose: times } = measure.latencies();
    expect(Math.abs(times.p50Ms - 14)).toBeLessThan(0.2);
    expect(Math.abs(times.maxMs - 14)).toBeLessThan(0.2);
    expect(Math.abs(measure.truePose.figures().p50Ms - 14)).toBeLessThan(0.2);
    expect(measure.clockError.figures().maxMs).toBeLessThan(0.2);
  });

  it('counts a pose that was lost on the way as not delivered', async () => {
    const measure = await playTwo({ lose: 4 });
    const { pose } = measure.streams();
    expect(pose.expected - pose.delivered).toBeGreaterThanOrEqual(70);
    expect(pose.expected - pose.delivered).toBeLessThanOrEqual(74);
  });

  it('keeps results apart by task, counts each batch once and times them from capture', async () => {
    const measure = await playTwo({});
    const figures = measure.sessions()[0]!;
    expect(figures.results.language).toBe(figures.chatLines);
    expect([...measure.batchSizes.language]).toEqual([[2, Math.ceil(figures.chatLines / 2)]]);
    expect(Math.abs(measure.latencies().language.p50Ms - 24)).toBeLessThan(0.5);
    expect(measure.timelines().language.length).toBeGreaterThan(0);
    expect(measure.throughput().reduce((sum, point) => sum + point.results.language, 0)).toBe(figures.chatLines);
  });
});
