import { describe, expect, it } from 'vitest';
import type { ManualClock } from '../../../core/clock.ts';
import type { ErrorCode } from '../../../core/errors.ts';
import { frameMessage, KIND } from '../../../protocol/codec/container.ts';
import { PATH_WINDOW_BYTES } from '../../../features/hand-path.ts';
import { HAND_BYTES } from '../../../protocol/codec/hand.ts';
import { PART_BITS, type PoseSample } from '../../../protocol/codec/pose-sample.ts';
import { encodeVideoChunk } from '../../../protocol/codec/video-chunk.ts';
import type { ResultValue } from '../../../protocol/message/result.ts';
import type { Batch, DevicePool, ItemOutcome } from '../../../server/flow.ts';
import { TestGateway, type TestClient } from '../../support/gateway.ts';
import { latencyTable, SimulatedDevice } from '../../support/simulated-device.ts';

const LANGUAGE: ResultValue = {
  task: 'language', sentiment: { label: 'positive', score: 0.9 }, emotions: [{ label: 'joy', score: 0.8 }], intent: null, moderation: { label: 'ok', score: 0.99, flagged: false },
};
const BODY: ResultValue = { task: 'body-pose', keypoints: Array.from({ length: 51 }, () => 0.5), score: 0.5 };

/** One device that answers by task; `broken` fails every picture. */
function poolOf(clock: ManualClock, options: { runMs?: number; broken?: ErrorCode; seen?: Batch[]; language?: ResultValue } = {}): DevicePool {
  const { runMs = 5, broken, seen = [], language = LANGUAGE } = options;
  const table = latencyTable(8, () => runMs);
  const answer = (batch: Batch, at: number): ItemOutcome => {
    const request = batch.requests[at];
    if (at === 0) seen.push(batch);
    if (request?.task === 'language') return { kind: 'done', value: language };
    if (request?.task === 'gesture') return { kind: 'done', value: { task: 'gesture', source: 'tracking', hand: request.origin.part === 'left' ? 'left' : 'right', label: 'fist', score: 0.9 } };
    if (request?.task === 'dynamic-gesture') return { kind: 'done', value: { task: 'dynamic-gesture', hand: request.origin.part === 'left' ? 'left' : 'right', label: 'clockwise', score: 0.9 } };
    return broken !== undefined ? { kind: 'failed', code: broken } : { kind: 'done', value: BODY };
  };
  const device = new SimulatedDevice({ clock, id: 'd0', latency: new Map(['gesture-mlp', 'dynamic-gesture-mlp', 'movenet-lightning', 'avatar-language'].map((model) => [model, table])), itemFor: answer });
  return { devices: [device], onChange: (listener) => device.onChange(listener) };
}

function withHands(sample: PoseSample): void {
  sample.valid |= PART_BITS.leftHand | PART_BITS.rightHand;
  for (let joint = 0; joint < 50; joint++) sample.hands.set([0.01 * joint, 1, 0, 0, 0, 0, 1], joint * 7);
}

const picture = (captureMs: number): Uint8Array =>
  frameMessage(KIND.videoChunk, encodeVideoChunk({ captureMs, codec: 'jpeg', kind: 'key', width: 320, height: 240, bytes: Uint8Array.from([255, 216, 255, 217]) }));

describe('results', () => {
  it('[RES1] of one participant reach the whole session, with model, batch, capture time and age', async () => {
    const world = new TestGateway((clock) => poolOf(clock));
    const sender = await world.join('lobby');
    const other = await world.join('lobby', { role: 'spectator' });
    const elsewhere = await world.join('elsewhere');
    const capturedMs = world.clock.nowMs();
    sender.peer.send(picture(capturedMs));
    await world.clock.advanceAsync(6);
    for (const client of [sender, other]) {
      expect(client.one('result')).toMatchObject({ slot: sender.slot, model: 'movenet-lightning', batchSize: 1, captureMs: capturedMs, value: BODY });
      expect(client.one('result').ageMs).toBeCloseTo(5, 0);
    }
    expect(elsewhere.messages('result')).toEqual([]);
  });

  it('[RES1] name the chat line that they are about', async () => {
    const world = new TestGateway((clock) => poolOf(clock));
    const talker = await world.join('lobby');
    talker.control({ type: 'say', text: 'what a day', captureMs: world.clock.nowMs() });
    await world.clock.advanceAsync(10);
    expect(talker.one('result').chatId).toBe(talker.one('chat').chatId);
  });

  it('[RES5] have entities and the script for clients that named the capability, and neither for others', async () => {
    const named: ResultValue = { ...LANGUAGE, script: 'latin', entities: [{ label: 'person', start: 0, end: 3, score: 0.75 }] };
    const world = new TestGateway((clock) => poolOf(clock, { language: named }));
    const talker = await world.join('lobby');
    const older = await world.join('lobby', { capabilities: ['chat', 'results'] });
    talker.control({ type: 'say', text: 'Ada is here', captureMs: world.clock.nowMs() });
    await world.clock.advanceAsync(10);
    expect(talker.one('result').value).toEqual(named);
    expect(older.one('result').value).toEqual(LANGUAGE);
    expect(older.one('result').chatId).toBe(talker.one('result').chatId);
  });

  it('come for each hand, at the rate of the gesture model and not of the headset', async () => {
    const seen: Batch[] = [];
    const world = new TestGateway((clock) => poolOf(clock, { seen }));
    const sender = await world.join('lobby');
    for (let sample = 0; sample < 100; sample++) {
      sender.pose(0, world.clock.nowMs(), withHands);
      await world.clock.advanceAsync(10);
    }
    const hands = sender.messages('result').map(({ value }) => (value.task === 'gesture' ? value.hand : 'none'));
    expect(hands.filter((hand) => hand === 'left')).toHaveLength(20);
    expect(hands.filter((hand) => hand === 'right')).toHaveLength(20);
    expect(seen.every(({ requests }) => requests.every(({ payload }) => payload.length === HAND_BYTES))).toBe(true);
  });

  /** Draws with the right controller, a circle a second, for so long. */
  async function draw({ clock }: TestGateway, client: TestClient, forMs: number): Promise<void> {
    for (const endMs = clock.nowMs() + forMs; clock.nowMs() < endMs; await clock.advanceAsync(20)) {
      const angle = (clock.nowMs() / 1000) * 2 * Math.PI;
      client.pose(0, clock.nowMs(), (sample) => {
        sample.valid |= PART_BITS.rightController;
        sample.rigid.set([0.1 * Math.sin(angle), 1.3 + 0.1 * Math.cos(angle), -0.5, 0, 0, 0, 1], 14);
      });
    }
  }

  it('[RES6] of a movement come once, to clients that named the capability, from at most nine looks a second', async () => {
    const seen: Batch[] = [];
    const world = new TestGateway((clock) => poolOf(clock, { seen }));
    const drawing = await world.join('lobby');
    const older = await world.join('lobby', { capabilities: ['chat', 'results'] });
    await draw(world, drawing, 3000);
    expect(drawing.messages('result')).toMatchObject([{ slot: drawing.slot, model: 'dynamic-gesture-mlp', value: { task: 'dynamic-gesture', hand: 'right', label: 'clockwise', score: 0.9 } }]);
    expect(older.messages('result')).toEqual([]);
    expect(seen.length).toBeGreaterThan(14);
    expect(seen.length).toBeLessThanOrEqual(19);
    expect(seen.every(({ requests }) => requests.every(({ payload, origin }) => payload.length === PATH_WINDOW_BYTES && origin.part === 'right'))).toBe(true);
  });

  it('[CON2] of a movement are of nothing that was sent before consent was given again', async () => {
    const seen: Batch[] = [];
    const world = new TestGateway((clock) => poolOf(clock, { seen }));
    const drawing = await world.join('lobby');
    await draw(world, drawing, 800);
    drawing.control({ type: 'consent', consent: { inference: false, recording: false, training: false } });
    await draw(world, drawing, 2000);
    expect(seen).toEqual([]);
    drawing.control({ type: 'consent', consent: { inference: true, recording: false, training: false } });
    await draw(world, drawing, 800);
    expect(seen).toEqual([]);
    await draw(world, drawing, 1000);
    expect(drawing.messages('result')).toHaveLength(1);
  });

  it('[CON2] are neither asked for nor shown without consent to inference', async () => {
    const seen: Batch[] = [];
    const world = new TestGateway((clock) => poolOf(clock, { seen }));
    const shy = await world.join('lobby', { consent: { inference: false } });
    shy.pose(0, world.clock.nowMs(), withHands);
    shy.control({ type: 'say', text: 'quiet', captureMs: world.clock.nowMs() });
    await world.clock.advanceAsync(50);
    expect(seen).toEqual([]);
    const changing = await world.join('lobby');
    changing.control({ type: 'say', text: 'wait, no', captureMs: world.clock.nowMs() });
    world.turn();
    changing.control({ type: 'consent', consent: { inference: false, recording: false, training: false } });
    await world.clock.advanceAsync(50);
    expect(changing.messages('result')).toEqual([]);
  });

  it('[CON2] of work under way are not shown once consent was withdrawn, nor when it is given again', async () => {
    const seen: Batch[] = [];
    const world = new TestGateway((clock) => poolOf(clock, { runMs: 50, seen }));
    const sender = await world.join('lobby');
    sender.control({ type: 'say', text: 'under way', captureMs: world.clock.nowMs() });
    sender.control({ type: 'say', text: 'waiting', captureMs: world.clock.nowMs() });
    await world.clock.advanceAsync(10);
    for (const inference of [false, true]) sender.control({ type: 'consent', consent: { inference, recording: false, training: false } });
    await world.clock.advanceAsync(10);
    sender.control({ type: 'say', text: 'asked again', captureMs: world.clock.nowMs() });
    await world.clock.advanceAsync(200);
    expect(seen.flatMap(({ requests }) => requests.map(({ payload }) => new TextDecoder().decode(payload)))).toEqual(['under way', 'asked again']);
    expect(sender.messages('result').map(({ chatId }) => chatId)).toEqual([3]);
  });

  it('[CON1] [CON2] poses and chat are relayed whatever the consent', async () => {
    const world = new TestGateway((clock) => poolOf(clock));
    const other = await world.join('lobby');
    const shy = await world.join('lobby', { consent: { inference: false } });
    shy.pose(3);
    shy.control({ type: 'say', text: 'only you', captureMs: world.clock.nowMs() });
    await world.clock.advanceAsync(50);
    expect(other.one('chat').text).toBe('only you');
    expect(other.poses).toMatchObject([{ slot: shy.slot, headX: 3 }]);
    shy.control({ type: 'consent', consent: { inference: true, recording: false, training: false } });
    shy.control({ type: 'say', text: 'all of you', captureMs: world.clock.nowMs() });
    await world.clock.advanceAsync(50);
    expect(other.one('result').chatId).toBe(other.messages('chat').at(-1)?.chatId);
  });

  it('[RES3] are of the newest waiting picture, and of every line of chat', async () => {
    const world = new TestGateway((clock) => poolOf(clock, { runMs: 50 }));
    const sender = await world.join('lobby');
    const startMs = world.clock.nowMs();
    for (let ms = 0; ms < 4; ms++) {
      sender.peer.send(picture(world.clock.nowMs()));
      sender.control({ type: 'say', text: `line ${ms}`, captureMs: world.clock.nowMs() });
      await world.clock.advanceAsync(1);
    }
    await world.clock.advanceAsync(500);
    const results = sender.messages('result');
    expect(results.filter(({ value }) => value.task === 'body-pose').map(({ captureMs }) => captureMs - startMs)).toEqual([0, 3]);
    expect(results.flatMap(({ chatId }) => chatId ?? [])).toEqual([1, 2, 3, 4]);
  });

  it('[RES3] that would be late are not sent at all', async () => {
    const world = new TestGateway((clock) => poolOf(clock, { runMs: 145 }));
    const sender = await world.join('lobby');
    sender.peer.send(picture(world.clock.nowMs()));
    await world.clock.advanceAsync(10);
    sender.peer.send(picture(world.clock.nowMs()));
    await world.clock.advanceAsync(1000);
    expect(sender.messages('result')).toHaveLength(1);
    expect(sender.refusals()).toEqual([]);
  });

  it('[TIM4] [RES1] are never of the future: a capture time ahead of its arrival is the arrival', async () => {
    const world = new TestGateway((clock) => poolOf(clock));
    const sender = await world.join('lobby');
    sender.pose(0, world.clock.nowMs() + 500, withHands);
    await world.clock.advanceAsync(20);
    expect(sender.messages('result').length).toBeGreaterThan(0);
    for (const { ageMs } of sender.messages('result')) expect(ageMs).toBeGreaterThanOrEqual(0);
  });

  it('[RES4] that failed are answered to their sender alone', async () => {
    const world = new TestGateway((clock) => poolOf(clock, { broken: 'VIDEO_INVALID' }));
    const sender = await world.join('lobby');
    const other = await world.join('lobby');
    sender.peer.send(picture(world.clock.nowMs()));
    await world.clock.advanceAsync(10);
    expect(sender.one('error')).toMatchObject({ code: 'VIDEO_INVALID', about: 'body-pose', closing: false });
    expect(other.refusals()).toEqual([]);
  });

  it.each([['no device', undefined], ['only an ailing device', 'MODEL_UNAVAILABLE']] as const)('[RES4] that %s can give are announced once a second, and never held against the sender', async (_what, broken) => {
    const world = new TestGateway(broken && ((clock) => poolOf(clock, { broken })));
    const sender = await world.join('lobby');
    for (let sent = 0; sent < 100; sent++) {
      sender.peer.send(picture(world.clock.nowMs()));
      await world.clock.advanceAsync(100);
      sender.control({ type: 'pong', serverMs: world.clock.nowMs(), deviceMs: world.clock.nowMs() });
    }
    expect(sender.peer.closedWith).toBeUndefined();
    expect(new Set(sender.refusals())).toEqual(new Set(['MODEL_UNAVAILABLE']));
    expect(sender.refusals().length).toBeLessThanOrEqual(11);
    expect(sender.messages('error')[0]).toMatchObject({ retry: 'later', about: 'body-pose' });
  });

  it('of somebody who left are not shown', async () => {
    const world = new TestGateway((clock) => poolOf(clock, { runMs: 50 }));
    const sender = await world.join('lobby');
    const other = await world.join('lobby');
    sender.control({ type: 'say', text: 'bye', captureMs: world.clock.nowMs() });
    world.turn();
    sender.control({ type: 'leave' });
    await world.clock.advanceAsync(100);
    expect(other.messages('result')).toEqual([]);
  });
});
