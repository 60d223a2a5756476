/** Loads one server until it no longer keeps up, and says where that was and what happened beyond. */
import { sleep, systemClock } from '../../core/clock.ts';
import { poseHz, type Candidate, type Mode } from './candidates.ts';
import { nextKneeStep } from './knee-search.ts';
import { Load, type LoadedServer, type Measurement } from './load.ts';

/** Of the wait that is not the tick's. */
const LATE_MS = 20;
/** A server that sheds is quick with the rest, so most of what was sent has to arrive. */
const LEAST_DELIVERED = 0.9;
/** This side is the limit where it is busier, or once did not look for longer. */
const BUSY_GENERATOR = 0.85;
const LONG_LOOP_MS = 10;
const MOST_SENDERS = 4096;
/** A trial just beyond the limit is made again, and every one while others were at work on the machine. */
const CLOSE_CALL = 1.6;
const BUSY_MACHINE = 0.2;
const TRIES = 3;
const RECOVERY_TRIES = 8;
const RECOVERY_MS = 300;

export interface Durations {
  readonly settleMs: number;
  readonly measureMs: number;
}

export interface Cell {
  readonly candidate: Candidate;
  readonly mode: Mode;
  /** Of a session. */
  readonly members: number;
}

/** One number of senders. */
export interface Point extends Measurement {
  readonly senders: number;
  /** Of all deliveries that the poses call for, those included that could not be sent since the server did not read. */
  readonly deliveredShare: number;
  readonly deliveredPerSecond: number;
  readonly borne: boolean;
  /** Whether the load generator and not the server may be what was slow. */
  readonly generatorBusy: boolean;
}

export interface KneeResult {
  readonly name: string;
  readonly mode: Mode;
  readonly members: number;
  readonly poseHz: number;
  /** A pose may wait a whole tick before anything is late. */
  readonly limitMs: number;
  readonly points: readonly Point[];
  /** The most that is borne; undefined when nothing is. */
  readonly knee: Point | undefined;
  /** At multiples of the knee; undefined where a client lost its connection. */
  readonly beyond: readonly { readonly times: number; readonly point: Point | undefined }[];
}

/** @param beyond - multiples of the knee to look at afterwards. */
export async function findKnee(cell: Cell, program: string, { durations, beyond = [], most = MOST_SENDERS }: { durations: Durations; beyond?: readonly number[]; most?: number }): Promise<KneeResult> {
  const { candidate, mode, members } = cell;
  const bench = new LoadedBench(cell, program, durations);
  const points: Point[] = [];
  const lost: { senders: number; borne: false }[] = [];
  try {
    const first = candidate.firstSenders(mode, members);
    for (;;) {
      const step = nextKneeStep([...points, ...lost], { first, most, members });
      if (step.kind === 'found') {
        const knee = points.find(({ senders, borne }) => borne && senders === step.senders);
        return { name: candidate.name, mode, members, poseHz: poseHz(mode), limitMs: limitMs(mode), points: points.sort((a, b) => a.senders - b.senders), knee, beyond: await measureBeyond(bench, knee, beyond) };
      }
      const point = await bench.tryWith(step.senders);
      if (point === undefined) lost.push({ senders: step.senders, borne: false });
      else points.push(point);
    }
  } finally {
    await bench.stop();
  }
}

async function measureBeyond(bench: LoadedBench, knee: Point | undefined, multiples: readonly number[]): Promise<KneeResult['beyond']> {
  const beyond: KneeResult['beyond'][number][] = [];
  for (const times of knee === undefined ? [] : multiples) beyond.push({ times, point: await bench.measure(Math.round((knee?.senders ?? 0) * times), { overloaded: true }) });
  return beyond;
}

/** A server and its clients, started again where they were lost. */
export class LoadedBench {
  readonly #cell: Cell;
  readonly #program: string;
  readonly #durations: Durations;
  #running: { readonly server: LoadedServer; readonly load: Load } | undefined;

  constructor(cell: Cell, program: string, durations: Durations) {
    this.#cell = cell;
    this.#program = program;
    this.#durations = durations;
  }

  /** Measures, once more where the first time leaves a doubt. */
  async tryWith(senders: number): Promise<Point | undefined> {
    const first = await this.measure(senders);
    if (first === undefined || first.borne) return first;
    const isDoubtful = first.othersCpu > BUSY_MACHINE || (first.p99Ms < limitMs(this.#cell.mode) * CLOSE_CALL && first.deliveredShare * CLOSE_CALL > 1);
    const again = isDoubtful ? await this.measure(senders) : first;
    if (again?.borne !== true) await this.#recover();
    return again;
  }

  /** @returns undefined when a client lost its connection, or could not connect. */
  async measure(senders: number, { overloaded = false } = {}): Promise<Point | undefined> {
    const { mode, members } = this.#cell;
    const { load } = await this.#start();
    if (!(await load.grow(Math.ceil(senders / members) * members))) return this.#lost();
    load.activate(senders);
    // What waits in a server that cannot keep up takes a while to show.
    await sleep(clock, this.#durations.settleMs * (overloaded ? 2 : 1));
    const measured = await load.measure(this.#durations.measureMs);
    if (measured === undefined) return this.#lost();
    if (measured.strange > 0) throw new Error(`${this.#cell.candidate.name} delivered ${measured.strange} poses that nobody sent`);
    return pointOf(measured, { senders, members, mode });
  }

  async stop(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    await running?.load.stop();
    await running?.server.stop();
  }

  async #start(): Promise<{ readonly server: LoadedServer; readonly load: Load }> {
    const { candidate, mode, members } = this.#cell;
    for (let tries = 1; this.#running === undefined; tries++) {
      try {
        const server = await candidate.start(mode, members);
        this.#running = { server, load: new Load(server, this.#program, { protocol: candidate.protocol, poseHz: poseHz(mode), members, pose: candidate.pose }) };
      } catch (error) {
        if (tries === TRIES) throw error;
      }
    }
    return this.#running;
  }

  async #lost(): Promise<undefined> {
    await this.stop();
  }

  /** Waits until what has piled up is gone, or starts anew where it does not go. */
  async #recover(): Promise<void> {
    const load = this.#running?.load;
    load?.activate(0);
    await sleep(clock, RECOVERY_MS);
    for (let tries = 0; load !== undefined && tries < RECOVERY_TRIES; tries++) {
      const measured = await load.measure(RECOVERY_MS);
      if (measured === undefined) break;
      if (measured.delivered === 0) return;
    }
    await this.stop();
  }
}

export function limitMs(mode: Mode): number {
  return LATE_MS + (mode === 'relay' ? 0 : 1000 / mode);
}

const clock = systemClock();

function pointOf(measured: Measurement, { senders, members, mode }: { senders: number; members: number; mode: Mode }): Point {
  const deliveredShare = measured.delivered / Math.max(1, (measured.sent + measured.skipped) * (members - 1));
  return {
    ...measured,
    senders,
    deliveredShare,
    deliveredPerSecond: measured.delivered / measured.seconds,
    borne: measured.p99Ms < limitMs(mode) && deliveredShare >= LEAST_DELIVERED,
    generatorBusy: measured.generatorCpu > BUSY_GENERATOR || measured.generatorLongestMs > LONG_LOOP_MS,
  };
}
