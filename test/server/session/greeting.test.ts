import { describe, expect, it } from 'vitest';
import { frameMessage, KIND } from '../../../protocol/codec/container.ts';
import { encodeUp } from '../../../protocol/codec/control.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import type { UpMessage, UpMessageOf } from '../../../protocol/up.ts';
import { TestGateway, type TestClient } from '../../support/gateway.ts';

const CONSENT = { inference: true, recording: false, training: false };
const hello = (token: string, change: Partial<UpMessageOf<'hello'>> = {}): UpMessage => ({ type: 'hello', version: 1, oldestVersion: 1, capabilities: [], token, deviceMs: 0, ...change });
const join: UpMessage = { type: 'join', session: 'lobby', name: 'x', consent: CONSENT };

/** All in one packet, as `LIMITS.messagesPerPacket` allows. */
function sendTogether(client: TestClient, messages: readonly UpMessage[]): void {
  client.peer.send(Buffer.concat(messages.map((message) => encodeUp(message))));
}

const admitted = (client: TestClient): Promise<void> => client.until(() => client.messages('welcome').length > 0);

describe('greeting', () => {
  it('[SES1] [PKT6] join may be in the packet of hello, and up to 16 messages wait for the token in their order', async () => {
    const world = new TestGateway();
    const client = world.connect();
    const asked = Array.from({ length: 16 }, (_, deviceMs): UpMessage => ({ type: 'clock', deviceMs }));
    sendTogether(client, [hello(await world.token()), join, ...asked]);
    await admitted(client);
    expect(client.one('error')).toMatchObject({ code: 'MESSAGE_UNEXPECTED', about: 'clock', closing: false });
    expect(client.control_.map(({ type }) => type).filter((type) => type !== 'ping' && type !== 'error').slice(0, 3)).toEqual(['welcome', 'joined', 'clock-reply']);
    expect(client.messages('clock-reply').map(({ deviceMs }) => deviceMs)).toEqual([...asked.keys()].slice(0, 15));
  });

  it('[SES10] nothing but hello is taken before hello', async () => {
    const world = new TestGateway();
    const client = world.connect();
    const early: UpMessage[] = [join, { type: 'resume', resumeToken: 'x' }, { type: 'leave' }, { type: 'consent', consent: CONSENT }, { type: 'say', text: 'x', captureMs: 0 }, { type: 'record', action: 'start' }, { type: 'clock', deviceMs: 0 }, { type: 'pong', serverMs: 0, deviceMs: 0 }];
    sendTogether(client, early);
    client.peer.send(frameMessage(KIND.videoChunk, new Uint8Array(11)));
    world.turn();
    expect(client.messages('error').map(({ code, about }) => [code, about])).toEqual([...early.map(({ type }) => type), 'video'].map((about) => ['MESSAGE_UNEXPECTED', about]));
    await client.hello(await world.token());
    expect(client.one('welcome').version).toBe(1);
  });

  it('[SES2] [VER2] the version is the newest of both, and the capabilities those of both', async () => {
    const world = new TestGateway();
    const client = world.connect();
    client.control(hello(await world.token(), { version: 9, oldestVersion: 1, capabilities: ['telepathy', 'chat', 'pose'] }));
    await admitted(client);
    expect(client.one('welcome').version).toBe(1);
    expect([...client.one('welcome').capabilities].sort()).toEqual(['chat', 'pose']);
  });

  it('[SES5] a slot that somebody left is not given again at once', async () => {
    const world = new TestGateway();
    const keeper = await world.join('lobby');
    const leaver = await world.join('lobby');
    leaver.control({ type: 'leave' });
    const next = await world.join('lobby');
    expect(new Set([keeper.slot, leaver.slot, next.slot]).size).toBe(3);
  });

  it('[SES10] one participant more than the session holds is refused, and the connection ends', async () => {
    const world = new TestGateway();
    await world.join('lobby');
    const session = world.gateway.directory.session('lobby');
    const [first] = session?.participants ?? [];
    if (session === undefined || first === undefined) throw new Error('nobody there');
    for (let slot = 1; slot < LIMITS.participantsPerSession; slot++) session.add(Object.assign(Object.create(first) as typeof first, { slot }));
    const client = world.connect();
    await client.hello(await world.token());
    client.control(join);
    expect(client.peer.closedWith).toBe('SESSION_FULL');
    expect(client.one('error')).toMatchObject({ code: 'SESSION_FULL', closing: true, retry: 'later' });
  });
});

describe('clocks', () => {
  it('[TIM3] pings come 0, 50, 120, 250 and 500 ms after the welcome, then once in each heartbeat', async () => {
    const world = new TestGateway();
    const client = await world.join('lobby');
    const startMs = client.one('welcome').serverMs;
    world.clock.advance(3000);
    expect(client.messages('ping').map(({ serverMs }) => serverMs - startMs)).toEqual([0, 50, 120, 250, 500, LIMITS.heartbeatMs, 2 * LIMITS.heartbeatMs, 3 * LIMITS.heartbeatMs]);
  });

  it('[TIM3] until the first pong, the time in hello is the guess', async () => {
    const world = new TestGateway();
    const skewMs = -999_000;
    const client = world.connect();
    sendTogether(client, [hello(await world.token(), { deviceMs: world.clock.nowMs() + skewMs }), join]);
    await admitted(client);
    const capturedMs = world.clock.nowMs() - 15;
    client.control({ type: 'say', text: 'now', captureMs: capturedMs + skewMs });
    world.turn();
    expect(client.one('chat').captureMs).toBeCloseTo(capturedMs, 6);
  });

  it('[TIM3] of the pongs the one with the shortest round trip counts', async () => {
    const world = new TestGateway();
    const client = await world.join('lobby');
    const nowMs = world.clock.nowMs();
    for (const [rttMs, skewMs] of [[80, 40], [10, 0], [60, 30]] as const) client.control({ type: 'pong', serverMs: nowMs - rttMs, deviceMs: nowMs - rttMs / 2 - skewMs });
    client.control({ type: 'say', text: 'now', captureMs: nowMs - 100 });
    world.turn();
    expect(client.one('chat').captureMs).toBeCloseTo(nowMs - 100, 6);
  });

  it('[TIM1] [TIM2] a question about the time is answered with when it came and when the answer left', async () => {
    const world = new TestGateway();
    const client = await world.join('lobby');
    world.clock.advance(7);
    client.control({ type: 'clock', deviceMs: -12.5 });
    world.turn();
    expect(client.one('clock-reply')).toEqual({ type: 'clock-reply', deviceMs: -12.5, arrivedMs: world.clock.nowMs(), sentMs: world.clock.nowMs() });
  });

  it('[TIM4] a capture time of long ago counts as ten seconds old', async () => {
    const world = new TestGateway();
    const client = await world.join('lobby');
    client.control({ type: 'say', text: 'from the past', captureMs: -9e13 });
    client.pose(1, world.clock.nowMs() - 3_600_000);
    const arrivedMs = world.clock.nowMs();
    world.clock.advance(40);
    expect(client.one('chat').captureMs).toBe(arrivedMs - LIMITS.pastMs);
    expect(client.poses.map(({ captureMs }) => captureMs)).toEqual([arrivedMs - LIMITS.pastMs]);
  });

  it('[TIM4] a capture time a little ahead of the arrival becomes the arrival', async () => {
    const world = new TestGateway();
    const client = await world.join('lobby');
    client.synchronise();
    const aheadMs = world.clock.nowMs() + LIMITS.futureMs;
    client.pose(1, aheadMs);
    client.control({ type: 'say', text: 'soon', captureMs: aheadMs });
    client.control({ type: 'say', text: 'too soon', captureMs: aheadMs + 1 });
    const arrivedMs = world.clock.nowMs();
    world.clock.advance(20);
    expect(client.one('chat').captureMs).toBe(arrivedMs);
    expect(client.poses.map(({ captureMs }) => captureMs)).toEqual([arrivedMs]);
    expect(client.refusals()).toEqual(['TIME_IN_FUTURE']);
  });

  it('[TIM4] a device whose hello was held up is not taken for one from the future before a ping has shown its clock', async () => {
    const world = new TestGateway();
    const client = world.connect();
    await client.hello(await world.token(), { deviceMs: world.clock.nowMs() - 5000 });
    client.control({ type: 'join', session: 'lobby', name: 'late', consent: { inference: true, recording: false, training: false } });
    client.pose(1);
    const arrivedMs = world.clock.nowMs();
    world.clock.advance(40);
    expect(client.refusals()).toEqual([]);
    expect(client.poses.map(({ captureMs }) => captureMs)).toEqual([arrivedMs]);
  });
});

describe('refusals', () => {
  it('[CTL6] control messages beyond a burst are refused, and taken again as time goes by', async () => {
    const world = new TestGateway();
    const client = await world.join('lobby');
    world.clock.advance(1000);
    for (let sent = 0; sent < LIMITS.controlPerSecond + 1; sent++) client.control({ type: 'clock', deviceMs: sent });
    world.turn();
    expect(client.messages('clock-reply')).toHaveLength(LIMITS.controlPerSecond);
    expect(client.one('error')).toMatchObject({ code: 'RATE_LIMITED', about: 'clock', retry: 'later' });
    world.clock.advance(1000 / LIMITS.controlPerSecond);
    client.control({ type: 'clock', deviceMs: 99 });
    world.turn();
    expect(client.messages('clock-reply').at(-1)?.deviceMs).toBe(99);
  });

  it('[ERR1] [ERR2] as many refusals as the limit in ten seconds are forgiven, and one more is not', async () => {
    const world = new TestGateway();
    const client = await world.join('lobby');
    const unknown = Uint8Array.from([99, 0]);
    for (let round = 0; round < 2; round++) {
      for (let sent = 0; sent < LIMITS.refusalsPer10s; sent++) client.peer.send(unknown);
      expect(client.peer.closedWith).toBeUndefined();
      if (round === 0) world.clock.advance(9_000);
      if (round === 0) client.control({ type: 'pong', serverMs: world.clock.nowMs(), deviceMs: world.clock.nowMs() });
      if (round === 0) world.clock.advance(1_001);
    }
    client.peer.send(unknown);
    expect(client.peer.closedWith).toBe('TOO_MANY_ERRORS');
    expect(client.messages('error')[0]).toEqual({ type: 'error', code: 'MESSAGE_UNKNOWN', detail: 'kind 99', about: 'packet', retry: 'never', closing: false });
    expect(client.messages('error').at(-1)).toMatchObject({ code: 'TOO_MANY_ERRORS', closing: true });
  });

  it('[ERR3] a server that goes down tells every connection, joined or not', async () => {
    const world = new TestGateway();
    const member = await world.join('lobby');
    const silent = world.connect();
    world.gateway.reception.drain();
    for (const client of [member, silent]) {
      expect(client.one('error')).toMatchObject({ code: 'SERVER_DRAINING', retry: 'reconnect', closing: true });
      expect(client.peer.closedWith).toBe('SERVER_DRAINING');
    }
  });

  it('[SES3] [SES7] a resume token does not open a session that the own token does not admit to', async () => {
    const world = new TestGateway();
    const first = await world.join('lobby', { subject: 'me' });
    first.peer.close();
    const again = world.connect();
    await again.hello(await world.token({ subject: 'me', session: 'another' }));
    again.control({ type: 'resume', resumeToken: first.one('joined').resumeToken });
    expect(again.refusals()).toEqual(['SESSION_FORBIDDEN']);
    expect(again.peer.closedWith).toBe('SESSION_FORBIDDEN');
  });
});
