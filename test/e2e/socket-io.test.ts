/** Stock Socket.IO clients, in both formats, beside a native one in one session of a whole server. */
import { io, type Socket } from 'socket.io-client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CopresenceClient } from '../../client/node.ts';
import { systemClock } from '../../core/clock.ts';
import { HAND_JOINT_COUNT } from '../../protocol/joints.ts';
import { decodeDown, encodeUp } from '../../protocol/codec/control.ts';
import { frameMessage, KIND, readContainer } from '../../protocol/codec/container.ts';
import { createPoseSample, encodePoseSample, MAX_POSE_SAMPLE_BYTES, PART_BITS, type PoseSample } from '../../protocol/codec/pose-sample.ts';
import { decodeSnapshot } from '../../protocol/codec/snapshot.ts';
import type { DownMessage, DownMessageOf } from '../../protocol/down.ts';
import type { UpMessage } from '../../protocol/up.ts';
import type { PlainSample } from '../../server/transport/socket-io/plain-pose.ts';
import { ServerInProcess } from '../support/running-server.ts';
import { until } from '../support/until.ts';

interface Snapshot {
  readonly tick: number;
  readonly serverMs: number;
  readonly key: boolean;
  readonly participants: readonly (PlainSample & { readonly slot: number })[];
}

const CONSENT = { inference: false, recording: false, training: false };
const clock = systemClock();
let running: ServerInProcess;
let sockets: Socket[];
let clients: CopresenceClient[];

beforeEach(async () => {
  running = await ServerInProcess.start(['--socket-io']);
  sockets = [];
  clients = [];
});
afterEach(async () => {
  for (const socket of sockets) socket.disconnect();
  for (const client of clients) client.close();
  await running.server.close();
});

function connect(auth: Record<string, unknown>): Socket {
  const socket = io(running.server.url, { transports: ['websocket'], reconnection: false, forceNew: true, auth });
  sockets.push(socket);
  return socket;
}

/** One client of either format, with what it heard. */
class StockClient {
  readonly socket: Socket;
  readonly heard: DownMessage[] = [];
  readonly snapshots: Snapshot[] = [];
  /** By slot, where the head of the newest sample is. */
  readonly headX = new Map<number, number>();
  ended = false;
  readonly #isPlain: boolean;
  readonly #scratch = createPoseSample();

  constructor(auth: { format?: 'objects'; token?: string }) {
    this.#isPlain = auth.format === 'objects';
    this.socket = connect(auth);
    this.socket.once('disconnect', () => void (this.ended = true));
    this.socket.on('message', (message: DownMessage) => this.heard.push(message));
    this.socket.on('snapshot', (snapshot: Snapshot) => {
      this.snapshots.push(snapshot);
      for (const { slot, head } of snapshot.participants) if (head !== undefined) this.headX.set(slot, head.position[0]);
    });
    this.socket.on('packet', (packet: Uint8Array) => readContainer(new Uint8Array(packet), (kind, payload) => this.#take(kind, payload)));
  }

  say(message: UpMessage | Record<string, unknown>): void {
    if (this.#isPlain) this.socket.emit('message', message);
    else this.socket.emit('packet', encodeUp(message as UpMessage));
  }

  async join(session: string, name: string, token?: string): Promise<DownMessageOf<'joined'>> {
    this.say({ type: 'hello', version: 1, oldestVersion: 1, capabilities: [], deviceMs: clock.nowMs(), ...(token === undefined ? {} : { token }) });
    this.say({ type: 'join', session, name, consent: CONSENT });
    await until(() => this.of('joined').length > 0 || this.ended);
    return this.of('joined')[0] as DownMessageOf<'joined'>;
  }

  of<Type extends DownMessage['type']>(type: Type): DownMessageOf<Type>[] {
    return this.heard.filter((message): message is DownMessageOf<Type> => message.type === type);
  }

  #take(kind: number, payload: Uint8Array): void {
    if (kind === KIND.snapshot) return void decodeSnapshot(payload, clock.nowMs(), this.#scratch, (slot, { rigid }) => this.headX.set(slot, rigid[0] ?? NaN));
    const decoded = decodeDown(payload);
    if (decoded.kind === 'message') this.heard.push(decoded.message);
  }
}

function headAt(x: number): PoseSample {
  const sample = createPoseSample();
  sample.captureMs = clock.nowMs();
  sample.valid = sample.tracked = PART_BITS.head;
  sample.rigid.set([x, 1.6, 0, 0, 0, 0, 1]);
  return sample;
}

function poseFrame(sample: PoseSample): Uint8Array {
  const bytes = new Uint8Array(MAX_POSE_SAMPLE_BYTES);
  return frameMessage(KIND.poseSample, bytes.subarray(0, encodePoseSample(sample, bytes, 0) as number));
}

const at = (x: number, y = 1.6): { position: number[]; orientation: number[] } => ({ position: [x, y, 0], orientation: [0, 0, 0, 1] });

async function joinPlain(session: string, name: string): Promise<{ client: StockClient; slot: number }> {
  const client = new StockClient({ format: 'objects', token: await running.token({ subject: name }) });
  return { client, slot: (await client.join(session, name)).slot };
}

describe('stock Socket.IO clients', () => {
  it('[SIO1] [SIO2] [SIO6] [SIO7] see and hear a native client and each other, in both formats', async () => {
    const native = await running.join('lobby', 'native');
    clients.push(native);
    const lines: string[] = [];
    native.on('chat', ({ text }) => lines.push(text));
    const binary = new StockClient({});
    const { slot: binarySlot } = await binary.join('lobby', 'binary', await running.token({ subject: 'binary' }));
    const { client: plain, slot: plainSlot } = await joinPlain('lobby', 'plain');
    const nativeSlot = native.self.slot;
    expect(new Set([nativeSlot, binarySlot, plainSlot]).size).toBe(3);
    expect(plain.of('joined')[0]?.participants.map(({ name }) => name).sort()).toEqual(['binary', 'native', 'plain']);

    native.sendPose(headAt(1));
    binary.socket.emit('packet', poseFrame(headAt(2)));
    plain.socket.emit('pose', { captureMs: clock.nowMs(), head: at(3) });
    const into = createPoseSample();
    const nativeSees = (slot: number, x: number): boolean => native.avatarAt(slot, native.serverNowMs(), into) !== 'none' && Math.abs((into.rigid[0] ?? NaN) - x) < 0.001;
    await until(() => nativeSees(binarySlot, 2) && nativeSees(plainSlot, 3));
    for (const { headX } of [binary, plain]) {
      await until(() => headX.size === 3);
      expect([nativeSlot, binarySlot, plainSlot].map((slot) => Math.round((headX.get(slot) ?? NaN) * 1000))).toEqual([1000, 2000, 3000]);
    }

    native.say('from native');
    binary.say({ type: 'say', text: 'from binary', captureMs: clock.nowMs() });
    plain.say({ type: 'say', text: 'von 🦊', captureMs: clock.nowMs() });
    const all = ['from binary', 'from native', 'von 🦊'];
    await until(() => lines.length === 3 && binary.of('chat').length === 3 && plain.of('chat').length === 3);
    expect([lines, binary.of('chat').map(({ text }) => text), plain.of('chat').map(({ text }) => text)].map((texts) => texts.toSorted())).toEqual([all, all, all]);
  });

  it('[SIO7] [SIO8] gives back hands, tracked parts and the epoch of what came as an object', async () => {
    const { client: sender, slot } = await joinPlain('hands', 'sender');
    const { client: receiver } = await joinPlain('hands', 'receiver');
    const joints = Array.from({ length: HAND_JOINT_COUNT }, (_, joint) => ({ position: [0.2, 1, -joint / 200], orientation: [0, 0, 0, 1] }));
    sender.socket.emit('pose', { captureMs: clock.nowMs(), head: at(0.5), right: at(-1), hands: { left: joints }, tracked: ['leftHand'], spaceEpoch: 5 });
    await until(() => receiver.headX.has(slot));
    const sample = receiver.snapshots.at(-1)?.participants.find((participant) => participant.slot === slot);
    expect(sample).toMatchObject({ head: at(0.5), right: at(-1), tracked: ['leftHand'], spaceEpoch: 5 });
    expect(sample?.left).toBeUndefined();
    expect(Object.keys(sample?.hands ?? {})).toEqual(['left']);
    sample?.hands?.left?.forEach(({ position }, joint) => position.forEach((value, axis) => expect(value).toBeCloseTo(joints[joint]?.position[axis] ?? NaN, 2)));
  });

  it('[SIO6] goes through the same states as everybody: nothing before hello, and a token is needed', async () => {
    const early = new StockClient({ format: 'objects' });
    early.socket.emit('pose', { captureMs: 0, head: at(0) });
    early.say({ type: 'leave' });
    early.say({ type: 'hello', version: 1, oldestVersion: 1, capabilities: [], deviceMs: 0 });
    await until(() => early.of('error').length === 3);
    expect(early.of('error').map(({ code, about }) => [code, about])).toEqual([['MESSAGE_UNEXPECTED', 'pose'], ['MESSAGE_UNEXPECTED', 'leave'], ['MESSAGE_INVALID', 'hello']]);
    const forged = new StockClient({ format: 'objects', token: 'not-a-token' });
    const closing = new Promise((resolve) => forged.socket.once('closing', resolve));
    await forged.join('lobby', 'forged');
    expect(await closing).toMatchObject({ code: 'TOKEN_INVALID', closeCode: 4401 });
    expect(forged.of('error')[0]).toMatchObject({ code: 'TOKEN_INVALID', closing: true });
  });

  it.each([
    ['no pose', { captureMs: 0, head: 'here' }],
    ['too few numbers', { captureMs: 0, head: { position: [0, 0], orientation: [0, 0, 0, 1] } }],
    ['a place out of range', { captureMs: 0, head: at(33) }],
    ['another field', { captureMs: 0, head: at(0), admin: true }],
    ['a prototype', JSON.parse('{"captureMs":0,"__proto__":{"head":1}}')],
    ['a hand of one joint', { captureMs: 0, hands: { left: [at(0)] } }],
    ['bytes', Uint8Array.of(1, 2, 3)],
    ['a list', [1, 2, 3]],
    ['nothing', null],
  ])('[SIO7] refuses a pose that is %s', async (_name, pose: unknown) => {
    const { client } = await joinPlain('lobby', 'hostile');
    client.socket.emit('pose', pose);
    await until(() => client.of('error').length > 0);
    expect(client.of('error')[0]).toMatchObject({ code: 'MESSAGE_INVALID', about: 'pose', closing: false });
  });

  it.each([
    ['no object', 'hello'],
    ['a list', [{ type: 'leave' }]],
    ['bytes', Uint8Array.of(129)],
    ['a message larger than the bound', { type: 'say', text: 'x'.repeat(20_000), captureMs: 0 }],
    ['a prototype', JSON.parse('{"type":"say","text":"x","captureMs":0,"__proto__":{"admin":true}}')],
    ['another field', { type: 'leave', now: true }],
  ])('[SIO6] refuses a message that is %s', async (_name, message: unknown) => {
    const { client } = await joinPlain('lobby', 'hostile');
    client.socket.emit('message', message);
    await until(() => client.of('error').length > 0);
    expect(client.of('error')[0]).toMatchObject({ code: expect.stringMatching(/^MESSAGE_(INVALID|UNKNOWN)$/) as string, closing: false });
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });

  it('[SIO6] refuses nesting deeper than a stack, which no stock client can send', async () => {
    const { client } = await joinPlain('lobby', 'deep');
    client.socket.io.engine.write(`2["message",{"type":"leave","deep":${'['.repeat(200_000)}${']'.repeat(200_000)}}]`);
    await until(() => client.of('error').length > 0);
    expect(client.of('error')[0]).toMatchObject({ code: 'MESSAGE_INVALID', closing: false });
  });

  it('[SIO4] ends who goes on sending what nobody knows', async () => {
    const { client } = await joinPlain('lobby', 'noisy');
    const closing = new Promise((resolve) => client.socket.once('closing', resolve));
    for (let count = 0; count < 100; count++) client.socket.emit(`event-${count}`, count);
    expect(await closing).toMatchObject({ code: 'TOO_MANY_ERRORS', closeCode: 4429 });
  });

  it('[SIO1] are not taken without the setting', async () => {
    const other = await ServerInProcess.start([]);
    const socket = io(other.server.url, { transports: ['websocket'], reconnection: false, forceNew: true });
    const error = await new Promise<Error & { description?: { message?: string } }>((resolve) => socket.once('connect_error', resolve));
    expect(error.description?.message).toContain('404');
    const polling = await fetch(`${running.server.url}/socket.io/?EIO=4&transport=polling`);
    expect(polling.status).toBe(404);
    await other.server.close();
  });
});
