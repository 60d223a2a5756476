/** Runs a fleet of virtual headsets against a server and says what came of it. */
import { every, sleep, type Clock } from '../../core/clock.ts';
import { CopresenceError } from '../../core/errors.ts';
import { randomBetween, seededRandom } from '../../core/random.ts';
import { TASKS } from '../../core/tasks.ts';
import { openNodeSocket } from '../../client/node.ts';
import type { SocketFactory } from '../../client/socket.ts';
import { Ticker } from '../headset/ticker.ts';
import { POSE_HZ, VIDEO_HZ, VirtualHeadset } from '../headset/virtual-headset.ts';
import { FleetMeasure, perKey } from '../measure/fleet-measure.ts';
import { LatencyRecorder } from '../measure/latency.ts';
import type { Role } from './cast.ts';
import { describeMachine, type FleetReport } from './fleet-report.ts';
import { countedBetween, readGatewayCounters, type GatewayCounters } from './gateway-counters.ts';
import type { Progress } from './progress.ts';
import { DEFAULT_THRESHOLDS, judge, type Thresholds } from './verdicts.ts';

export interface FleetParts {
  /** The fleet's clock; each headset's own is shifted from it. */
  readonly clock: Clock;
  readonly url: string;
  /** Gives the token for a participant of a session. */
  readonly token: (subject: string, session: string) => Promise<string>;
  readonly roles: readonly Role[];
  readonly progress: Progress;
  /** Ends the run early; what was measured until then is reported. */
  readonly signal?: AbortSignal | undefined;
}

export interface FleetOptions {
  readonly sessions: number;
  /** Seconds that are measured. */
  readonly durationS: number;
  /** Seconds before them, which are not; 3 when left out. */
  readonly warmUpS?: number | undefined;
  readonly seed?: number | undefined;
  /** In front of the sessions' numbers; `fleet` when left out. */
  readonly sessionPrefix?: string | undefined;
  readonly thresholds?: Partial<Thresholds> | undefined;
}

interface Traffic {
  receivedBytes: number;
  sentBytes: number;
}

interface Joins {
  readonly timeMs: LatencyRecorder;
  readonly failures: Record<string, number>;
  joined: number;
}

const WARM_UP_S = 3;
/** How long after the last send answers are waited for. */
const DRAIN_MS = 3000;
const DRAIN_STEP_MS = 50;
/** Devices' clocks count from moments up to this far apart. */
const CLOCK_SPREAD_MS = 3_600_000;

/** Joins everybody, plays, measures, leaves. */
export async function runFleet(parts: FleetParts, options: FleetOptions): Promise<FleetReport> {
  const { clock, url } = parts;
  const warmUpS = options.warmUpS ?? WARM_UP_S;
  const measure = new FleetMeasure(clock);
  const traffic: Traffic = { receivedBytes: 0, sentBytes: 0 };
  const startedAt = new Date(clock.wallMs()).toISOString();
  const headsets = await prepare(parts, options, measure, traffic);
  const joins: Joins = { timeMs: new LatencyRecorder(), failures: {}, joined: 0 };
  await Promise.all(headsets.map((headset) => join(clock, headset, joins)));
  const ticker = new Ticker(clock);
  const shown = showTime(parts, measure, warmUpS + options.durationS);
  const startMs = clock.nowMs() + 20;
  for (const headset of headsets) if (headset.client !== undefined) headset.play(ticker, startMs);
  await sleepUnless(parts, warmUpS * 1000);
  const before = await readGatewayCounters(url);
  const trafficBefore = { ...traffic };
  const fromMs = clock.nowMs();
  measure.begin();
  await sleepUnless(parts, options.durationS * 1000);
  for (const headset of headsets) headset.rest();
  const measuredS = (clock.nowMs() - fromMs) / 1000;
  ticker.stop();
  const bytes = bytesOf(measure, { receivedBytes: traffic.receivedBytes - trafficBefore.receivedBytes, sentBytes: traffic.sentBytes - trafficBefore.sentBytes }, measuredS * headsets.length);
  await drain(clock, measure);
  const gateway = countedBetween(before, await readGatewayCounters(url));
  shown.stop();
  await Promise.all(headsets.map((headset) => headset.leave()));
  return report({ parts, options, measure, joins, startedAt, bytes, gateway, warmUpS, measuredS });
}

async function prepare({ clock, url, token, roles }: FleetParts, options: FleetOptions, measure: FleetMeasure, traffic: Traffic): Promise<VirtualHeadset[]> {
  const random = seededRandom(options.seed ?? 1);
  const openSocket = countTraffic(openNodeSocket, traffic);
  const headsets: VirtualHeadset[] = [];
  for (const [index, { name, session, script }] of roles.entries()) {
    const sessionName = `${options.sessionPrefix ?? 'fleet'}-${session + 1}`;
    const deviceOffsetMs = randomBetween(random, -CLOCK_SPREAD_MS, CLOCK_SPREAD_MS);
    headsets.push(new VirtualHeadset(clock, {
      url, token: await token(name, sessionName), session: sessionName, name, script, deviceOffsetMs, phase: random.next(),
      seed: index + 1, openSocket, consent: { inference: true, recording: true, training: false },
      watcher: measure.watch(sessionName, name, { deviceOffsetMs }),
    }));
  }
  return headsets;
}

function countTraffic(open: SocketFactory, traffic: Traffic): SocketFactory {
  return (url, handlers) => {
    const socket = open(url, {
      ...handlers,
      onPacket(packet) {
        traffic.receivedBytes += packet.length;
        handlers.onPacket(packet);
      },
    });
    return {
      get bufferedBytes() {
        return socket.bufferedBytes;
      },
      send(packet) {
        traffic.sentBytes += packet.length;
        socket.send(packet);
      },
      close: (code, reason) => socket.close(code, reason),
    };
  };
}

async function join(clock: Clock, headset: VirtualHeadset, joins: Joins): Promise<void> {
  const startedMs = clock.nowMs();
  try {
    await headset.join();
    joins.timeMs.record(clock.nowMs() - startedMs);
    joins.joined++;
  } catch (error) {
    const code = error instanceof CopresenceError ? error.code : 'CONNECTION_LOST';
    joins.failures[code] = (joins.failures[code] ?? 0) + 1;
  }
}

function showTime({ clock, progress }: FleetParts, measure: FleetMeasure, totalS: number): { stop(): void } {
  const startedMs = clock.nowMs();
  const repeating = every(clock, 250, (nowMs) => {
    const { sent } = measure.streams().pose;
    const results = TASKS.filter((task) => measure.latency[task].count > 0).map((task) => `${measure.latency[task].count} ${task}`).join(', ');
    progress.update(Math.min(totalS, (nowMs - startedMs) / 1000), `${sent} poses sent; results heard: ${results}`);
  });
  return {
    stop() {
      repeating.stop();
      progress.end();
    },
  };
}

/** Sleeps, or less when the run is ended early. */
function sleepUnless({ clock, signal }: FleetParts, delayMs: number): Promise<void> {
  if (signal?.aborted === true) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = clock.schedule(delayMs, resolve);
    signal?.addEventListener('abort', () => {
      timer.cancel();
      resolve();
    }, { once: true });
  });
}

/** Waits for what is still on its way: until every chat line was heard and a moment longer, or for three seconds. */
async function drain(clock: Clock, measure: FleetMeasure): Promise<void> {
  const untilMs = clock.nowMs() + DRAIN_MS;
  await sleep(clock, DRAIN_MS / 6);
  while (!measure.chat.complete && clock.nowMs() < untilMs) await sleep(clock, DRAIN_STEP_MS);
}

function bytesOf(measure: FleetMeasure, traffic: Traffic, headsetSeconds: number): FleetReport['bytes'] {
  return {
    perAvatarUpdate: measure.samples === 0 ? 0 : measure.sampleBytes / measure.samples,
    receivedPerHeadsetS: headsetSeconds > 0 ? traffic.receivedBytes / headsetSeconds : 0,
    sentPerHeadsetS: headsetSeconds > 0 ? traffic.sentBytes / headsetSeconds : 0,
  };
}

interface Outcome {
  readonly parts: FleetParts;
  readonly options: FleetOptions;
  readonly measure: FleetMeasure;
  readonly joins: Joins;
  readonly startedAt: string;
  readonly bytes: FleetReport['bytes'];
  readonly gateway: GatewayCounters | undefined;
  readonly warmUpS: number;
  readonly measuredS: number;
}

function report({ parts, options, measure, joins, startedAt, bytes, gateway, warmUpS, measuredS }: Outcome): FleetReport {
  const { roles, url } = parts;
  const facts = {
    joins: { joined: joins.joined, asked: roles.length, timeMs: joins.timeMs.figures(), failures: joins.failures },
    reconnects: measure.reconnects,
    errors: Object.fromEntries(measure.errors),
    streams: measure.streams(),
    chat: measure.chat.figures(),
    sessions: measure.sessions(),
    latency: measure.latencies(),
    gateway,
  };
  const verdicts = judge(facts, { ...DEFAULT_THRESHOLDS, ...options.thresholds });
  return {
    format: 'copresence.fleet-report', version: 1, startedAt,
    settings: {
      url, headsets: roles.length, sessions: options.sessions, durationS: Math.round(measuredS * 10) / 10, warmUpS,
      poseHz: POSE_HZ, videoHz: VIDEO_HZ, cameras: roles.filter(({ script }) => script.pictures !== undefined).length, seed: options.seed ?? 1,
    },
    machine: describeMachine(),
    origins: roles.map(({ name, script }) => ({ headset: name, origin: script.origin, source: script.source })),
    ...facts,
    serverAge: perKey(TASKS, (task) => measure.serverAge[task].figures()),
    truePose: measure.truePose.figures(),
    clockError: measure.clockError.figures(),
    timelines: measure.timelines(),
    throughput: measure.throughput(),
    batches: perKey(TASKS, (task) => sizesOf(measure, task)),
    bytes, verdicts, passed: verdicts.every(({ passed }) => passed),
  };
}

function sizesOf(measure: FleetMeasure, task: (typeof TASKS)[number]): { size: number; batches: number }[] {
  return [...measure.batchSizes[task]].map(([size, batches]) => ({ size, batches })).sort((a, b) => a.size - b.size);
}
