/** A scheduler on a clock that stands still, with simulated devices, and a book of everything that happened. */
import { ManualClock } from '../../../core/clock.ts';
import type { Batch, InferenceRequest, ItemOutcome, LatencyTable, RequestOutcome } from '../../../server/flow.ts';
import { createScheduler } from '../../../server/scheduler/scheduler.ts';
import type { PolicyName } from '../../../server/scheduler/policy/policies.ts';
import type { SchedulerMetrics } from '../../../server/scheduler/metrics.ts';
import { SimulatedDevice, SimulatedPool, latencyTable } from '../../support/simulated-device.ts';

export interface WorldOptions {
  readonly deviceCount?: number;
  readonly budgetMs?: number;
  /** By model, in place of `budgetMs` for all. */
  readonly budgetOf?: (model: string) => number;
  readonly queueCapacity?: number;
  /** By model; one model `m` with l(b) = 4 + b up to 8 when left out. */
  readonly latency?: ReadonlyMap<string, LatencyTable>;
  readonly runMs?: (batch: Batch) => number;
  readonly itemFor?: (batch: Batch, at: number) => ItemOutcome;
  readonly metrics?: SchedulerMetrics;
  readonly policy?: PolicyName | 'auto';
}

export interface Ended {
  readonly request: InferenceRequest;
  readonly outcome: RequestOutcome;
  readonly atMs: number;
}

/** l(b) = 4 + b: with 20 ms to the deadline and one device, b* is 6. */
export const TABLE = latencyTable(8, (size) => 4 + size);

export class World {
  readonly clock = new ManualClock();
  readonly pool: SimulatedPool;
  readonly submitted: InferenceRequest[] = [];
  readonly ended: Ended[] = [];
  /** Called as each batch reaches a device, with what was left waiting. */
  onRelease: (batch: Batch, waiting: readonly InferenceRequest[]) => void = () => undefined;
  /** Called as each request ends; may change devices or submit. */
  onEnd: (request: InferenceRequest) => unknown = () => undefined;
  readonly scheduler;
  readonly #options: WorldOptions;
  readonly #inFlight = new Set<InferenceRequest>();
  readonly #alive = new Set<InferenceRequest>();
  readonly #slots = new Map<string, number>();
  #deviceId = 0;

  constructor(options: WorldOptions = {}) {
    this.#options = options;
    this.pool = new SimulatedPool([]);
    for (let at = 0; at < (options.deviceCount ?? 1); at++) this.addDevice();
    const { clock, pool } = this;
    const budgetMs = options.budgetMs ?? 20;
    this.scheduler = createScheduler(
      { clock, pool, onOutcome: (request, outcome) => this.#onOutcome(request, outcome), ...pick(options) },
      {
        queueCapacity: options.queueCapacity ?? 64,
        budgetMs: options.budgetOf ?? ((model) => (model === 'long' ? 1000 : budgetMs)),
        policy: options.policy ?? 'auto',
      },
    );
  }

  addDevice(latency = this.#options.latency ?? new Map([['m', TABLE]])): SimulatedDevice {
    const { itemFor } = this.#options;
    const device = new SimulatedDevice({
      clock: this.clock,
      id: `device-${this.#deviceId++}`,
      latency,
      runMs: (batch) => this.#runMs(batch, latency),
      ...(itemFor === undefined ? {} : { itemFor }),
    });
    this.pool.add(device);
    return device;
  }

  /** Submits a request that is due `budgetMs` from now, on the stream of its own slot unless told otherwise. */
  submit(options: Partial<InferenceRequest> & { readonly budgetMs?: number } = {}): InferenceRequest {
    const nowMs = this.clock.nowMs();
    const id = this.submitted.length;
    const { budgetMs = this.#options.budgetMs ?? 20, ...given } = options;
    const request: InferenceRequest = {
      id,
      task: 'gesture',
      model: 'm',
      streamId: `stream-${id}`,
      origin: { sessionId: 'session', slot: this.#slotOf(given.streamId ?? `stream-${id}`), part: 'left' },
      payload: new Uint8Array(0),
      encoding: 'task',
      tenant: '',
      captureMs: nowMs,
      arrivedMs: nowMs,
      deadlineMs: nowMs + budgetMs,
      priority: 0,
      ...given,
    };
    this.submitted.push(request);
    this.#alive.add(request);
    this.scheduler.submit(request);
    return request;
  }

  /** A stream has one sender. */
  #slotOf(streamId: string): number {
    const slot = this.#slots.get(streamId) ?? this.#slots.size;
    this.#slots.set(streamId, slot);
    return slot;
  }

  submitMany(count: number, options: Partial<InferenceRequest> & { readonly budgetMs?: number } = {}): InferenceRequest[] {
    return Array.from({ length: count }, () => this.submit(options));
  }

  advance(deltaMs: number): Promise<void> {
    return this.clock.advanceAsync(deltaMs);
  }

  device(at = 0): SimulatedDevice {
    const device = this.pool.devices[at];
    if (device === undefined) throw new Error(`no device ${at}`);
    return device;
  }

  /** All batches of all devices that are or were in the pool, in order of release. */
  readonly batches: Batch[] = [];

  /** How a request ended; undefined while it has not. */
  outcomeOf(request: InferenceRequest): RequestOutcome['kind'] | undefined {
    return this.endOf(request)?.outcome.kind;
  }

  endOf(request: InferenceRequest): Ended | undefined {
    return this.ended.find((ended) => ended.request === request);
  }

  waiting(): readonly InferenceRequest[] {
    return [...this.#alive].filter((request) => !this.#inFlight.has(request));
  }

  #runMs(batch: Batch, latency: ReadonlyMap<string, LatencyTable>): number {
    this.batches.push(batch);
    for (const request of batch.requests) this.#inFlight.add(request);
    this.onRelease(batch, this.waiting());
    return this.#options.runMs?.(batch) ?? latency.get(batch.model)?.latencyMs(batch.requests.length) ?? Infinity;
  }

  #onOutcome(request: InferenceRequest, outcome: RequestOutcome): void {
    this.ended.push({ request, outcome, atMs: this.clock.nowMs() });
    this.#alive.delete(request);
    this.#inFlight.delete(request);
    this.onEnd(request);
  }
}

function pick({ metrics }: WorldOptions): { readonly metrics?: SchedulerMetrics } {
  return metrics === undefined ? {} : { metrics };
}
