import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../../core/random.ts';
import type { Task } from '../../core/tasks.ts';
import { frameMessage, KIND } from '../../protocol/codec/container.ts';
import { LIMITS } from '../../protocol/limits.ts';
import type { ResultMessage } from '../../protocol/message/result.ts';
import { openRecording } from '../../recording/reader.ts';
import { loadProgram } from '../../sim/source/program.ts';
import { shippedVersion } from '../support/shipped.ts';
import { until } from '../support/until.ts';
import { joinRaw, openRaw, openTcp, randomBytes, send, type RawSocket } from './support/raw-socket.ts';
import { isRunning, ServerUnderTest, untilRepeating, type Heard } from './support/server.ts';
import { circling, encodedNow, handSample, pictures, sendNow, sendPicture, streamPoses, type Pictures } from './support/streams.ts';

const CHAT = { praise: 'I love this so much, it is wonderful, thank you!', spam: 'WIN a FREE prize now!!! Claim your $1000 cash reward, text WIN to 80082', bystander: 'pomegranate seventeen' };
/** Longer than the server lets chat come, so that none of it is refused. */
const CHAT_PERIOD_MS = 300;

describe('the server as a process', () => {
  let server: ServerUnderTest;
  let photos: Pictures;
  let speaker: Heard;
  let listener: Heard;
  const recordings = mkdtempSync(join(tmpdir(), 'copresence-e2e-'));

  beforeAll(async () => {
    [server, photos] = await Promise.all([ServerUnderTest.start(['--log-level', 'debug', '--recordings-folder', recordings]), pictures()]);
    [speaker, listener] = await Promise.all([server.join('hall', 'Speaker'), server.join('hall', 'Listener')]);
  });
  afterAll(async () => {
    await server.process.stop();
    rmSync(recordings, { recursive: true, force: true });
  });

  function resultsOf(heard: Heard, task: Task): ResultMessage[] {
    return heard.results.filter(({ slot, value }) => slot === speaker.client.self.slot && value.task === task);
  }

  /** The speaker sends until the listener hears what a model made of it. */
  async function understood(task: Task, periodMs: number, sendAgain: () => void): Promise<ResultMessage> {
    const before = resultsOf(listener, task).length;
    await untilRepeating(() => resultsOf(listener, task).length > before, periodMs, sendAgain);
    return resultsOf(listener, task)[before] as ResultMessage;
  }

  /** What the model made of a line, as the listener hears it. */
  async function judged(text: string): Promise<ResultMessage> {
    const find = (): ResultMessage | undefined =>
      listener.results.find(({ chatId }) => listener.chat.some((line) => line.chatId === chatId && line.text === text));
    await untilRepeating(() => find() !== undefined, CHAT_PERIOD_MS, () => speaker.client.say(text));
    return find() as ResultMessage;
  }

  /** Another's poses and chat arrive in this session, from now on. */
  async function othersGoOn(): Promise<void> {
    const { slot } = speaker.client.self;
    const posesBefore = listener.poses.get(slot) ?? 0;
    const chatBefore = listener.chat.length;
    const stream = streamPoses(speaker.client);
    await untilRepeating(() => (listener.poses.get(slot) ?? 0) > posesBefore + 2 && listener.chat.length > chatBefore, CHAT_PERIOD_MS, () => speaker.client.say(CHAT.bystander));
    stream.stop();
    expect(speaker.client.state.state).toBe('live');
    expect(listener.client.state.state).toBe('live');
  }

  function expectLabelled(result: ResultMessage, expected: { model: string; task: Task }): void {
    expect(result).toMatchObject({ model: expected.model, version: shippedVersion(expected.model), slot: speaker.client.self.slot, value: { task: expected.task } });
    expect(result.batchId).toBeGreaterThanOrEqual(0);
    expect(result.batchSize).toBeGreaterThanOrEqual(1);
    expect(result.ageMs).toBeGreaterThan(0);
    // On the server's clock, which the listener knows too; results that are too old are not shown.
    expect(result.captureMs).toBeLessThan(listener.client.serverNowMs());
    expect(result.captureMs).toBeGreaterThan(listener.client.serverNowMs() - 30_000);
  }

  it('tells another participant what a hand does', async () => {
    const sample = handSample();
    const result = await understood('gesture', 70, () => sendNow(speaker.client, sample));
    expectLabelled(result, { model: 'gesture-mlp', task: 'gesture' });
    expect(result.value).toMatchObject({ hand: 'left', label: 'point' });
  });

  it('[RES6] tells another participant that a controller draws a circle', async () => {
    const draw = circling(speaker.client);
    const result = await understood('dynamic-gesture', 15, draw);
    expectLabelled(result, { model: 'dynamic-gesture-mlp', task: 'dynamic-gesture' });
    expect(result.value).toMatchObject({ hand: 'right', label: 'clockwise' });
  });

  it('tells another participant where the body in a picture is', async () => {
    const result = await understood('body-pose', 200, () => sendPicture(speaker.client, photos.person));
    expectLabelled(result, { model: 'movenet-lightning', task: 'body-pose' });
    expect(result.value.task === 'body-pose' && result.value.score).toBeGreaterThan(0.3);
  });

  it('tells another participant how a line of chat is meant', async () => {
    const result = await judged(CHAT.praise);
    expectLabelled(result, { model: 'avatar-language', task: 'language' });
    expect(result.value).toMatchObject({ sentiment: { label: 'positive' }, moderation: { label: 'ok', flagged: false } });
  });

  it('flags spam', async () => {
    const result = await judged(CHAT.spam);
    expect(result.value).toMatchObject({ moderation: { label: 'spam', flagged: true } });
  });

  it.each(['truncated', 'png', 'bomb'] as const)('refuses a %s picture to its sender alone, and takes good ones afterwards', async (kind) => {
    speaker.errors.length = 0;
    listener.errors.length = 0;
    await untilRepeating(() => speaker.errors.some(({ code, about }) => code === 'VIDEO_INVALID' && about === 'body-pose'), 200, () => sendPicture(speaker.client, photos[kind]));
    await understood('body-pose', 200, () => sendPicture(speaker.client, photos.person));
    expect(listener.errors).toEqual([]);
  });

  it('keeps sessions going when the model worker is killed, and has results again by itself', async () => {
    const [worker, second] = server.workers();
    expect(worker).toBeDefined();
    expect(second).toBeUndefined();
    process.kill(worker ?? 0, 'SIGKILL');
    await othersGoOn();
    await understood('body-pose', 200, () => sendPicture(speaker.client, photos.person));
    expect(await server.metric('copresence_devices_ready')).toBe(1);
    expect(server.workers()).toHaveLength(1);
    expect(server.workers()).not.toContain(worker);
  });

  describe('under attack', () => {
    const random = seededRandom(7);

    it.each<[string, string | Uint8Array, number]>([
      ['random bytes', randomBytes(random, 400), 1007],
      ['a length that lies', Uint8Array.of(KIND.control, 0xff, 0xff, 0x7f, 1), 1007],
      ['more than the protocol\'s largest packet', new Uint8Array(LIMITS.packetBytes + 1), 1009],
      ['a text frame', 'hello', 1003],
    ])('closes a connection that sends %s', async (_, garbage, code) => {
      const raw = await openRaw(server.socketUrl);
      raw.socket.send(garbage);
      expect(await raw.closed).toBe(code);
      await othersGoOn();
    });

    it('closes a connection of a member that sends bytes in fragments that make no packet', async () => {
      const raw = await openRaw(server.socketUrl);
      joinRaw(raw, { token: await server.token('participant'), session: 'hall' });
      raw.socket.send(Uint8Array.of(99), { fin: false });
      raw.socket.send(Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x80), { fin: true });
      expect(await raw.closed).toBe(1007);
      await othersGoOn();
    });

    it('closes a connection that goes on being refused, and not before', async () => {
      const raw = await openRaw(server.socketUrl);
      for (let count = 0; count <= LIMITS.refusalsPer10s; count++) raw.socket.send(frameMessage(KIND.control, randomBytes(random, 40)));
      expect(await raw.closed).toBe(4429);
    });

    it('closes a connection whose frames break RFC 6455', async () => {
      const key = 'dGhlIHNhbXBsZSBub25jZQ==';
      const request = `GET /v1/connect HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Protocol: copresence.v1\r\n\r\n`;
      // Reserved bits and an unknown opcode, unmasked.
      const { ended } = await openTcp(server.url, `${request}\xff\x03abc`);
      expect(await ended).toContain('101 Switching Protocols');
      await othersGoOn();
    });

    it('lets nobody wait on a handshake that is never finished', async () => {
      const half = await openTcp(server.url, 'GET /v1/connect HTTP/1.1\r\nHost: x\r\nUpgrade: webso');
      const silent = await openRaw(server.socketUrl);
      await othersGoOn();
      expect(await silent.closed).toBe(4408);
      expect(await half.ended).toMatch(/^(HTTP\/1\.1 408|$)/);
    });

    it('believes no device\'s clock so far that times stop being numbers, also while it records', async () => {
      const host = await server.join('clocks', 'Host', { role: 'host', consent: { inference: true, recording: true, training: false } });
      await untilRepeating(() => host.client.recording, 500, () => host.client.record('start'));
      for (const deviceMs of [1.7e308, -1.7e308, 1e300, -1e18]) await attackClock(deviceMs);
      expect(host.errors).toEqual([]);
      host.client.record('stop');
      await until(() => !host.client.recording);
      await host.client.leave();
      await othersGoOn();
    });

    /** Joins with an impossible clock, answers pings that were never sent, and streams on it. */
    async function attackClock(deviceMs: number): Promise<void> {
      const raw: RawSocket = await openRaw(server.socketUrl);
      joinRaw(raw, { token: await server.token('participant'), session: 'clocks', deviceMs });
      send(raw, { type: 'pong', serverMs: -deviceMs, deviceMs });
      raw.socket.send(frameMessage(KIND.poseSample, encodedNow(handSample())));
      for (const captureMs of [deviceMs, -deviceMs, 0]) send(raw, { type: 'say', text: CHAT.bystander, captureMs });
      for (let count = 0; count <= LIMITS.refusalsPer10s; count++) raw.socket.send(frameMessage(KIND.control, Uint8Array.of(1)));
      expect(await raw.closed).toBe(4429);
    }

    it('survives fifty connections of seeded garbage at once', async () => {
      const codes = await Promise.all(Array.from({ length: 50 }, async (_, index) => {
        const raw = await openRaw(server.socketUrl);
        for (let count = 0; count < 20; count++) raw.socket.send(randomBytes(random, 1 + ((index * 37 + count * 91) % 300)));
        return raw.closed;
      }));
      expect(new Set(codes)).toEqual(new Set([1007]));
      await othersGoOn();
    });
  });

  describe('over HTTP', () => {
    it.each([
      ['/v2/health/live', { live: true }],
      ['/v2/health/ready', { ready: true }],
      ['/version', { protocol: 1 }],
    ])('answers %s', async (path, body) => {
      const response = await server.get(path);
      expect(response.status).toBe(200);
      expect(await response.json()).toMatchObject(body);
    });

    it('shows what it did to Prometheus', async () => {
      const text = await (await server.get('/metrics')).text();
      for (const task of ['gesture', 'body-pose', 'language']) expect(text).toMatch(new RegExp(`copresence_requests_total\\{task="${task}",outcome="done".*\\} [1-9]`));
      expect(text).toMatch(/copresence_refusals_total\{code="VIDEO_INVALID".*\} [1-9]/);
    });

    it('serves the viewer with headers that let no foreign script in', async () => {
      const response = await server.get('/viewer/');
      expect(response.status === 200 || response.status === 404).toBe(true);
      if (response.status === 404) return expect(await response.text()).toContain('npm run build:viewer');
      expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(response.headers.get('x-content-type-options')).toBe('nosniff');
      expect(response.headers.get('referrer-policy')).toBe('no-referrer');
    });

    it('knows no other path, and no other method', async () => {
      expect((await server.get('/nothing')).status).toBe(404);
      for (const method of ['POST', 'PUT', 'DELETE']) expect((await server.get('/version', { method })).status).toBe(405);
    });

    it.each(['/viewer/../package.json', '/viewer/..%2fpackage.json', '/viewer/%2e%2e/package.json', '/viewer/..\\package.json', '/viewer//etc/passwd', '/viewer/....//package.json', '/viewer/index.html%00.js', '//viewer/../../package.json'])('gives no file for %s', async (path) => {
      // A client library would tidy the path up before sending it.
      const { ended } = await openTcp(server.url, `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
      expect(await ended).toMatch(/^HTTP\/1\.1 404 /);
    });
  });

  it('records those who consent, in a file that the simulator replays', async () => {
    const consent = { inference: true, recording: true, training: false };
    const [host, shy] = await Promise.all([server.join('studio', 'Host', { role: 'host', consent }), server.join('studio', 'Shy')]);
    const sample = handSample();
    await untilRepeating(() => host.client.recording, 500, () => host.client.record('start'));
    const stream = streamPoses(shy.client);
    await untilRepeating(() => shy.results.some(({ value }) => value.task === 'gesture') && (host.poses.get(host.client.self.slot) ?? shy.poses.get(host.client.self.slot) ?? 0) > 10, 20, () => sendNow(host.client, sample));
    stream.stop();
    host.client.record('stop');
    await until(() => !host.client.recording);
    await Promise.all([host.client.leave(), shy.client.leave()]);
    const path = join(recordings, readdirSync(recordings).find((name) => name.startsWith('studio-')) ?? '');
    await expect.poll(() => isWhole(path)).toBe(true);
    const recording = await openRecording(path);
    const kinds = new Set<string>();
    for await (const item of recording.items()) kinds.add(`${item.participantId === host.client.self.participantId ? 'host' : 'other'} ${item.kind}`);
    await recording.close();
    expect(recording.info).toMatchObject({ session: 'studio', complete: true });
    expect(kinds).toContain('host pose');
    expect([...kinds].filter((kind) => kind.startsWith('other') && kind !== 'other consent')).toEqual([]);
    const program = await loadProgram({ headsets: 1, sessions: 1, recording: path });
    expect(program.parts).toHaveLength(1);
  });

  it('ends with SIGTERM: tells every client, leaves no worker and no word of anybody in its log', async () => {
    const workers = server.workers();
    const raw = await openRaw(server.socketUrl);
    joinRaw(raw, { token: await server.token('participant'), session: 'hall', name: 'Witness' });
    await until(() => [...listener.client.participants.values()].some(({ name }) => name === 'Witness'));
    process.kill(server.process.pid, 'SIGTERM');
    expect(await raw.closed).toBe(4503);
    expect(await server.process.ended).toBe(0);
    for (const pid of [server.process.pid, ...workers]) expect(isRunning(pid)).toBe(false);
    // Its place is not kept, as the server has said.
    await until(() => speaker.client.state.state === 'joining');
    speaker.client.close();
    listener.client.close();
    expect(server.log).toContain('"msg":"ready"');
    for (const secret of [...Object.values(CHAT), ...server.tokens, server.process.tokenKey, 'Speaker', 'Listener', 'Witness']) expect(server.log).not.toContain(secret);
  });
});

/** Whether the server has closed the recording. */
async function isWhole(path: string): Promise<boolean> {
  const recording = await openRecording(path);
  await recording.close();
  return recording.info.complete;
}
