/**
 * How long sessions take to move from one server to another, and what is lost: `npx tsx bench/move.ts --clients 60 --sessions 6`.
 *
 * Two servers as processes of their own, without models; clients of the SDK in this one, which send 20 poses and 4 lines a second.
 */
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { connect, openNodeSocket, type CopresenceClient } from '../client/node.ts';
import { every, sleep, systemClock } from '../core/clock.ts';
import { createPoseSample, PART_BITS } from '../protocol/codec/pose-sample.ts';
import { startServerProcess } from '../sim/server-process.ts';
import { makeToken } from '../sim/tokens.ts';

const CONSENT = { inference: false, recording: false, training: false };
const WARM_UP_MS = 2000;
const AFTER_MS = 3000;

interface Mover {
  readonly client: CopresenceClient;
  readonly session: string;
  readonly said: string[];
  readonly heard: string[];
  /** Codes of refusals, such as of a line that came too soon behind the one before. */
  readonly refusals: string[];
  arrivedMs: number | undefined;
  /** The longest time without a snapshot since the signal. */
  longestGapMs: number;
  lastSnapshotMs: number;
}

const { values } = parseArgs({ options: { clients: { type: 'string', default: '60' }, sessions: { type: 'string', default: '6' }, 'drain-s': { type: 'string', default: '10' } } });
const clock = systemClock();
const key = randomBytes(32).toString('hex');
const adminToken = randomBytes(32).toString('hex');
const stop = new AbortController();
const started = (flags: readonly string[]): ReturnType<typeof startServerProcess> => startServerProcess(clock, stop.signal, { flags: ['--workers', '0', ...flags], tokenKey: key });
const second = await started(['--admin-token', adminToken]);
const first = await started(['--drain-s', values['drain-s'], '--drain-to', second.url, '--drain-token', adminToken]);

const movers: Mover[] = [];
for (let index = 0; index < Number(values.clients); index++) movers.push(await join(index));
const streams = movers.map(send);
await sleep(clock, WARM_UP_MS);

const signalledMs = clock.nowMs();
for (const mover of movers) {
  mover.longestGapMs = 0;
  mover.client.on('joined', () => (mover.arrivedMs = clock.nowMs()));
}
process.kill(first.pid, 'SIGTERM');
const exitCode = await first.ended;
const exitMs = clock.nowMs() - signalledMs;
await sleep(clock, AFTER_MS);
for (const stream of streams) stream.stop();
await sleep(clock, 1000);
report();
for (const { client } of movers) client.close();
await second.stop();

async function join(index: number): Promise<Mover> {
  const session = `session-${index % Number(values.sessions)}`;
  const token = await makeToken(key, { subject: `mover-${index}`, session: '*', role: 'participant' }, clock);
  const client = await connect({ url: first.url, token, session, name: `mover ${index}`, consent: CONSENT, clock, openSocket: openNodeSocket });
  const mover: Mover = { client, session, said: [], heard: [], refusals: [], arrivedMs: undefined, longestGapMs: 0, lastSnapshotMs: clock.nowMs() };
  client.on('error', ({ code }) => mover.refusals.push(code));
  client.on('chat', ({ text }) => mover.heard.push(text));
  client.on('snapshot', () => {
    const nowMs = clock.nowMs();
    mover.longestGapMs = Math.max(mover.longestGapMs, nowMs - mover.lastSnapshotMs);
    mover.lastSnapshotMs = nowMs;
  });
  return mover;
}

function send(mover: Mover, index: number): { stop(): void } {
  const sample = createPoseSample();
  sample.valid = PART_BITS.head;
  sample.rigid.set([0, 1.6, 0, 0, 0, 0, 1]);
  const poses = every(clock, 50, (nowMs) => {
    sample.captureMs = nowMs;
    mover.client.sendPose(sample);
  });
  const lines = every(clock, 250, () => {
    const line = `${index}/${mover.said.length}`;
    if (mover.client.say(line) === 'sent') mover.said.push(line);
  });
  return {
    stop() {
      poses.stop();
      lines.stop();
    },
  };
}

function report(): void {
  let lines = 0, lost = 0, twice = 0;
  for (const mover of movers) {
    // Nobody speaks before all have joined, so everybody is to hear all that is said in their session.
    const said = movers.filter(({ session }) => session === mover.session).flatMap((other) => other.said);
    const heard = new Set(mover.heard);
    lines += said.length;
    lost += said.filter((line) => !heard.has(line)).length;
    twice += mover.heard.length - heard.size;
  }
  const arrivals = movers.flatMap(({ arrivedMs }) => (arrivedMs === undefined ? [] : [arrivedMs - signalledMs])).sort((a, b) => a - b);
  const gaps = movers.map(({ longestGapMs }) => longestGapMs).sort((a, b) => a - b);
  const at = (sorted: readonly number[], share: number): number => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN);
  console.log(JSON.stringify({
    clients: movers.length, sessions: Number(values.sessions), exitCode, exitMs: Math.round(exitMs), moved: arrivals.length,
    arrivedMs: { p50: at(arrivals, 0.5), last: at(arrivals, 1) }, longestGapMs: { p50: at(gaps, 0.5), worst: at(gaps, 1) }, lines, lost, twice, refusals: [...new Set(movers.flatMap(({ refusals }) => refusals))].map((code) => [code, movers.flatMap(({ refusals }) => refusals).filter((other) => other === code).length]),
  }));
}
