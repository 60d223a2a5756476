import { deflateRawSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { every } from '../../core/clock.ts';
import { encodeUp } from '../../protocol/codec/control.ts';
import { frameMessage, KIND } from '../../protocol/codec/container.ts';
import type { UpMessage } from '../../protocol/up.ts';
import { CONNECT_PATH, SUBPROTOCOL } from '../../client/socket.ts';
import { until } from '../support/until.ts';
import { RawMember } from './support/raw-member.ts';
import { openRaw, openTcp, type RawSocket } from './support/raw-socket.ts';
import { deviceClock, ServerUnderTest, untilRepeating } from './support/server.ts';
import { bothHands, encodedNow, handSample } from './support/streams.ts';

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const HANDSHAKE = `GET ${CONNECT_PATH} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${KEY}\r\nSec-WebSocket-Protocol: ${SUBPROTOCOL}\r\n`;
const MEBIBYTE = 2 ** 20;
const POSE_PERIOD_MS = 12;
const HOUR_MS = 3_600_000;
const ACCEPTS_PER_SECOND = 100;
const WORDS = 'pomegranate nineteen';

const control = (bytes: readonly number[]): Uint8Array => frameMessage(KIND.control, Uint8Array.from(bytes));
const text = (value: string): number[] => [0xa0 | value.length, ...Buffer.from(value)];
const SAY = [...text('type'), ...text('say'), ...text('text'), ...text('x'), ...text('captureMs'), 0];
const say = (captureMs: number): Uint8Array => encodeUp({ type: 'say', text: 'x', captureMs } satisfies UpMessage);

/** What is wrong with each message, and the code that it is refused with. */
const HOSTILE: readonly (readonly [string, Uint8Array, string])[] = [
  ['a pose marked as not finite', frameMessage(KIND.poseSample, Uint8Array.from([0, 0, 0, 0, 1, 1, 0, 128, 0, 0, 0, 0, 0, 0, 0, 0])), 'POSE_NOT_FINITE'],
  ['a pose of no bytes', frameMessage(KIND.poseSample, new Uint8Array(0)), 'MESSAGE_INVALID'],
  ['a pose of too many bytes', frameMessage(KIND.poseSample, new Uint8Array(5000)), 'MESSAGE_INVALID'],
  ['a picture of no bytes', frameMessage(KIND.videoChunk, new Uint8Array(0)), 'MESSAGE_INVALID'],
  ['a time that is no number', say(Number.NaN), 'MESSAGE_INVALID'],
  ['an infinite time', say(Number.POSITIVE_INFINITY), 'MESSAGE_INVALID'],
  ['a time beyond all clocks', say(1e300), 'MESSAGE_INVALID'],
  ['a control message of no bytes', control([]), 'MESSAGE_INVALID'],
  ['a key __proto__', control([0x84, ...SAY, ...text('__proto__'), 0x81, ...text('polluted'), 0xc3]), 'MESSAGE_INVALID'],
  ['a key constructor', control([0x84, ...SAY, ...text('constructor'), 0x81, ...text('prototype'), 0x81, ...text('polluted'), 0xc3]), 'MESSAGE_INVALID'],
  ['a depth of 10,000', control([...Array.from({ length: 10_000 }, () => 0x91), 0xc0]), 'MESSAGE_INVALID'],
  ['an array of 2^32 - 1', control([0xdd, 0xff, 0xff, 0xff, 0xff]), 'MESSAGE_INVALID'],
  ['a map of 2^32 - 1', control([0xdf, 0xff, 0xff, 0xff, 0xff]), 'MESSAGE_INVALID'],
  ['a string of 2^32 - 1', control([0x81, ...text('type'), 0xdb, 0xff, 0xff, 0xff, 0xff]), 'MESSAGE_INVALID'],
  ['bytes of 2^32 - 1', control([0x81, ...text('type'), 0xc6, 0xff, 0xff, 0xff, 0xff]), 'MESSAGE_INVALID'],
];

describe.each(['ws', 'uws'])('a server over %s', (transport) => {
  let server: ServerUnderTest;
  let url: string;
  let member: RawMember;

  beforeAll(async () => {
    server = await ServerUnderTest.start(['--workers', '0', '--uws-port', '0', '--max-connections', '8192', '--accepts-per-second', String(ACCEPTS_PER_SECOND), '--log-level', 'debug']);
    url = transport === 'uws' ? server.process.transports['uws'] ?? '' : server.url;
    member = await RawMember.join(url, await server.token('participant'), 'hall');
  });
  afterAll(() => server.process.stop());

  /** A metric of the series with this label. */
  async function count(name: string, label: string): Promise<number> {
    const series = (await (await server.get('/metrics')).text()).split('\n').filter((line) => line.startsWith(`${name}{`) && line.includes(`="${label}"`));
    return series.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  }

  /** Somebody else's chat and poses arrive, whatever happened before. */
  async function othersGoOn(): Promise<void> {
    const [speaker, listener] = await Promise.all([server.join('elsewhere', 'Speaker', { url }), server.join('elsewhere', 'Listener', { url })]);
    await untilRepeating(() => listener.chat.length > 0, 300, () => speaker.client.say(WORDS));
    await Promise.all([speaker.client.leave(), listener.client.leave()]);
  }

  it.each(HOSTILE)('refuses %s with a code, and goes on', async (_what, packet, code) => {
    const before = member.errors.length;
    const counted = await count('copresence_refusals_total', code);
    member.send(packet);
    await until(() => member.errors.length > before);
    expect(member.errors.slice(before)).toEqual([code]);
    expect(await count('copresence_refusals_total', code)).toBe(counted + 1);
  });

  it('[TIM4] refuses a pose of the future, once the clock of its sender is known', async () => {
    const sample = handSample();
    const before = member.errors.length;
    await untilRepeating(() => member.errors.length > before, POSE_PERIOD_MS, () => member.send(frameMessage(KIND.poseSample, encodedNow(sample, HOUR_MS))));
    expect(new Set(member.errors.slice(before))).toEqual(new Set(['TIME_IN_FUTURE']));
    expect(await count('copresence_refusals_total', 'TIME_IN_FUTURE')).toBeGreaterThan(0);
  });

  it('[WSK2] refuses a page of somebody else before there is a connection, and counts it', async () => {
    const counted = await count('copresence_handshakes_refused_total', '403');
    const opened = await server.metric('copresence_connections_opened_total');
    expect(await callAt(url, 'https://evil.example')).toMatchObject({ status: 403 });
    expect(await count('copresence_handshakes_refused_total', '403')).toBe(counted + 1);
    expect(await server.metric('copresence_connections_opened_total')).toBe(opened);
  });

  it('[CTL4] takes a key that comes twice once, in one of its two meanings', async () => {
    const before = member.errors.length;
    member.send(control([0x84, ...SAY, ...text('type'), ...text('leave')]));
    member.send(Uint8Array.of(99, 0));
    // What comes of the first message may be one refusal, or none; the second one's follows in any case.
    await until(() => member.errors.slice(before).includes('MESSAGE_UNKNOWN'));
    expect(member.raw.socket.readyState).toBe(WebSocket.OPEN);
  });

  it('keeps nothing of a message in tens of thousands of fragments of one byte', async () => {
    const before = await server.metric('copresence_resident_bytes');
    const code = transport === 'ws' ? 'PACKET_MALFORMED' : 'HELLO_TIMEOUT';
    const counted = await count('copresence_connections_closed_total', code);
    const attackers: RawSocket[] = [];
    while (attackers.length < 10) {
      const attacker = await openRaw(`${url.replace('http', 'ws')}${CONNECT_PATH}`);
      // Before the next one opens, or the last ones would not have begun when their time for a hello is over.
      for (let fragment = 0; fragment < 40_000; fragment++) attacker.socket.send(Uint8Array.of(1), { fin: false });
      attackers.push(attacker);
    }
    // One library counts fragments; the other joins them as they come, and who never ends a message never says hello.
    for (const { closed } of attackers) expect(await closed).toBe(transport === 'ws' ? 1008 : 4408);
    expect(await server.metric('copresence_resident_bytes') - before).toBeLessThan(64 * MEBIBYTE);
    expect(await count('copresence_connections_closed_total', code)).toBe(counted + attackers.length);
    await othersGoOn();
  });

  it('inflates nothing: a compressed frame, which nobody agreed on, ends the link', async () => {
    const bomb = deflateRawSync(Buffer.alloc(64 * MEBIBYTE));
    const before = await server.metric('copresence_resident_bytes');
    // FIN, RSV1 and binary; masked with zeroes, so that the bytes are what they are.
    const header = Buffer.alloc(14);
    header.writeUInt8(0xc2, 0);
    header.writeUInt8(0x80 | 127, 1);
    header.writeUInt32BE(bomb.length, 6);
    const { socket, ended } = await openTcp(url, `${HANDSHAKE}Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n`);
    await new Promise((resolve) => socket.once('data', resolve));
    socket.write(Buffer.concat([header, bomb]));
    const answer = await ended;
    expect(answer).toContain('101 Switching Protocols');
    expect(answer.toLowerCase()).not.toContain('sec-websocket-extensions');
    expect(await server.metric('copresence_resident_bytes') - before).toBeLessThan(32 * MEBIBYTE);
    await othersGoOn();
  });

  it('waits for no handshake that comes byte by byte', async () => {
    const slow = await openTcp(url, `${HANDSHAKE}X-Slow: `);
    let ended: string | undefined;
    void slow.ended.then((answer) => (ended = answer));
    await untilRepeating(() => ended !== undefined, 250, () => slow.socket.write('a'));
    expect(ended).toMatch(/^(HTTP\/1\.1 408|$)/);
    await othersGoOn();
  });

  it('[BRC1] [BRC2] [BRC3] gives up who stops reading, supersedes what is only good now for who reads 5 KB a second, and delays nobody else', async () => {
    const token = await server.token('participant');
    const crowd = await Promise.all(Array.from({ length: 20 }, () => RawMember.join(url, token, 'crowd')));
    const [stuck, slow, ...others] = crowd as [RawMember, RawMember, ...RawMember[]];
    // As many bytes as a headset has, since the kernel takes some megabytes before anything waits.
    const sample = bothHands();
    const sendPoses = (): void => {
      const pose = frameMessage(KIND.poseSample, encodedNow(sample));
      // Who does not read still sends, or they would be taken for gone.
      for (const somebody of crowd) if (somebody.raw.socket.readyState === WebSocket.OPEN) somebody.send(pose);
    };
    await untilRepeating(() => crowd.every(({ ticks }) => ticks.length > 0), POSE_PERIOD_MS, sendPoses);
    let isOver = false;
    void stuck.raw.closed.then(() => (isOver = true));
    stuck.tcp.pause();
    const sip = sips(slow);
    // A socket that does not read does not hear of its end, so the server is asked.
    let given = 0;
    await untilRepeating(() => given > 0, POSE_PERIOD_MS, () => {
      sendPoses();
      sip();
      void count('copresence_connections_closed_total', 'SLOW_CONSUMER').then((found) => (given = found));
    }, 60_000);
    expect(await count('copresence_snapshots_total', 'superseded')).toBeGreaterThan(0);
    stuck.tcp.resume();
    await until(() => isOver);
    expect(await stuck.raw.closed).toBe(1006);
    const { ticks } = others[0] ?? slow;
    const before = ticks.length;
    await untilRepeating(() => ticks.length > before + 20, POSE_PERIOD_MS, sendPoses);
    for (const other of others) expect([other.hasEverySnapshot, other.raw.socket.readyState]).toEqual([true, WebSocket.OPEN]);
    expect(slow.ticks.length).toBeLessThan(ticks.length);
  }, 90_000);

  it('[WSK2] sends most of 5,000 who come at once away for some seconds, and goes on for those who are there', async () => {
    const token = await server.token('participant');
    const [speaker, listener] = await Promise.all([RawMember.join(url, token, 'calm'), RawMember.join(url, token, 'calm')]);
    const sample = handSample();
    const stream = every(deviceClock, POSE_PERIOD_MS, () => speaker.send(frameMessage(KIND.poseSample, encodedNow(sample))));
    await until(() => listener.ticks.length > 0);
    const before = listener.ticks.length;
    const startMs = deviceClock.nowMs();
    const answers = await Promise.all(Array.from({ length: 5000 }, () => callAt(url)));
    const tookS = (deviceClock.nowMs() - startMs) / 1000;
    const refused = answers.filter((answer): answer is Refused => answer !== 'open');
    const letIn = answers.length - refused.length;
    expect(letIn).toBeGreaterThanOrEqual(ACCEPTS_PER_SECOND);
    // Beside a burst of one second's worth, however long it all took.
    expect(letIn).toBeLessThanOrEqual(ACCEPTS_PER_SECOND * (1 + tookS));
    expect(refused.length).toBeGreaterThan(2500);
    expect(await count('copresence_handshakes_refused_total', '503')).toBe(refused.length);
    expect(new Set(refused.map(({ status }) => status))).toEqual(new Set([503]));
    expect(new Set(refused.map(({ retryAfter }) => retryAfter))).toEqual(new Set(['1', '2', '3', '4', '5', '6', '7', '8']));
    await until(() => listener.ticks.length > before + 100);
    stream.stop();
    expect([listener.hasEverySnapshot, listener.raw.socket.readyState]).toEqual([true, WebSocket.OPEN]);
  }, 90_000);

  it('has told its log nothing of whom or what it saw, at its most talkative', () => {
    expect(server.log).toContain('listening');
    for (const secret of [...server.tokens, server.process.tokenKey, WORDS, 'Speaker', 'Listener', 'e2e-participant']) expect(server.log).not.toContain(secret);
  });
});

/** Reads about 5 KB a second: one piece, as large as the socket hands it over, and then nothing for as long as that takes. */
function sips(slow: RawMember): () => void {
  let thirstyMs = -Infinity;
  slow.tcp.pause();
  return () => {
    if (deviceClock.nowMs() < thirstyMs) return;
    thirstyMs = Infinity;
    slow.tcp.once('data', (bytes: Buffer) => {
      slow.tcp.pause();
      thirstyMs = deviceClock.nowMs() + bytes.length / 5;
    });
    slow.tcp.resume();
  };
}

interface Refused {
  readonly status: number | undefined;
  readonly retryAfter: string | undefined;
}

/** Knocks once, and goes again if it is let in. @param origin - of the page that it comes from. */
function callAt(url: string, origin?: string): Promise<'open' | Refused> {
  return new Promise((resolve) => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}${CONNECT_PATH}`, SUBPROTOCOL, origin === undefined ? {} : { origin });
    socket.on('error', () => undefined);
    socket.once('open', () => {
      socket.terminate();
      resolve('open');
    });
    socket.once('unexpected-response', (_request, response) => {
      response.resume();
      resolve({ status: response.statusCode, retryAfter: response.headers['retry-after'] });
    });
  });
}
