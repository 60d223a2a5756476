/** The watch over model versions on a manual clock: what becomes an alert, and what does not. */
import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../core/clock.ts';
import { randomNormal, seededRandom, type Random } from '../../../core/random.ts';
import { binOf, CONFIDENCE_EDGES, quantileBins } from '../../../features/bins.ts';
import type { InferenceRequest, RequestOutcome } from '../../../server/flow.ts';
import { SHADOW_TENANT, type WatchedVersion } from '../../../server/watch-flow.ts';
import { AlertBoard, type Alert } from '../../../server/watch/alert-board.ts';
import { ModelWatch } from '../../../server/watch/model-watch.ts';
import { decodeWatchState, encodeWatchState, type WatchState } from '../../../server/watch/watch-state.ts';

const COLUMNS = 12;
const WINDOW_MS = 60_000;

let clock: ManualClock;
let served: WatchedVersion[];
let told: Alert[];
let watch: ModelWatch;
let board: AlertBoard;
let random: Random;

const columns = Array.from({ length: COLUMNS }, (_, at) => {
  const own = seededRandom(at + 100);
  return { name: `column ${at}`, ...quantileBins(Array.from({ length: 4000 }, () => randomNormal(own))) };
});
const sizes = columns.map(({ shares }) => shares.length);
const trained: WatchedVersion = { key: 'gesture', name: 'gesture', version: '1', reference: { inputs: { samples: 4000, participants: 400, columns } } };

beforeEach(() => {
  clock = new ManualClock();
  random = seededRandom(7);
  [served, told] = [[trained], []];
  board = new AlertBoard(clock, (alert) => told.push(alert));
  watch = new ModelWatch({ clock, alerts: board, versions: () => served }, { windowMs: WINDOW_MS, minSamples: 200 });
  clock.advance(1000);
  return () => watch.close();
});

function request(person: number, changes: Partial<InferenceRequest> = {}): InferenceRequest {
  const nowMs = clock.nowMs();
  return { id: 1, task: 'gesture', model: 'gesture', streamId: `room/${person}/gesture/left`, origin: { sessionId: 'room', slot: person, part: 'left' }, payload: new Uint8Array(0), encoding: 'task', tenant: 't', captureMs: nowMs, arrivedMs: nowMs, deadlineMs: nowMs + 60, priority: 0, ...changes };
}

const done = (version: string, elapsedMs = 4): RequestOutcome => ({ kind: 'done', value: { task: 'tensors', outputs: new Uint8Array(0) }, batch: { id: 1, size: 1, deviceId: 'd', modelVersion: version, release: 'full', releasedMs: 0, finishedMs: clock.nowMs() + elapsedMs, runMs: 1 } });

interface Traffic {
  readonly people?: number;
  /** What is added to every value of the first column. */
  readonly shift?: number;
  readonly confidence?: () => number;
  readonly label?: () => string;
  readonly outcome?: () => RequestOutcome;
}

/** Ten requests of each person in one window. */
function window({ people = 60, shift = 0, confidence = () => 0.7 + 0.3 * random.next(), label = () => 'fist', outcome = () => done(served[0]?.version ?? '') }: Traffic = {}): void {
  const { version, key } = served[0] ?? trained;
  for (let turn = 0; turn < 10; turn++) {
    const counts = new Uint32Array(sizes.reduce((sum, size) => sum + size, 0));
    const confidences = new Uint32Array(CONFIDENCE_EDGES.length + 1);
    const labels: Record<string, number> = {};
    let samples = 0;
    for (let person = 0; person < people; person++) {
      watch.ended(request(person), outcome());
      if (!watch.wants(request(person))) continue;
      samples++;
      columns.reduce((offset, { edges, shares }, at) => {
        counts[offset + binOf(edges, randomNormal(random) + (at === 0 ? shift : 0))]! += 1;
        return offset + shares.length;
      }, 0);
      confidences[binOf(CONFIDENCE_EDGES, confidence())]! += 1;
      const said = label();
      labels[said] = (labels[said] ?? 0) + 1;
    }
    watch.take({ key, name: 'gesture', version }, { samples, columns: counts, confidence: confidences, labels });
    clock.advance(WINDOW_MS / 10);
  }
}

const levels = (): Record<string, string> => Object.fromEntries((watch.views[0]?.findings ?? []).map(({ trouble, level }) => [trouble, level]));
const alerted = (): string[] => told.map(({ kind, state }) => `${kind} ${state}`);

describe('the watch over a version', () => {
  it('says nothing while it is asked what it was trained on', () => {
    for (let turn = 0; turn < 12; turn++) window();
    expect(watch.views).toMatchObject([{ model: 'gesture', version: '1', against: 'training', people: 60, latencyMs: { median: 4, p99: 4 } }]);
    expect(levels()).toEqual({ 'input-drift': 'none', 'confidence-drift': 'none', 'label-drift': 'unknown', failures: 'none', lateness: 'none' });
    expect(told).toEqual([]);
  });

  it('names the columns that shift, raises it once after two windows, and clears it once after two without', () => {
    window();
    window({ shift: 1.5 });
    expect(levels()['input-drift']).toBe('large');
    expect(told).toEqual([]);
    for (let turn = 0; turn < 4; turn++) window({ shift: 1.5 });
    expect(alerted()).toEqual(['input-drift raised']);
    expect(told[0]).toMatchObject({ model: 'gesture', version: '1', facts: { shifted: 1, worst: [{ name: 'column 0' }] } });
    expect(board.raised).toHaveLength(1);
    window();
    expect(alerted()).toHaveLength(1);
    for (let turn = 0; turn < 3; turn++) window();
    expect(alerted()).toEqual(['input-drift raised', 'input-drift cleared']);
    expect(board.list).toMatchObject([{ state: 'cleared', kind: 'input-drift' }]);
  });

  it('does not call one window, or a trouble that wavers, an alert', () => {
    for (let turn = 0; turn < 6; turn++) window({ shift: turn % 2 === 0 ? 1.5 : 0 });
    expect(told).toEqual([]);
  });

  it('does not take two people who stay for a population', () => {
    // 20 samples a window: it goes on until it has 200.
    for (let turn = 0; turn < 6; turn++) window({ people: 2, shift: 0.6 });
    expect(watch.views).toMatchObject([{ samples: 0 }]);
    for (let turn = 0; turn < 30; turn++) window({ people: 2, shift: 0.6 });
    expect(watch.views[0]?.findings[0]).toMatchObject({ level: 'none' });
    expect(watch.views[0]?.findings[0]?.value).toBeGreaterThan(0.2);
    expect(told).toEqual([]);
    // As many samples of many people are another matter.
    for (let turn = 0; turn < 4; turn++) window({ people: 60, shift: 0.6 });
    expect(alerted()).toEqual(['input-drift raised']);
  });

  it('holds what has no reference against its own first window', () => {
    served = [{ key: 'gesture', name: 'gesture', version: '2' }];
    clock.advance(1000);
    window();
    expect(watch.views[0]).toMatchObject({ version: '2', against: 'none' });
    window({ label: () => (random.next() < 0.5 ? 'fist' : 'open') });
    expect(watch.views[0]).toMatchObject({ against: 'first-window' });
    for (let turn = 0; turn < 2; turn++) window({ confidence: () => 0.3 * random.next(), label: () => 'open' });
    expect(levels()).toMatchObject({ 'input-drift': 'unknown', 'confidence-drift': 'large', 'label-drift': 'large' });
    expect(alerted()).toEqual(expect.arrayContaining(['confidence-drift raised', 'label-drift raised']));
  });

  it('holds labels against its own first window where the reference has confidences alone', () => {
    const usual = new Uint32Array(CONFIDENCE_EDGES.length + 1);
    for (let sample = 0; sample < 4000; sample++) usual[binOf(CONFIDENCE_EDGES, 0.7 + 0.3 * random.next())]! += 1;
    const outputs = { samples: 4000, participants: 400, confidence: Array.from(usual, (count) => count / 4000) };
    served = [{ key: 'gesture', name: 'gesture', version: '2', reference: { outputs } }];
    clock.advance(1000);
    const mixed = (): string => (random.next() < 0.5 ? 'fist' : 'open');
    window({ label: mixed });
    expect(levels()).toMatchObject({ 'confidence-drift': 'none', 'label-drift': 'unknown' });
    for (let turn = 0; turn < 2; turn++) window({ label: () => 'open' });
    expect(levels()).toMatchObject({ 'confidence-drift': 'none', 'label-drift': 'large' });
    expect(alerted()).toEqual(['label-drift raised']);
    for (let turn = 0; turn < 2; turn++) window({ confidence: () => 0.3 * random.next(), label: mixed });
    expect(alerted()).toEqual(['label-drift raised', 'confidence-drift raised', 'label-drift cleared']);
  });

  it('raises failures and lateness, of sessions alone, and ends what it raised when the version goes', () => {
    const failing = (): RequestOutcome => (random.next() < 0.2 ? { kind: 'failed', code: 'MODEL_FAILED' } : random.next() < 0.3 ? { kind: 'expired' } : done('1'));
    for (let turn = 0; turn < 2; turn++) window({ outcome: failing });
    expect(alerted()).toEqual(['failures raised', 'lateness raised']);
    served = [{ key: 'gesture', name: 'gesture', version: '2' }];
    clock.advance(1000);
    expect(alerted().slice(2).sort()).toEqual(['failures cleared', 'lateness cleared']);
    expect(watch.views).toMatchObject([{ version: '2', answered: 0 }]);
  });

  it('counts what nobody waits for neither as late nor in its latency, and other encodings and versions not at all', () => {
    for (let turn = 0; turn < 300; turn++) {
      watch.ended(request(turn, { tenant: SHADOW_TENANT }), { kind: 'expired' });
      watch.ended(request(turn), done('9'));
      watch.ended(request(turn, { encoding: 'tensors' }), { kind: 'failed', code: 'MODEL_FAILED' });
      expect(watch.wants(request(turn, { encoding: 'tensors' }))).toBe(false);
      watch.ended(request(turn), done('1', 100));
    }
    clock.advance(WINDOW_MS);
    expect(watch.views).toMatchObject([{ answered: 300, latencyMs: { median: 112, p99: 112 } }]);
    expect(levels()).toMatchObject({ failures: 'none', lateness: 'none' });
  });

  it('asks each stream for a sample once a second, whatever it sends', () => {
    let wanted = 0;
    for (let tenth = 0; tenth < 50; tenth++) {
      for (const part of ['left', 'right'] as const) if (watch.wants(request(1, { streamId: `room/1/gesture/${part}` }))) wanted++;
      clock.advance(100);
    }
    expect(wanted).toBe(10);
  });
});

describe('the watch after a restart', () => {
  /** As a server that is ended and started again, `agoMs` later and with what is served then known a second late. */
  function restart(agoMs = 5000, serves: WatchedVersion[] = [trained]): void {
    const text = encodeWatchState({ savedMs: clock.wallMs(), versions: watch.kept, alerts: board.list.map((alert) => ({ ...alert, facts: { ...alert.facts } })) });
    watch.close();
    const before = decodeWatchState(text) as WatchState;
    clock.advance(agoMs);
    served = [];
    board = new AlertBoard(clock, (alert) => told.push(alert), before.alerts);
    watch = new ModelWatch({ clock, alerts: board, versions: () => served }, { windowMs: WINDOW_MS, minSamples: 200, before: { versions: before.versions, agoMs } });
    clock.advance(1000);
    served = serves;
    clock.advance(1000);
  }

  it('does not tell again what stood, and tells that it ended', () => {
    for (let turn = 0; turn < 4; turn++) window({ shift: 1.5 });
    expect(alerted()).toEqual(['input-drift raised']);
    restart();
    expect(board.raised).toMatchObject([{ kind: 'input-drift', version: '1' }]);
    expect(levels()['input-drift']).toBe('large');
    for (let turn = 0; turn < 2; turn++) window({ shift: 1.5 });
    expect(alerted()).toEqual(['input-drift raised']);
    for (let turn = 0; turn < 4; turn++) window();
    expect(alerted()).toEqual(['input-drift raised', 'input-drift cleared']);
    expect(told[1]?.sinceMs).toBe(told[0]?.sinceMs);
  });

  it('goes on with streaks, first windows and windows that are not over', () => {
    served = [{ key: 'gesture', name: 'gesture', version: '2' }];
    clock.advance(1000);
    window();
    window({ confidence: () => 0.3 * random.next() });
    expect(levels()['confidence-drift']).toBe('large');
    for (let person = 0; person < 60; person++) watch.ended(request(person), { kind: 'expired' } as RequestOutcome);
    restart(1000, served);
    expect(watch.views).toMatchObject([{ version: '2', against: 'first-window' }]);
    expect(watch.kept[0]?.outcomes).toMatchObject({ late: 60, ageMs: 1000 });
    expect(told).toEqual([]);
    window({ confidence: () => 0.3 * random.next() });
    window({ confidence: () => 0.3 * random.next() });
    expect(alerted()).toContain('confidence-drift raised');
  });

  it('takes as many people as before and not more, since nobody knows who they were', () => {
    for (let person = 0; person < 30; person++) watch.wants(request(person));
    restart(0);
    expect(watch.kept[0]?.looks.people).toBe(30);
    watch.wants(request(1));
    expect(watch.kept[0]?.looks.people).toBe(30);
  });

  it('ends what stood about a version that is not served any more, once it is seen what is', () => {
    for (let turn = 0; turn < 4; turn++) window({ shift: 1.5 });
    restart(5000, []);
    expect(board.raised).toHaveLength(1);
    expect(watch.kept).toHaveLength(1);
    served = [{ ...trained, version: '2' }];
    clock.advance(1000);
    expect(told.at(-1)).toMatchObject({ state: 'cleared', version: '1', reason: 'not served since a restart' });
    expect(watch.views).toMatchObject([{ version: '2', samples: 0 }]);
  });
});
