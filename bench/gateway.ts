/**
 * How long a pose stays in the gateway: from its packet's arrival to the snapshot that carries it.
 *
 * A pose waits for the next tick, evenly between nothing and a whole period; what the gateway adds shows against that.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import WebSocket from 'ws';
import { every, sleep, systemClock } from '../core/clock.ts';
import { decodeDown, encodeUp } from '../protocol/codec/control.ts';
import { frameMessage, KIND, readContainer } from '../protocol/codec/container.ts';
import { createPoseSample, encodePoseSample, MAX_POSE_SAMPLE_BYTES } from '../protocol/codec/pose-sample.ts';
import { CAPABILITIES } from '../protocol/version.ts';
import { signToken } from '../server/session/token-signer.ts';
import { CONNECT_PATH, SUBPROTOCOL } from '../server/transport/web-socket.ts';
import type { FromGateway, ToGateway } from './gateway-process.ts';
import { machineInfo, parseBenchArguments, printTable, saveReport } from './support.ts';

const KEY = 'a key for measurements, nothing else';
const RATE_HZ = 72;
const PER_SESSION = 4;
const WARM_UP_MS = 1500;

export async function main(args: string[]): Promise<void> {
  const { json, smoke } = parseBenchArguments(args);
  const sizes = smoke ? [12] : [12, 64, 128];
  const rows = [];
  for (const headsets of sizes) rows.push(await measure(headsets, smoke ? 2000 : 6000));
  printTable(rows.map(({ headsets, poses, p50, p90, p99, cpuShare }) => ({
    headsets, poses, 'p50 ms': p50.toFixed(2), 'p90 ms': p90.toFixed(2), 'p99 ms': p99.toFixed(2), 'waiting p50, p99 ms': `${(500 / RATE_HZ).toFixed(2)}, ${(990 / RATE_HZ).toFixed(2)}`, 'gateway CPU': `${(100 * cpuShare).toFixed(0)} %`,
  })));
  if (json !== undefined) saveReport(json, { bench: 'gateway', machine: machineInfo(), tickRateHz: RATE_HZ, perSession: PER_SESSION, rows });
}

interface Row {
  readonly headsets: number;
  readonly poses: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly cpuShare: number;
}

async function measure(headsets: number, durationMs: number): Promise<Row> {
  const clock = systemClock();
  const child = fork(fileURLToPath(new URL('./gateway-process.ts', import.meta.url)), [String(RATE_HZ), KEY], { execArgv: process.execArgv });
  try {
    const { port } = await next(child, 'listening');
    const sockets = await Promise.all(Array.from({ length: headsets }, (_, index) => openHeadset(port, index)));
    const sending = startSending(sockets);
    await sleep(clock, WARM_UP_MS);
    child.send({ kind: 'reset' } satisfies ToGateway);
    await sleep(clock, durationMs);
    child.send({ kind: 'report' } satisfies ToGateway);
    const { poses, residenceMs, cpuMs } = await next(child, 'report');
    sending.stop();
    for (const socket of sockets) socket.terminate();
    return { headsets, poses, ...residenceMs, cpuShare: cpuMs / durationMs };
  } finally {
    child.kill();
  }
}

/** Sends a head and two hands from each headset, spread over the period as headsets are. */
function startSending(sockets: readonly WebSocket[]): { stop(): void } {
  const clock = systemClock();
  const sample = createPoseSample();
  sample.valid = 25;
  sample.rigid.set([0, 1.6, 0, 0, 0, 0, 1]);
  for (let joint = 0; joint < 50; joint++) sample.hands.set([0.002 * joint, 1, 0, 0, 0, 0, 1], joint * 7);
  const bytes = new Uint8Array(MAX_POSE_SAMPLE_BYTES);
  const repeating = sockets.map((socket, index) => {
    const state: { stop(): void } = { stop: () => undefined };
    const first = clock.schedule((index * 1000) / RATE_HZ / sockets.length, () => {
      state.stop = every(clock, 1000 / RATE_HZ, (nowMs) => {
        sample.captureMs = nowMs;
        const size = encodePoseSample(sample, bytes, 0);
        if (typeof size === 'number') socket.send(frameMessage(KIND.poseSample, bytes.subarray(0, size)));
      }).stop;
    });
    return { stop: () => { first.cancel(); state.stop(); } };
  });
  return { stop: () => repeating.forEach((one) => one.stop()) };
}

/** Connects, joins, and from then on only answers pings. */
async function openHeadset(port: number, index: number): Promise<WebSocket> {
  const clock = systemClock();
  const token = await signToken(Buffer.from(KEY, 'utf8'), { subject: `h${index}`, session: '*', role: 'participant' }, { ttlS: 3600, wallMs: clock.wallMs() });
  const socket = new WebSocket(`ws://127.0.0.1:${port}${CONNECT_PATH}`, SUBPROTOCOL);
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  socket.on('error', () => undefined);
  const joined = new Promise<void>((resolve) => {
    socket.on('message', (packet: Buffer) => readContainer(packet, (kind, payload) => {
      if (kind !== KIND.control) return;
      const decoded = decodeDown(payload);
      if (decoded.kind === 'message' && decoded.message.type === 'joined') resolve();
      if (decoded.kind === 'message' && decoded.message.type === 'ping') socket.send(encodeUp({ type: 'pong', serverMs: decoded.message.serverMs, deviceMs: clock.nowMs() }));
    }));
  });
  socket.send(encodeUp({ type: 'hello', version: 1, oldestVersion: 1, capabilities: CAPABILITIES.filter((capability) => capability !== 'delta'), token, deviceMs: clock.nowMs() }));
  socket.send(encodeUp({ type: 'join', session: `s${Math.floor(index / PER_SESSION)}`, name: `h${index}`, consent: { inference: false, recording: false, training: false } }));
  await joined;
  return socket;
}

function next<Kind extends FromGateway['kind']>(child: ChildProcess, kind: Kind): Promise<Extract<FromGateway, { kind: Kind }>> {
  return new Promise((resolve, reject) => {
    const onMessage = (message: FromGateway): void => {
      if (message.kind !== kind) return;
      child.off('message', onMessage);
      resolve(message as Extract<FromGateway, { kind: Kind }>);
    };
    child.on('message', onMessage);
    child.once('exit', () => reject(new Error('the gateway ended')));
  });
}
