/**
 * What a camera costs: CPU of each process for a stream of VP8 or H.264, from the datagrams to the picture that a model gets.
 *
 * Ours (node-datachannel in the WebRTC process, node-av in the decoding process, this process as the gateway between them)
 * and @roamhq/wrtc get the same streams from the same sender, one after the other. Models do not run.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { sleep, systemClock } from '../core/clock.ts';
import { decodeVideoChunk } from '../protocol/codec/video-chunk.ts';
import type { InterCodec } from '../protocol/video/picture.ts';
import { RtcHost } from '../server/transport/rtc/host.ts';
import { DecodeHost } from '../server/video/decode-host.ts';
import { encodeVideo, hasCodecs, moveOver, PHOTOGRAPH } from '../test/support/encoded-video.ts';
import { markdownTable, writeSection } from './performance-doc.ts';
import { machineInfo, median, parseBenchArguments, printTable, saveReport, type MachineInfo } from './support.ts';
import type { FromSender, FromWrtc, Signal, StreamPlan, ToSender } from './video/messages.ts';

/** Of Linux, which all its ports use: USER_HZ. */
const TICKS_PER_SECOND = 100;
const WARM_UP_MS = 2500;
const PICTURES = 60;
const clock = systemClock();

interface Case {
  readonly way: 'node-datachannel + node-av' | '@roamhq/wrtc';
  readonly codec: InterCodec;
  readonly size: string;
  readonly rateHz: number;
  readonly streams: number;
}

type Row = Readonly<Record<string, string | number>>;

export async function main(args: string[]): Promise<void> {
  const { json, smoke } = parseBenchArguments(args);
  if (!hasCodecs() || !existsSync('/proc/self/stat')) return console.log('skipped: this needs node-av and /proc');
  const machine = machineInfo();
  const rows: Row[] = [];
  for (const one of cases(smoke)) {
    rows.push(await measure(one, smoke ? 1500 : 6000));
    console.log(Object.values(rows.at(-1) ?? {}).join('  '));
  }
  printTable(rows);
  if (json !== undefined) saveReport(json, { bench: 'video', machine, rows });
  if (!smoke) {
    saveReport('bench/results/video.json', { bench: 'video', machine, rows });
    writeSection(section(machine, rows));
  }
}

function cases(smoke: boolean): Case[] {
  const ours = 'node-datachannel + node-av';
  const small = { size: '320x240', rateHz: 15 };
  const large = { size: '640x480', rateHz: 30 };
  if (smoke) return [{ way: ours, codec: 'vp8', ...small, streams: 2 }, { way: '@roamhq/wrtc', codec: 'vp8', ...small, streams: 2 }];
  return [
    ...[1, 4, 12].map((streams) => ({ way: ours, codec: 'vp8', ...small, streams }) as const),
    { way: '@roamhq/wrtc', codec: 'vp8', ...small, streams: 12 },
    { way: ours, codec: 'h264', ...small, streams: 12 },
    { way: ours, codec: 'vp8', ...large, streams: 4 },
    { way: '@roamhq/wrtc', codec: 'vp8', ...large, streams: 4 },
    { way: ours, codec: 'h264', ...large, streams: 4 },
  ];
}

async function measure(one: Case, durationMs: number): Promise<Row> {
  const [width = 0, height = 0] = one.size.split('x').map(Number);
  const raw = await moveOver(PHOTOGRAPH, { width, height, count: PICTURES });
  const pictures = (await encodeVideo(one.codec, raw)).map(({ bytes }) => bytes);
  const plan: StreamPlan = { codec: one.codec, streams: one.streams, rateHz: one.rateHz, pictures };
  const receiver = one.way === '@roamhq/wrtc' ? receiveWithWrtc() : await receiveOurselves(one);
  const sender = forkScript('sender-process');
  receiver.onSignal((signal) => void sender.send(signal));
  sender.on('message', (message: FromSender) => (message.kind === 'sending' ? receiver.sending(message.peer, message.firstMs) : receiver.take(message)));
  await receiver.ready;
  sender.send({ kind: 'plan', plan } satisfies ToSender);
  await sleep(clock, WARM_UP_MS);
  const before = receiver.cpuMs();
  const countBefore = receiver.pictures();
  const startMs = clock.nowMs();
  await sleep(clock, durationMs);
  const wallMs = clock.nowMs() - startMs;
  const after = receiver.cpuMs();
  const count = receiver.pictures() - countBefore;
  sender.kill('SIGKILL');
  await receiver.close();
  const shares = Object.keys(after).map((name) => [name, (100 * (after[name]! - before[name]!)) / wallMs / one.streams] as const);
  const total = shares.reduce((sum, [, share]) => sum + share, 0);
  const latency = receiver.latencyMs();
  return {
    way: one.way, codec: one.codec, picture: `${one.size}@${one.rateHz}`, streams: one.streams,
    'pictures/s a stream': (count / one.streams / (wallMs / 1000)).toFixed(1),
    ...Object.fromEntries(['rtc %', 'decode %', 'gateway %'].map((name) => [name, shares.find(([share]) => share === name)?.[1].toFixed(2) ?? '-'])),
    'CPU % a stream': total.toFixed(2), 'streams a core': Math.floor(100 / total), 'latency p50 ms': Number.isNaN(latency) ? '-' : latency.toFixed(1),
  };
}

interface Receiver {
  readonly ready: Promise<void>;
  onSignal(listener: (signal: Signal) => void): void;
  take(signal: Signal): void;
  sending(peer: number, firstMs: number): void;
  cpuMs(): Record<string, number>;
  pictures(): number;
  latencyMs(): number;
  close(): Promise<void>;
}

/** The two processes of the server, and what the gateway does between them. */
async function receiveOurselves({ streams, rateHz }: Case): Promise<Receiver> {
  const rtc = new RtcHost(clock, { iceServers: [], bindAddress: '127.0.0.1', takesVideo: true });
  const decoding = new DecodeHost(clock, { maxDecoders: streams });
  await rtc.start();
  const firstMs = new Map<number, number>();
  const latencies: number[] = [];
  let listener: (signal: Signal) => void = () => undefined;
  let pictures = 0;
  const peers = Array.from({ length: streams }, (_, peer) => {
    const stream = decoding.open({
      onPicture: (_picture, { captureMs }) => {
        pictures++;
        latencies.push(clock.wallMs() - captureMs);
      },
      onKeyNeeded: () => rtc.post({ kind: 'key-picture', peer: id }),
      onRefused: (code) => console.log(`refused: ${code}`),
    }, String(peer));
    let count = 0;
    const id: number = rtc.addPeer((event) => {
      if (event.kind === 'answer') listener({ kind: 'sdp', peer, sdp: event.sdp });
      if (event.kind === 'candidate') listener({ kind: 'candidate', peer, candidate: event.candidate, mid: event.mid });
      if (event.kind !== 'picture') return;
      const chunk = decodeVideoChunk(event.chunk, 0);
      const sentMs = (firstMs.get(peer) ?? NaN) + (count++ * 1000) / rateHz;
      if (typeof chunk !== 'string') stream.push(chunk, { captureDeviceMs: 0, captureMs: sentMs, arrivedMs: clock.nowMs() });
    });
    return id;
  });
  return {
    ready: Promise.resolve(),
    onSignal: (next) => (listener = next),
    take: (signal) => rtc.post(signal.kind === 'sdp' ? { kind: 'offer', peer: peers[signal.peer]!, sdp: signal.sdp } : { ...signal, peer: peers[signal.peer]! }),
    sending: (peer, ms) => firstMs.set(peer, ms),
    cpuMs: () => ({ 'rtc %': processCpuMs(rtc.pid), 'decode %': processCpuMs(decoding.pid), 'gateway %': processCpuMs(process.pid) }),
    pictures: () => pictures,
    latencyMs: () => median(latencies.slice(latencies.length >> 1).filter(Number.isFinite)),
    close: async () => {
      await rtc.close();
      await decoding.close();
    },
  };
}

function receiveWithWrtc(): Receiver {
  const child = forkScript('wrtc-process');
  let listener: (signal: Signal) => void = () => undefined;
  let pictures = 0;
  const ready = new Promise<void>((resolve) => {
    child.on('message', (message: FromWrtc) => {
      if (message.kind === 'ready') resolve();
      else if (message.kind === 'pictures') pictures = message.count;
      else listener(message);
    });
  });
  return {
    ready,
    onSignal: (next) => (listener = next),
    take: (signal) => void child.send(signal),
    sending: () => undefined,
    cpuMs: () => ({ 'wrtc %': processCpuMs(child.pid) }),
    pictures: () => pictures,
    latencyMs: () => NaN,
    close: async () => {
      const exited = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await exited;
    },
  };
}

function forkScript(name: string): ChildProcess {
  return fork(fileURLToPath(new URL(`./video/${name}.ts`, import.meta.url)), [], { execArgv: process.execArgv, serialization: 'advanced', stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
}

/** User and system time of all threads of a process so far (proc(5), fields 14 and 15). */
function processCpuMs(pid: number | undefined): number {
  const stat = readFileSync(`/proc/${pid ?? 0}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SECOND;
}

function section(machine: MachineInfo, rows: readonly Row[]): Parameters<typeof writeSection>[0] {
  const markdown = [
    '## Video',
    '',
    `\`npm run bench -- video\` on ${machine.cpu}, ${machine.cores} cores, Node ${machine.node}. One process sends the same encoded streams of a photograph that moves as video tracks; each row is one short run. CPU is in percent of one core a stream: the WebRTC process, the decoding process down to the JPEG of at most 320 pixels that models get, and what the gateway does between the two (the process of the benchmark itself). The models do not run. @roamhq/wrtc decodes to I420 in its own process, and makes no JPEG of it; it has no H.264. Latency is from sending a picture to having it decoded in the gateway. \`streams a core\` is 100 by the CPU of a stream: trust it as a ratio.`,
    '',
    markdownTable(rows),
  ].join('\n');
  return { name: 'video', markdown, charts: [] };
}
