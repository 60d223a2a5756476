/** What the benchmark of faults does to a server, each for some seconds, while others are in their sessions. */
import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import { assert } from '../../core/assert.ts';
import { every, sleep, systemClock } from '../../core/clock.ts';
import { randomInt, seededRandom } from '../../core/random.ts';
import { frameMessage, KIND } from '../../protocol/codec/container.ts';
import { createPoseSample, encodePoseSample, MAX_POSE_SAMPLE_BYTES, type PoseSample } from '../../protocol/codec/pose-sample.ts';
import { POSE_FLOATS } from '../../protocol/codec/quantise.ts';
import { HAND_JOINT_COUNT } from '../../protocol/joints.ts';
import { CONNECT_PATH, SUBPROTOCOL } from '../../server/transport/web-socket.ts';
import { deviceMs, greeting } from '../fanout/candidates.ts';

export interface Target {
  readonly port: number;
  readonly adminToken: string;
}

export interface Attack {
  /** Of the list of faults in docs/faults.md. */
  readonly fault: number;
  readonly name: string;
  readonly durationMs: number;
  /** What has to move: a series of the server's metrics, and a label's value. */
  readonly counter: { readonly series: string; readonly label: string };
  /** Resolves when it is over and nothing of it is left on this side. */
  run(target: Target, durationMs: number): Promise<void>;
}

const POSE_PERIOD_MS = 14;
const clock = systemClock();
const random = seededRandom(1);
/** Tokens of a subject that was revoked let nobody in any more. */
let revocations = 0;

export const ATTACKS: readonly Attack[] = [
  { fault: 1, name: '4 of a session of 20 read nothing, 4 read 5 KB/s', durationMs: 25_000, counter: { series: 'copresence_connections_closed_total', label: 'SLOW_CONSUMER' }, run: slowReaders },
  { fault: 2, name: '100 links are half open', durationMs: 13_000, counter: { series: 'copresence_connections_closed_total', label: 'HEARTBEAT_TIMEOUT' }, run: halfOpen },
  { fault: 5, name: '5,000 come at once', durationMs: 6000, counter: { series: 'copresence_handshakes_refused_total', label: '503' }, run: (target) => crowd(target, 5000) },
  { fault: 11, name: '50 members send poses that are no numbers', durationMs: 5000, counter: { series: 'copresence_refusals_total', label: 'POSE_NOT_FINITE' }, run: notFinite },
  { fault: 13, name: '10 send 40,000 fragments of one byte', durationMs: 6000, counter: { series: 'copresence_connections_closed_total', label: 'PACKET_MALFORMED' }, run: fragments },
  { fault: 14, name: '200 connections of garbage, again and again', durationMs: 5000, counter: { series: 'copresence_connections_closed_total', label: 'PACKET_MALFORMED' }, run: garbage },
  { fault: 17, name: '200 members are revoked', durationMs: 4000, counter: { series: 'copresence_connections_closed_total', label: 'TOKEN_REVOKED' }, run: revoke },
];

async function slowReaders(target: Target, durationMs: number): Promise<void> {
  const members = await joinMany(target, 20, 'crowd');
  const [stuck, slow] = [members.slice(0, 4), members.slice(4, 8)];
  for (const member of [...stuck, ...slow]) tcpOf(member).pause();
  const sample = everything();
  const bytes = new Uint8Array(MAX_POSE_SAMPLE_BYTES);
  const sending = every(clock, POSE_PERIOD_MS, () => {
    sample.captureMs = deviceMs();
    const size = encodePoseSample(sample, bytes, 0);
    assert(typeof size === 'number', 'the sample cannot be encoded');
    const pose = frameMessage(KIND.poseSample, bytes.subarray(0, size));
    for (const member of members) if (member.readyState === WebSocket.OPEN) member.send(pose);
  });
  const sipping = every(clock, 250, () => { for (const member of slow) sip(member); });
  await sleep(clock, durationMs);
  sending.stop();
  sipping.stop();
  terminate(members);
}

async function halfOpen(target: Target, durationMs: number): Promise<void> {
  const members = await joinMany(target, 100, 'gone');
  for (const member of members) member.pause();
  await sleep(clock, durationMs);
  terminate(members);
}

async function crowd(target: Target, count: number): Promise<void> {
  await Promise.all(Array.from({ length: count }, async () => terminate(await open(target).then((socket) => [socket], () => []))));
}

async function notFinite(target: Target, durationMs: number): Promise<void> {
  const members = await joinMany(target, 50, 'nan');
  // A head at the int16 that stands for no number.
  const bytes = Uint8Array.from([0, 0, 0, 0, 1, 1, 0, 128, 0, 0, 0, 0, 0, 0, 0, 0]);
  // Below the number of refusals for which the server ends a connection.
  const sending = every(clock, 300, () => { for (const member of members) member.send(frameMessage(KIND.poseSample, bytes)); });
  await sleep(clock, durationMs);
  sending.stop();
  terminate(members);
}

async function fragments(target: Target): Promise<void> {
  for (let attacker = 0; attacker < 10; attacker++) {
    const socket = await open(target);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    for (let fragment = 0; fragment < 40_000; fragment++) socket.send(Uint8Array.of(1), { fin: false });
    await closed;
  }
}

async function garbage(target: Target, durationMs: number): Promise<void> {
  const untilMs = clock.nowMs() + durationMs;
  while (clock.nowMs() < untilMs) {
    const sockets = (await Promise.allSettled(Array.from({ length: 200 }, () => open(target)))).flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    await Promise.all(sockets.map((socket) => {
      const closed = new Promise((resolve) => socket.once('close', resolve));
      socket.send(Uint8Array.from({ length: 400 }, () => randomInt(random, 256)));
      return closed;
    }));
    await sleep(clock, 1000);
  }
}

/** @throws Error when somebody is still there a second after the verb. */
async function revoke(target: Target): Promise<void> {
  const subject = `revoked-${++revocations}`;
  const members = await joinMany(target, 200, 'revoked', subject);
  let left = members.length;
  for (const member of members) member.once('close', () => left--);
  const answer = await fetch(`http://127.0.0.1:${target.port}/v1/admin/revocations`, { method: 'POST', headers: { Authorization: `Bearer ${target.adminToken}` }, body: JSON.stringify({ subject }) });
  if (!answer.ok) throw new Error(`the verb was answered ${answer.status}`);
  await sleep(clock, 1000);
  if (left > 0) throw new Error(`${left} of ${members.length} who were revoked are still there after a second`);
}

/** They get whole samples: what only tells changes would take minutes to fill the kernel's buffers. */
async function joinMany(target: Target, count: number, session: string, subject = 'load'): Promise<WebSocket[]> {
  const hello = await greeting(session, { subject, capabilities: ['pose'] });
  return Promise.all(Array.from({ length: count }, async () => {
    const socket = await open(target);
    const heard = new Promise((resolve) => socket.once('message', resolve));
    socket.send(hello);
    await heard;
    return socket;
  }));
}

function open({ port }: Target): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${CONNECT_PATH}`, SUBPROTOCOL, { perMessageDeflate: false });
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.once('open', () => resolve(socket));
  });
}

/** A head, both controllers and both hands: the kernel takes some megabytes before anything waits in the server. */
function everything(): PoseSample {
  const sample = createPoseSample();
  sample.valid = 31;
  for (let part = 0; part < 3; part++) sample.rigid.set([0.1 * part, 1.2, 0, 0, 0, 0, 1], part * POSE_FLOATS);
  for (let joint = 0; joint < 2 * HAND_JOINT_COUNT; joint++) sample.hands.set([0.002 * joint, 1, 0, 0, 0, 0, 1], joint * POSE_FLOATS);
  return sample;
}

/** About 5 KB a second, four times a second. */
function sip(member: WebSocket): void {
  tcpOf(member).read(1280);
}

function tcpOf(member: WebSocket): Socket {
  return (member as unknown as { readonly _socket: Socket })._socket;
}

function terminate(sockets: readonly WebSocket[]): void {
  for (const socket of sockets) socket.terminate();
}
