/** Follows every request from the scheduler's door to its end, and every batch on its way. */
import type { Batch, DevicePool, InferenceRequest, InferenceScheduler, OutcomeListener, RequestOutcome } from '../../server/flow.ts';
import type { createScheduler } from '../../server/scheduler/scheduler.ts';
import { noMetrics, type SchedulerMetrics } from '../../server/scheduler/metrics.ts';
import type { Judge } from './judge.ts';
import { describeSignature, sameSignature, signatureOfPayload, signatureOfValue } from './signature.ts';
import type { Trace } from './trace.ts';

export type CreateScheduler = typeof createScheduler;

export interface RequestBookParts {
  readonly judge: Judge;
  readonly trace: Trace;
  readonly pool: DevicePool;
  readonly nowMs: () => number;
}

export class RequestBook {
  readonly #parts: RequestBookParts;
  readonly #open = new Set<InferenceRequest>();
  /** Where a request ends that names nobody itself. */
  #listener: OutcomeListener = () => undefined;
  readonly #outcomes = new Map<RequestOutcome['kind'], number>();
  /** The requests whose outcome is being told now, innermost last. */
  readonly #telling: InferenceRequest[] = [];

  constructor(parts: RequestBookParts) {
    this.#parts = parts;
  }

  /** Requests that have not ended. */
  get openCount(): number {
    return this.#open.size;
  }

  /** How many ended how. */
  get outcomes(): ReadonlyMap<RequestOutcome['kind'], number> {
    return this.#outcomes;
  }

  /** The request whose outcome is being told now. */
  get telling(): InferenceRequest | undefined {
    return this.#telling.at(-1);
  }

  /** A scheduler like `create`'s, every request and batch of which passes through this book. */
  around(create: CreateScheduler): CreateScheduler {
    return (parts, options) => {
      this.#listener = parts.onOutcome;
      const scheduler = create({ ...parts, metrics: this.#metrics(parts.metrics ?? noMetrics) }, options);
      return {
        submit: (request) => scheduler.submit(this.#follow(request, 'stage')),
        forget: (sessionId, slot) => scheduler.forget(sessionId, slot),
        close: () => scheduler.close(),
      };
    };
  }

  /** Follows what comes to the front of everything too, since several requests to the scheduler may answer one. */
  watchFront(front: InferenceScheduler): void {
    const submit = front.submit.bind(front);
    front.submit = (request) => submit(this.#follow(request, 'task'));
  }

  /** The same request, with a listener of this book's before the one that it had. */
  #follow(request: InferenceRequest, level: 'task' | 'stage'): InferenceRequest {
    const { judge, trace } = this.#parts;
    judge.expect(!this.#open.has(request), 'ends-once', () => `request ${request.id} was submitted twice`);
    this.#open.add(request);
    trace.note(`${level} ${request.id} for ${request.model} of ${request.streamId}`);
    return { ...request, onOutcome: (_, outcome) => this.#ended(request, outcome, level) };
  }

  #ended(request: InferenceRequest, outcome: RequestOutcome, level: 'task' | 'stage'): void {
    const { judge, trace } = this.#parts;
    judge.expect(this.#open.delete(request), 'ends-once', () => `${level} ${request.id} for ${request.model} ended again, as ${outcome.kind}`);
    if (level === 'stage') this.#outcomes.set(outcome.kind, (this.#outcomes.get(outcome.kind) ?? 0) + 1);
    trace.note(`${level} ${request.id} ${outcome.kind}`);
    if (outcome.kind === 'done') this.#done(request, outcome);
    this.#telling.push(request);
    (request.onOutcome ?? this.#listener)(request, outcome);
    this.#telling.pop();
  }

  #done(request: InferenceRequest, outcome: RequestOutcome & { readonly kind: 'done' }): void {
    const { judge, nowMs } = this.#parts;
    judge.expect(nowMs() <= request.deadlineMs, 'late-result', () => `request ${request.id} was done ${(nowMs() - request.deadlineMs).toFixed(1)} ms after its deadline`);
    const asked = signatureOfPayload(request);
    const answered = signatureOfValue(outcome.value);
    if (asked === undefined || answered === undefined) return;
    judge.expect(sameSignature(asked, answered), 'right-answer', () => `request ${request.id} of ${describeSignature(asked)} got the answer to ${describeSignature(answered)}`);
  }

  #metrics(inner: SchedulerMetrics): SchedulerMetrics {
    return {
      ...inner,
      batchReleased: (batch, deviceId, occupancy) => {
        this.#released(batch, deviceId);
        inner.batchReleased(batch, deviceId, occupancy);
      },
    };
  }

  #released(batch: Batch, deviceId: string): void {
    const { judge, pool, trace } = this.#parts;
    const size = batch.requests.length;
    trace.note(`batch ${batch.id} of ${size} ${batch.model} to ${deviceId}: ${batch.release}`);
    const device = pool.devices.find(({ id }) => id === deviceId);
    const most = device?.latency.get(batch.model)?.maxBatchSize ?? 0;
    judge.expect(size >= 1 && size <= most, 'batch-cap', () => `batch ${batch.id} has ${size} requests for ${batch.model}, and ${deviceId} takes ${most}`);
    judge.expect(batch.requests.every(({ model }) => model === batch.model), 'batch-cap', () => `batch ${batch.id} for ${batch.model} holds another model's request`);
    const streams = new Set(batch.requests.map(({ streamId }) => streamId));
    judge.expect(streams.size === size, 'stream-once', () => `batch ${batch.id} holds a stream twice: ${batch.requests.map(({ streamId }) => streamId).join(' ')}`);
  }
}
