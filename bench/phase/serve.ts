/** Periodic streams before the real scheduler, with or without the real aligner, on a simulated clock. */
import { randomNormal, seededRandom, type Random } from '../../core/random.ts';
import { nextCaptureMs, type Pace } from '../../client/pace.ts';
import type { InferenceRequest, RequestOutcome } from '../../server/flow.ts';
import { noMetrics } from '../../server/scheduler/metrics.ts';
import { PhaseAligner } from '../../server/scheduler/phase/phase-aligner.ts';
import { createScheduler } from '../../server/scheduler/scheduler.ts';
import { SimulatedDevice, SimulatedPool, latencyTable } from '../../test/support/simulated-device.ts';
import { EventClock } from '../scheduler/event-clock.ts';

export const BUDGET_MS = 20;
export const MAX_BATCH_SIZE = 64;
const MODEL = 'model';
const PAYLOAD = new Uint8Array(0);
/** From capture to arrival, apart from jitter: another one for each stream. */
const TRANSIT_MS = { least: 5, spread: 20 };
/** How far a client's idea of the server's clock is off, which its server does not know. */
const OFFSET_ERROR_MS = 1;

export interface Load {
  readonly latencyMs: (size: number) => number;
  readonly deviceCount: number;
  readonly streamCount: number;
  readonly rateHz: number;
  /** Standard deviation of arrivals; a function of time where it changes. */
  readonly jitterMs: number | ((nowMs: number) => number);
  readonly align: boolean;
  /** Counted from here to the end. */
  readonly fromMs: number;
  readonly untilMs: number;
  readonly seed: number;
}

export interface Served {
  readonly onTimeShare: number;
  /** From arrival to batch. */
  readonly queueDelayMs: number;
  /** What the aligner came to do, each once, in order. */
  readonly states: readonly string[];
}

/** Runs one load to its end. */
export async function serveStreams(load: Load): Promise<Served> {
  const clock = new EventClock();
  const { latencyMs, deviceCount, fromMs, untilMs, align } = load;
  const latency = new Map([[MODEL, latencyTable(MAX_BATCH_SIZE, latencyMs)]]);
  const pool = new SimulatedPool(Array.from({ length: deviceCount }, (_, at) => new SimulatedDevice({ clock, id: `device-${at}`, latency })));
  const paces = new Map<number, Pace>();
  const aligner = new PhaseAligner({ clock, pool, streamOf: () => 'camera', budgetMs: () => BUDGET_MS, suggest: ({ slot }, pace) => void paces.set(slot, pace) });
  const tally = { ended: 0, done: 0, delaySumMs: 0 };
  const onOutcome = (request: InferenceRequest, outcome: RequestOutcome): void => {
    if (request.arrivedMs < fromMs || request.arrivedMs >= untilMs) return;
    tally.ended++;
    if (outcome.kind !== 'done') return;
    tally.done++;
    tally.delaySumMs += outcome.batch.releasedMs - request.arrivedMs;
  };
  const scheduler = createScheduler(
    { clock, pool, onOutcome, metrics: align ? aligner.watch(noMetrics) : noMetrics },
    { queueCapacity: 8192, budgetMs: () => BUDGET_MS, policyFor: (model) => aligner.policyFor(model) },
  );
  const submit = (request: InferenceRequest): void => {
    if (align) aligner.observe(request);
    scheduler.submit(request);
  };
  const random = seededRandom(load.seed);
  for (let slot = 0; slot < load.streamCount; slot++) startStream({ clock, load, slot, random, pace: () => paces.get(slot), submit });
  const states = await follow(clock, aligner, untilMs);
  await clock.advanceTo(untilMs + 1000);
  return { onTimeShare: tally.done / tally.ended, queueDelayMs: tally.delaySumMs / tally.done, states };
}

interface StreamParts {
  readonly clock: EventClock;
  readonly load: Load;
  readonly slot: number;
  readonly random: Random;
  readonly pace: () => Pace | undefined;
  readonly submit: (request: InferenceRequest) => void;
}

/** A camera of its own phase that follows its pace as the SDK does. Its frames arrive in order. */
function startStream({ clock, load, slot, random, pace, submit }: StreamParts): void {
  const periodMs = 1000 / load.rateHz;
  const transitMs = TRANSIT_MS.least + TRANSIT_MS.spread * random.next();
  const clockOffsetMs = OFFSET_ERROR_MS * (2 * random.next() - 1);
  let frames = 0;
  let arrivedBeforeMs = 0;
  function frame(captureMs: number): void {
    const jitterMs = typeof load.jitterMs === 'number' ? load.jitterMs : load.jitterMs(captureMs);
    const atMs = Math.max(arrivedBeforeMs + 0.01, captureMs + transitMs + jitterMs * randomNormal(random));
    arrivedBeforeMs = atMs;
    clock.schedule(atMs - clock.nowMs(), () => {
      submit(requestOf(slot, frames++, captureMs, clock.nowMs()));
      const nextMs = nextCaptureMs(pace(), captureMs, { clockOffsetMs, ownRateHz: load.rateHz });
      if (nextMs !== undefined && nextMs < load.untilMs) frame(nextMs);
    });
  }
  frame(periodMs * random.next());
}

function requestOf(slot: number, frame: number, captureMs: number, arrivedMs: number): InferenceRequest {
  return {
    id: slot * 1_000_000 + frame, task: 'body-pose', model: MODEL, streamId: `stream-${slot}`, origin: { sessionId: `session-${slot >> 5}`, slot, part: 'camera' },
    payload: PAYLOAD, encoding: 'task', tenant: '', captureMs, arrivedMs, deadlineMs: arrivedMs + BUDGET_MS, priority: 0,
  };
}

async function follow(clock: EventClock, aligner: PhaseAligner, untilMs: number): Promise<string[]> {
  const states: string[] = [];
  for (let atMs = 250; atMs < untilMs; atMs += 500) {
    await clock.advanceTo(atMs);
    const state = aligner.states()[0]?.state;
    if (state !== undefined && state !== states.at(-1)) states.push(state);
  }
  aligner.close();
  return states;
}
