/** Rollouts on a manual clock, over a scheduler that answers as the test says. */
import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../core/clock.ts';
import { CopresenceError } from '../../../core/errors.ts';
import type { InferenceRequest, InferenceScheduler, ModelValue, ModelVersions, RequestOutcome } from '../../../server/flow.ts';
import { canaryKey } from '../../../server/model/model-key.ts';
import { DEFAULT_ROLLOUT_RULES, RolloutDesk, type RolloutEvent } from '../../../server/rollout/rollout-desk.ts';

const MODEL = 'gesture-mlp';
const CANARY = canaryKey(MODEL);
const RULES = { ...DEFAULT_ROLLOUT_RULES, steps: [0, 30, 100], holdMs: 2000, minSamples: 20, giveUpMs: 600_000 };

let clock: ManualClock;
let desk: RolloutDesk;
let serving: { name: string; version: string }[];
let served: object[];
let refuse: CopresenceError | undefined;
let events: RolloutEvent[];
/** What reached the scheduler, and what it says by the key of the model. */
let taken: InferenceRequest[];
let answers: Record<string, (request: InferenceRequest) => RequestOutcome>;
let heard: { request: InferenceRequest; outcome: RequestOutcome }[];

const gesture = (label: string): ModelValue => ({ task: 'gesture', source: 'tracking', hand: 'left', label, score: 0.9 });
const done = (label: string, version: string): RequestOutcome => ({ kind: 'done', value: gesture(label), batch: { id: 1, size: 1, deviceId: 'd', modelVersion: version, release: 'full', releasedMs: 0, finishedMs: 0, runMs: 1 } });

beforeEach(() => {
  clock = new ManualClock();
  [serving, served, events, taken, heard, refuse] = [[{ name: MODEL, version: '1' }], [], [], [], [], undefined];
  answers = { [MODEL]: () => done('fist', serving[0]?.version ?? ''), [CANARY]: () => done('fist', '2') };
  const versions: ModelVersions = {
    serving: () => serving,
    canaryKey,
    serve: async (wanted) => {
      if (refuse !== undefined) throw refuse;
      served.push(wanted);
      serving = [{ name: wanted.model, version: wanted.version }];
    },
  };
  const next: InferenceScheduler = {
    submit(request) {
      taken.push(request);
      request.onOutcome?.(request, answers[request.model]?.(request) ?? { kind: 'unavailable' });
      if (request.onOutcome === undefined) heard.push({ request, outcome: answers[request.model]?.(request) ?? { kind: 'unavailable' } });
    },
    forget: () => undefined,
    close: () => undefined,
  };
  desk = new RolloutDesk({ clock, next: () => next, versions, report: (event) => events.push(event), onOutcome: (request, outcome) => heard.push({ request, outcome }) });
  return () => desk.close();
});

let id = 0;
function submit(sessionId: string, changes: Partial<InferenceRequest> = {}): void {
  const nowMs = clock.nowMs();
  desk.submit({ id: ++id, task: 'gesture', model: MODEL, streamId: sessionId, origin: { sessionId, slot: 0, part: 'left' }, payload: new Uint8Array(4), encoding: 'task', tenant: 't', captureMs: nowMs, arrivedMs: nowMs, deadlineMs: nowMs + 60, priority: 0, ...changes });
}

/** A request of each of 50 sessions, ten times a second. */
function traffic(seconds: number): void {
  for (let turn = 0; turn < seconds * 10; turn++) {
    for (let session = 0; session < 50; session++) submit(`s${session}`);
    clock.advance(100);
  }
}

/** The versions that the sessions heard of, by session, since the last time. */
function versionsHeard(): Map<string, Set<string>> {
  const bySession = new Map<string, Set<string>>();
  for (const { request, outcome } of heard.splice(0)) {
    const { sessionId } = request.origin;
    bySession.set(sessionId, (bySession.get(sessionId) ?? new Set()).add(outcome.kind === 'done' ? outcome.batch.modelVersion : outcome.kind));
  }
  return bySession;
}

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
};

describe('a rollout', () => {
  it('begins in the shadow: some requests are answered by both versions, and nobody hears the new one', async () => {
    await desk.begin(MODEL, '2', RULES);
    traffic(1);
    expect([...versionsHeard().values()].every((versions) => versions.size === 1 && versions.has('1'))).toBe(true);
    const shadows = taken.filter(({ model }) => model === CANARY);
    expect(shadows.length).toBeGreaterThanOrEqual(9);
    expect(shadows.length).toBeLessThanOrEqual(21);
    expect(shadows.every(({ priority, tenant }) => priority === 9 && tenant === 'rollout')).toBe(true);
    expect(desk.models).toMatchObject([{ model: MODEL, version: '1', rollout: { version: '2', state: 'running', percent: 0, figures: { compared: shadows.length, agreed: shadows.length } } }]);
  });

  it('compares what everybody sends, though they all send at the same ticks', async () => {
    await desk.begin(MODEL, '2', { ...RULES, holdMs: 60_000 });
    traffic(40);
    const compared = new Map<string, number>();
    for (const { model, origin } of taken) if (model === CANARY) compared.set(origin.sessionId, (compared.get(origin.sessionId) ?? 0) + 1);
    const counts = [...compared.values()];
    expect(compared.size).toBe(50);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(40 * 15);
    expect(Math.max(...counts)).toBeLessThan(40);
  });

  it('keeps each session on one version, of whom as many as the step says have the new one, and those stay with it', async () => {
    await desk.begin(MODEL, '2', { ...RULES, steps: [10, 40], holdMs: 5000 });
    traffic(4);
    const first = versionsHeard();
    expect([...first.values()].every((versions) => versions.size === 1)).toBe(true);
    const pioneers = [...first].filter(([, versions]) => versions.has('2')).map(([session]) => session);
    expect(pioneers.length).toBeGreaterThan(0);
    expect(pioneers.length).toBeLessThan(20);
    traffic(2);
    heard.length = 0;
    traffic(1);
    const second = versionsHeard();
    expect([...second.values()].every((versions) => versions.size === 1)).toBe(true);
    expect(pioneers.every((session) => second.get(session)?.has('2'))).toBe(true);
    expect([...second.values()].filter((versions) => versions.has('2')).length).toBeGreaterThan(pioneers.length);
  });

  it('ends in promotion when nothing speaks against the version, and loses no request on the way', async () => {
    await desk.begin(MODEL, '2', RULES);
    for (let second = 0; second < 20; second++) {
      traffic(1);
      await settle();
    }
    expect(events.map(({ outcome, percent, reason }) => [outcome, percent, reason])).toEqual([['begun', 0, 'admin'], ['advanced', 30, 'rules'], ['advanced', 100, 'rules'], ['promoted', 100, 'rules']]);
    expect(served).toEqual([{ model: MODEL, version: '1', canary: '2' }, { model: MODEL, version: '2', canary: '2' }, { model: MODEL, version: '2' }]);
    expect(desk.models).toEqual([{ model: MODEL, version: '2' }]);
    expect(heard).toHaveLength(50 * 10 * 20);
    expect(heard.every(({ outcome, request }) => outcome.kind === 'done' && request.model === MODEL)).toBe(true);
  });

  it('takes back a version that says something else, before anybody has heard it', async () => {
    answers[CANARY] = () => done('ok', '2');
    await desk.begin(MODEL, '2', RULES);
    for (let second = 0; second < 8; second++) {
      traffic(1);
      await settle();
    }
    expect(events.at(-1)).toMatchObject({ outcome: 'rolled-back', reason: 'disagreement', percent: 0 });
    expect([...versionsHeard().values()].every((versions) => versions.size === 1 && versions.has('1'))).toBe(true);
    expect(served.at(-1)).toEqual({ model: MODEL, version: '1' });
    expect(desk.models).toEqual([{ model: MODEL, version: '1' }]);
  });

  it('takes back a version that begins to fail; what it failed on the current one has answered', async () => {
    await desk.begin(MODEL, '2', RULES);
    for (let second = 0; events.at(-1)?.percent !== 30; second++) {
      traffic(1);
      await settle();
      expect(second).toBeLessThan(20);
    }
    answers[CANARY] = () => ({ kind: 'failed', code: 'MODEL_FAILED' });
    heard.length = 0;
    for (let second = 0; second < 6; second++) {
      traffic(1);
      await settle();
    }
    expect(events.at(-1)).toMatchObject({ outcome: 'rolled-back', reason: 'failures' });
    expect(heard).toHaveLength(50 * 10 * 6);
    expect(heard.every(({ outcome }) => outcome.kind === 'done')).toBe(true);
  });

  it('gives a request that is late already to nobody a second time', async () => {
    await desk.begin(MODEL, '2', { ...RULES, steps: [100] });
    answers[CANARY] = () => ({ kind: 'unavailable' });
    heard.length = 0;
    submit('a', { deadlineMs: clock.nowMs() });
    expect(heard.map(({ outcome }) => outcome.kind)).toEqual(['unavailable']);
  });

  it('can be ended by an admin either way', async () => {
    await desk.begin(MODEL, '2', RULES);
    const promoted = desk.promote(MODEL, 'looks good');
    await settle();
    clock.advance(3000);
    await promoted;
    expect(desk.models).toEqual([{ model: MODEL, version: '2' }]);
    await desk.begin(MODEL, '3', RULES);
    const back = desk.rollBack(MODEL, 'looks bad');
    await settle();
    clock.advance(3000);
    await back;
    expect(desk.models).toEqual([{ model: MODEL, version: '2' }]);
    expect(events.map(({ version, outcome, reason }) => [version, outcome, reason])).toEqual([['2', 'begun', 'admin'], ['2', 'promoted', 'looks good'], ['3', 'begun', 'admin'], ['3', 'rolled-back', 'looks bad']]);
  });

  it.each([
    ['a model that is not served', 'other', '2', 'MODEL_NOT_FOUND'],
    ['the version that is served', MODEL, '1', 'ROLLOUT_EXISTS'],
  ])('is refused for %s', async (_what, model, version, code) => {
    await expect(desk.begin(model, version, RULES)).rejects.toMatchObject({ code });
  });

  it('is refused beside another one, and where the version cannot be loaded, which changes nothing', async () => {
    refuse = new CopresenceError('MODEL_TAMPERED', 'a file');
    await expect(desk.begin(MODEL, '2', RULES)).rejects.toMatchObject({ code: 'MODEL_TAMPERED' });
    expect(desk.models).toEqual([{ model: MODEL, version: '1' }]);
    refuse = undefined;
    await desk.begin(MODEL, '2', RULES);
    await expect(desk.begin(MODEL, '3', RULES)).rejects.toMatchObject({ code: 'ROLLOUT_EXISTS' });
    await expect(desk.promote('other', '')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('leaves calls from outside sessions to the version that they know', async () => {
    await desk.begin(MODEL, '2', { ...RULES, steps: [100] });
    taken.length = 0;
    submit('', { encoding: 'tensors' });
    expect(taken.map(({ model }) => model)).toEqual([MODEL]);
  });

  describe('after its promotion', () => {
    async function promoted(): Promise<void> {
      await desk.begin(MODEL, '2', { ...RULES, guardMs: 60_000 });
      void desk.promote(MODEL, 'admin');
      await settle();
      clock.advance(4000);
      await settle();
      expect(desk.models).toEqual([{ model: MODEL, version: '2' }]);
      [events, served] = [[], []];
    }

    it('gives way to the version before when it fails, at once', async () => {
      await promoted();
      // Of another version that has failed before it went.
      desk.failing(MODEL, '1');
      expect(served).toEqual([]);
      desk.failing(MODEL, '2');
      desk.failing(MODEL, '2');
      await settle();
      expect(served).toEqual([{ model: MODEL, version: '1' }]);
      expect(events).toMatchObject([{ outcome: 'rolled-back', reason: 'failures', version: '2', restored: '1', percent: 0 }]);
      expect(desk.models).toEqual([{ model: MODEL, version: '1' }]);
      desk.failing(MODEL, '1');
      await settle();
      expect(events).toHaveLength(1);
    });

    it('can be taken back by an admin, and not any more when its time is over', async () => {
      await promoted();
      clock.advance(56_000);
      desk.failing(MODEL, '2');
      await settle();
      expect(served).toEqual([]);
      await expect(desk.rollBack(MODEL, 'admin')).rejects.toThrow(/NOT_FOUND/);
    });

    it('stays when the one before cannot be loaded, which can be tried again', async () => {
      await promoted();
      refuse = new CopresenceError('MODEL_TAMPERED', 'changed meanwhile');
      await expect(desk.rollBack(MODEL, 'admin')).rejects.toThrow(/MODEL_TAMPERED/);
      expect(desk.models).toEqual([{ model: MODEL, version: '2' }]);
      expect(events).toEqual([]);
      refuse = undefined;
      await desk.rollBack(MODEL, 'admin');
      expect(events).toMatchObject([{ outcome: 'rolled-back', reason: 'admin', restored: '1' }]);
    });

    it('leaves a rollout alone that has begun meanwhile', async () => {
      await promoted();
      await desk.begin(MODEL, '3', RULES);
      desk.failing(MODEL, '2');
      await settle();
      expect(desk.models).toMatchObject([{ version: '2', rollout: { version: '3', state: 'running' } }]);
    });
  });
});
