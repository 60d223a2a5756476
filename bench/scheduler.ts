/**
 * What the scheduler costs and what it reaches: CPU time for each request, and goodput against the limits of sim/limits.ts.
 *
 * The real scheduler runs on a simulated clock with simulated devices: npx tsx bench/scheduler.ts [--json <file>]
 */
import { pathToFileURL } from 'node:url';
import type { Clock, Timer } from '../core/clock.ts';
import { seededRandom } from '../core/random.ts';
import type { InferenceRequest, RequestOutcome } from '../server/flow.ts';
import { createScheduler } from '../server/scheduler/scheduler.ts';
import { evenLimit, executionLimit } from '../core/serving-limits.ts';
import { clairvoyantServed } from '../sim/limits.ts';
import { machineInfo, parseBenchArguments, printTable, saveReport } from './support.ts';
import { SimulatedDevice, SimulatedPool, latencyTable } from '../test/support/simulated-device.ts';

type Arrivals = 'even' | 'poisson';

const BUDGET_MS = 20;
const MAX_BATCH_SIZE = 64;
const STREAM_RATE_HZ = 30;
const latencyMs = (size: number): number => 2 + 0.25 * size;
const TABLE = latencyTable(MAX_BATCH_SIZE, latencyMs);
const LOADS = [0.3, 0.6, 0.8, 0.9, 0.95, 1, 2];
/** Requests of a run for each device: few enough for the clairvoyant programme. */
const TRACE_LENGTH = 6000;
/** Requests of each run of the search, which needs no such programme. */
const SEARCH_LENGTH = 30_000;
const COST_LENGTH = 300_000;
const PAYLOAD = new Uint8Array(0);

interface GoodputRow {
  readonly deviceCount: number;
  readonly arrivals: Arrivals;
  /** Offered, as a share of T_even. */
  readonly load: number;
  readonly onTimeShare: number;
  readonly ofEven: number;
  readonly ofExecution: number;
  /** Of what knowing all arrivals beforehand would have served; null for more than one device. */
  readonly ofClairvoyant: number | null;
  readonly meanBatchSize: number;
  /** From arrival to result, of those in time. */
  readonly meanDelayMs: number;
}

interface SustainedRow {
  readonly deviceCount: number;
  readonly arrivals: Arrivals;
  /** The highest load with 99 % in time, as a share of T_even. */
  readonly ofEven: number;
  readonly ofExecution: number;
}

interface CostRow {
  readonly deviceCount: number;
  readonly requestsPerSecond: number;
  readonly onTimeShare: number;
  readonly meanBatchSize: number;
  /** Scheduler, simulated devices and simulated clock, less the loop that makes the requests. */
  readonly microsPerRequest: number;
}

interface Tally {
  done: number;
  lastDoneMs: number;
  delaySumMs: number;
  batchSum: number;
}

/** Time that jumps from event to event. */
class EventClock implements Clock {
  #nowMs = 0;
  /** Latest first, so that the next one is popped from the end. */
  readonly #pending: { readonly atMs: number; readonly run: () => void; cancelled: boolean }[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#nowMs;
  }

  schedule(delayMs: number, run: () => void): Timer {
    const entry = { atMs: this.#nowMs + delayMs, run, cancelled: false };
    let at = this.#pending.length;
    while (at > 0 && (this.#pending[at - 1]?.atMs ?? Infinity) <= entry.atMs) at--;
    this.#pending.splice(at, 0, entry);
    return { cancel: () => void (entry.cancelled = true) };
  }

  defer(run: () => void): void {
    this.schedule(0, run);
  }

  /** Goes on to `untilMs` through everything that falls due, with promise callbacks after each. */
  async advanceTo(untilMs: number): Promise<void> {
    for (let next = this.#pending.at(-1); next !== undefined && next.atMs <= untilMs; next = this.#pending.at(-1)) {
      this.#pending.pop();
      if (next.cancelled) continue;
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.run();
      await undefined;
      await undefined;
    }
    this.#nowMs = untilMs;
  }

  isDue(untilMs: number): boolean {
    return (this.#pending.at(-1)?.atMs ?? Infinity) <= untilMs;
  }

  /** Like `advanceTo`, when nothing is due until then. */
  jumpTo(nowMs: number): void {
    this.#nowMs = nowMs;
  }
}

/** Runs everything, prints the tables and, with `--json`, writes them with the machine that they were measured on. */
export async function main(args: string[]): Promise<void> {
  const { json, smoke } = parseBenchArguments(args);
  const cost = smoke ? [await measureCost(1, 3000)] : [await measureCost(40, 100_000), await measureCost(20, 100_000), await measureCost(1, 3000)];
  console.log('CPU time of the scheduler (l(b) = 2 + 0.25 b, D = 20 ms)');
  printTable(cost.map(rounded));
  const sustained: SustainedRow[] = [];
  const goodput: GoodputRow[] = [];
  for (const deviceCount of smoke ? [1] : [1, 4]) {
    for (const arrivals of ['even', 'poisson'] as const) {
      sustained.push(await findSustained(deviceCount, arrivals));
      for (const load of LOADS) goodput.push(await measureGoodput(deviceCount, arrivals, load));
    }
  }
  console.log('Highest load with 99 % in time');
  printTable(sustained.map(rounded));
  console.log('Goodput by load');
  printTable(goodput.map(rounded));
  if (json !== undefined) saveReport(json, { bench: 'scheduler', machine: machineInfo(), cost, sustained, goodput });
}

async function measureGoodput(deviceCount: number, arrivals: Arrivals, load: number): Promise<GoodputRow> {
  const { even, execution } = limitsOf(deviceCount);
  const arrivalsMs = trace(arrivals, load * even, TRACE_LENGTH * deviceCount);
  const tally = await serve(arrivalsMs, deviceCount, load * even);
  const goodputHz = (1000 * tally.done) / tally.lastDoneMs;
  return {
    deviceCount,
    arrivals,
    load,
    onTimeShare: tally.done / arrivalsMs.length,
    ofEven: goodputHz / even,
    ofExecution: goodputHz / execution,
    ofClairvoyant: deviceCount === 1 ? tally.done / clairvoyant(arrivalsMs, load) : null,
    meanBatchSize: tally.batchSum / tally.done,
    meanDelayMs: tally.delaySumMs / tally.done,
  };
}

async function findSustained(deviceCount: number, arrivals: Arrivals): Promise<SustainedRow> {
  const { even, execution } = limitsOf(deviceCount);
  let low = 0.3;
  let high = 1.2;
  while (high - low > 0.005) {
    const load = (low + high) / 2;
    const tally = await serve(trace(arrivals, load * even, SEARCH_LENGTH), deviceCount, load * even);
    if (tally.done >= 0.99 * SEARCH_LENGTH) low = load;
    else high = load;
  }
  return { deviceCount, arrivals, ofEven: low, ofExecution: (low * even) / execution };
}

/** The same loop with and without a scheduler behind it; the difference is the cost. */
async function measureCost(deviceCount: number, requestsPerSecond: number): Promise<CostRow> {
  const arrivalsMs = trace('poisson', requestsPerSecond, COST_LENGTH);
  await serve(arrivalsMs.slice(0, 20_000), deviceCount, requestsPerSecond);
  const started = process.cpuUsage();
  const tally = await serve(arrivalsMs, deviceCount, requestsPerSecond);
  const served = process.cpuUsage(started);
  const replayStarted = process.cpuUsage();
  await replay(arrivalsMs, requestsPerSecond, new EventClock(), () => undefined);
  const replayed = process.cpuUsage(replayStarted);
  return {
    deviceCount,
    requestsPerSecond,
    onTimeShare: tally.done / arrivalsMs.length,
    meanBatchSize: tally.batchSum / tally.done,
    microsPerRequest: (served.user + served.system - replayed.user - replayed.system) / arrivalsMs.length,
  };
}

async function serve(arrivalsMs: readonly number[], deviceCount: number, rateHz: number): Promise<Tally> {
  const clock = new EventClock();
  const latency = new Map([['model', TABLE]]);
  const devices = Array.from({ length: deviceCount }, (_, at) => new SimulatedDevice({ clock, id: `device-${at}`, latency }));
  const tally: Tally = { done: 0, lastDoneMs: 0, delaySumMs: 0, batchSum: 0 };
  const scheduler = createScheduler(
    { clock, pool: new SimulatedPool(devices), onOutcome: (request, outcome) => count(tally, request, outcome) },
    { queueCapacity: 8192, budgetMs: () => BUDGET_MS },
  );
  await replay(arrivalsMs, rateHz, clock, (request) => scheduler.submit(request));
  await clock.advanceTo(clock.nowMs() + 1000);
  return tally;
}

function count(tally: Tally, request: InferenceRequest, outcome: RequestOutcome): void {
  if (outcome.kind !== 'done') return;
  tally.done++;
  tally.lastDoneMs = outcome.batch.finishedMs;
  tally.delaySumMs += outcome.batch.finishedMs - request.arrivedMs;
  tally.batchSum += outcome.batch.size;
}

/** Submits each request when it arrives; streams take turns, so that each has about 30 a second. */
async function replay(
  arrivalsMs: readonly number[],
  rateHz: number,
  clock: EventClock,
  submit: (request: InferenceRequest) => void,
): Promise<void> {
  const streamCount = Math.max(1, Math.round(rateHz / STREAM_RATE_HZ));
  const streams = Array.from({ length: streamCount }, (_, slot) => ({
    streamId: `stream-${slot}`,
    origin: { sessionId: `session-${slot % 50}`, slot, part: 'left' },
  }));
  let id = 0;
  for (const arrivedMs of arrivalsMs) {
    if (clock.isDue(arrivedMs)) await clock.advanceTo(arrivedMs);
    else clock.jumpTo(arrivedMs);
    const stream = streams[id % streamCount];
    if (stream === undefined) return;
    const { streamId, origin } = stream;
    const deadlineMs = arrivedMs + BUDGET_MS;
    submit({
      id: id++,
      task: 'gesture',
      model: 'model',
      streamId,
      origin,
      payload: PAYLOAD,
      encoding: 'task',
      tenant: '',
      captureMs: arrivedMs,
      arrivedMs,
      deadlineMs,
      priority: 0,
    });
  }
}

function trace(arrivals: Arrivals, rateHz: number, length: number): number[] {
  const random = seededRandom(1);
  let atMs = 0;
  return Array.from({ length }, () => {
    atMs += (arrivals === 'even' ? 1 : -Math.log(1 - random.next())) * (1000 / rateHz);
    return atMs;
  });
}

function limitsOf(deviceCount: number): { readonly even: number; readonly execution: number } {
  const problem = { latencyMs, maxBatchSize: MAX_BATCH_SIZE, deviceCount, budgetMs: BUDGET_MS };
  return { even: evenLimit(problem).goodputHz, execution: executionLimit(problem).goodputHz };
}

function clairvoyant(arrivalsMs: readonly number[], load: number): number {
  const maxLostShare = Math.max(0.1, 1 - 0.8 / load);
  const problem = { arrivalsMs, latencyMs, maxBatchSize: MAX_BATCH_SIZE, budgetMs: BUDGET_MS, maxLostShare };
  return clairvoyantServed(problem) ?? NaN;
}

function rounded(row: object): Record<string, string | number> {
  const entries = Object.entries(row) as [string, unknown][];
  return Object.fromEntries(entries.map(([name, value]) => [name, typeof value === 'number' ? Number(value.toFixed(3)) : String(value ?? '')]));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main(process.argv.slice(2));
