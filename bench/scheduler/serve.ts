/** Gives a trace of requests to the real scheduler on simulated devices, and books how they end. */
import type { InferenceRequest, RequestOutcome } from '../../server/flow.ts';
import type { PolicyName } from '../../server/scheduler/policy/policies.ts';
import { createScheduler } from '../../server/scheduler/scheduler.ts';
import { latencyTable, SimulatedDevice, SimulatedPool } from '../../test/support/simulated-device.ts';
import type { Trace } from './arrivals.ts';
import { EventClock } from './event-clock.ts';
import { BUDGET_MS, latencyOf, MAX_BATCH_SIZE, type Problem } from './problem.ts';

export interface ServeOptions {
  readonly problem: Problem;
  readonly policy: PolicyName;
  readonly trace: Trace;
  /** Of the trace: requests that come before this share of it are served and not counted. */
  readonly warmUpShare: number;
  /** Stop as soon as more than this share of the counted requests has not been in time; 1 never to stop. */
  readonly maxLostShare: number;
}

/** How the counted requests ended. */
export interface Tally {
  readonly counted: number;
  readonly done: number;
  readonly lost: number;
  /** From the first counted arrival to the last. */
  readonly spanMs: number;
  /** From arrival to result of each counted request; `BUDGET_MS` for those that were not in time. */
  readonly delaysMs: Float64Array;
  /** Of the counted requests that were in time, by stream. */
  readonly doneByStream: Float64Array;
  /** Now minus the capture time of the newest result, over all streams and all moments between results. */
  readonly meanAgeMs: number;
  readonly meanBatchSize: number;
}

const PAYLOAD = new Uint8Array(0);
const QUEUE_CAPACITY = 16_384;
const SESSION_SIZE = 50;

/** @bound one run of the trace; memory for one number for each request. */
export async function serve({ problem, policy, trace, warmUpShare, maxLostShare }: ServeOptions): Promise<Tally> {
  const clock = new EventClock();
  const from = Math.floor(trace.arrivedMs.length * warmUpShare);
  const book = new Book(trace, from, clock);
  const mostLost = maxLostShare * (trace.arrivedMs.length - from);
  const { submit, trim } = openScheduler(problem, policy, clock, (request, outcome) => book.end(request, outcome));
  const isStopped = (): boolean => book.lost > mostLost;
  await replay(trace, clock, submit, () => {
    trim();
    return isStopped();
  });
  if (!isStopped()) await clock.advanceTo(clock.nowMs() + 10 * BUDGET_MS);
  return book.tally();
}

interface OpenScheduler {
  submit(request: InferenceRequest): void;
  /** Lets go of what the simulated devices remember of their batches. */
  trim(): void;
}

export function openScheduler(
  { cost, deviceCount }: Problem,
  policy: PolicyName,
  clock: EventClock,
  onOutcome: (request: InferenceRequest, outcome: RequestOutcome) => void,
): OpenScheduler {
  const latency = new Map([['model', latencyTable(MAX_BATCH_SIZE, latencyOf(cost))]]);
  const devices = Array.from({ length: deviceCount }, (_, at) => new SimulatedDevice({ clock, id: `device-${at}`, latency }));
  const parts = { clock, pool: new SimulatedPool(devices), onOutcome };
  const scheduler = createScheduler(parts, { queueCapacity: QUEUE_CAPACITY, budgetMs: () => BUDGET_MS, policy });
  return {
    submit: (request) => scheduler.submit(request),
    trim: () => devices.forEach(({ batches }) => void (batches.length = 0)),
  };
}

const REQUESTS_PER_CHECK = 1024;

/** Submits each request when it arrives. @param check - now and then; true to end. */
export async function replay(
  trace: Trace,
  clock: EventClock,
  submit: (request: InferenceRequest) => void,
  check: () => boolean,
): Promise<void> {
  const streams = Array.from({ length: trace.streamCount }, (_, slot) => ({
    streamId: `stream-${slot}`,
    origin: { sessionId: `session-${Math.floor(slot / SESSION_SIZE)}`, slot, part: 'left' },
  }));
  const startMs = clock.nowMs();
  for (let id = 0; id < trace.arrivedMs.length; id++) {
    if (id % REQUESTS_PER_CHECK === 0 && check()) return;
    const arrivedMs = startMs + (trace.arrivedMs[id] ?? 0);
    if (clock.isDue(arrivedMs)) await clock.advanceTo(arrivedMs);
    else clock.jumpTo(arrivedMs);
    const stream = streams[trace.stream[id] ?? 0];
    if (stream !== undefined) submit(requestOf(id, stream, arrivedMs, startMs + (trace.capturedMs[id] ?? 0)));
  }
}

function requestOf(id: number, { streamId, origin }: Pick<InferenceRequest, 'streamId' | 'origin'>, arrivedMs: number, captureMs: number): InferenceRequest {
  return {
    id,
    task: 'gesture',
    model: 'model',
    streamId,
    origin,
    payload: PAYLOAD,
    encoding: 'task',
    tenant: '',
    captureMs,
    arrivedMs,
    deadlineMs: arrivedMs + BUDGET_MS,
    priority: 0,
  };
}

/** What is counted while a trace is served. */
class Book {
  lost = 0;
  #done = 0;
  #batchSum = 0;
  #ageArea = 0;
  #ageMs = 0;
  readonly #trace: Trace;
  readonly #from: number;
  readonly #clock: EventClock;
  readonly #delaysMs: Float64Array;
  readonly #doneByStream: Float64Array;
  /** Of each stream's newest result: when it came, and when it was captured. */
  readonly #resultMs: Float64Array;
  readonly #captureMs: Float64Array;

  constructor(trace: Trace, from: number, clock: EventClock) {
    this.#trace = trace;
    this.#from = from;
    this.#clock = clock;
    this.#delaysMs = new Float64Array(trace.arrivedMs.length - from).fill(BUDGET_MS);
    this.#doneByStream = new Float64Array(trace.streamCount);
    this.#resultMs = new Float64Array(trace.streamCount).fill(NaN);
    this.#captureMs = new Float64Array(trace.streamCount);
  }

  end(request: InferenceRequest, outcome: RequestOutcome): void {
    if (request.id < this.#from) return;
    if (outcome.kind !== 'done') {
      this.lost++;
      return;
    }
    const nowMs = this.#clock.nowMs();
    this.#done++;
    this.#batchSum += outcome.batch.size;
    this.#delaysMs[request.id - this.#from] = nowMs - request.arrivedMs;
    this.#renew(request.origin.slot, nowMs, request.captureMs);
  }

  tally(): Tally {
    const { arrivedMs } = this.#trace;
    return {
      counted: this.#delaysMs.length,
      done: this.#done,
      lost: this.lost,
      spanMs: (arrivedMs.at(-1) ?? 0) - (arrivedMs[this.#from] ?? 0),
      delaysMs: this.#delaysMs,
      doneByStream: this.#doneByStream,
      meanAgeMs: this.#ageArea / this.#ageMs,
      meanBatchSize: this.#batchSum / this.#done,
    };
  }

  /** The age grows with time from the newest capture that is known: its mean over the time since the last result. */
  #renew(stream: number, nowMs: number, captureMs: number): void {
    const beforeMs = this.#resultMs[stream] ?? NaN;
    if (!Number.isNaN(beforeMs)) {
      const heldMs = nowMs - beforeMs;
      this.#ageArea += heldMs * ((beforeMs + nowMs) / 2 - (this.#captureMs[stream] ?? 0));
      this.#ageMs += heldMs;
    }
    this.#resultMs[stream] = nowMs;
    this.#captureMs[stream] = captureMs;
    this.#doneByStream[stream] = (this.#doneByStream[stream] ?? 0) + 1;
  }
}
