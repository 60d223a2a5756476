/** The scheduler: carries out a policy of policy/ with a clock, the devices and one timer. */
import { unreachable } from '../../core/assert.ts';
import type { Clock, Timer } from '../../core/clock.ts';
import type {
  Batch,
  BatchOutcome,
  BatchSummary,
  Device,
  DevicePool,
  InferenceRequest,
  InferenceScheduler,
  ItemOutcome,
  OutcomeListener,
  ReleaseReason,
  RequestOutcome,
} from '../flow.ts';
import { DeviceIndex, type ModelDevices } from './device-index.ts';
import { noMetrics, type SchedulerMetrics } from './metrics.ts';
import { ModelQueue, newEntry } from './model-queue.ts';
import { policyNamed, type PolicyName } from './policy/policies.ts';
import type { BatchPolicy, PolicyState } from './policy/policy.ts';
import type { SuspectGroup } from './quarantine.ts';
import { QuarantineWard } from './quarantine-ward.ts';
import type { Entry, Stream } from './streams.ts';
import { urgencyMs } from './urgency.ts';

export interface SchedulerParts {
  readonly clock: Clock;
  readonly pool: DevicePool;
  /** Called once for each request; may submit again. */
  readonly onOutcome: OutcomeListener;
  readonly metrics?: SchedulerMetrics;
}

export interface SchedulerOptions {
  /** Waiting requests for each model, and for each group of suspects; above it, the one that would be served last is shed. */
  readonly queueCapacity: number;
  /** By model, what is left of a request's deadline when it arrives here; gives the batch cap. */
  readonly budgetMs: (model: string) => number;
  /** `auto` when left out. */
  readonly policy?: PolicyName | 'auto';
  /** Takes the place of `policy` for a model, for as long as it gives one. */
  readonly policyFor?: (model: string) => BatchPolicy | undefined;
}

/** A batch that may leave now. */
interface Candidate {
  readonly model: WaitingModel;
  readonly devices: ModelDevices;
  readonly size: number;
  /** The most that `size` would have been. */
  readonly cap: number;
  readonly release: ReleaseReason;
  readonly urgencyMs: number;
}

interface WaitingModel {
  readonly queue: ModelQueue;
  /** Asked for again when the devices' costs change: a stage's share of its task's time follows from them. */
  budgetMs: number;
  /** What the policy has learnt of its batches. */
  learnt: PolicyState;
  /** Requests that expired since it last learnt. */
  givenUp: number;
  /** When the policy wants to be asked again. */
  askAtMs: number;
  /** Whose requests wait here, where it is not everybody's. */
  readonly group: SuspectGroup | undefined;
}

interface Flight {
  readonly batch: Batch;
  readonly entries: readonly Entry[];
  readonly model: WaitingModel;
  readonly queue: ModelQueue;
  readonly cap: number;
  readonly device: Device;
}

const EXPIRED: RequestOutcome = { kind: 'expired' };
const SUPERSEDED: RequestOutcome = { kind: 'superseded' };
const SHED: RequestOutcome = { kind: 'shed', reason: 'capacity' };
const CLOSING: RequestOutcome = { kind: 'shed', reason: 'closing' };
const QUARANTINED: RequestOutcome = { kind: 'shed', reason: 'quarantine' };
const UNAVAILABLE: RequestOutcome = { kind: 'unavailable' };
/** Of the wait that was asked for: few timers are moved, and few fire in vain. */
const MOVED_TIMER_SHARE = 0.75;
const MISSING: ItemOutcome = { kind: 'failed', code: 'MODEL_FAILED' };

/**
 * Gathers requests of all sessions into batches for the pool's devices.
 *
 * Each request ends exactly once. A result that comes after its deadline is not shown: its request ends as `expired`.
 * The requests of a lost batch that are still in time go back into the queue once; the others, and those whose second
 * batch is lost, end as `unavailable`, as do those that expire after no device could run their model on arrival.
 */
export function createScheduler(parts: SchedulerParts, options: SchedulerOptions): InferenceScheduler {
  return new Scheduler(parts, options);
}

class Scheduler implements InferenceScheduler {
  readonly #clock: Clock;
  readonly #onOutcome: OutcomeListener;
  readonly #metrics: SchedulerMetrics;
  readonly #options: SchedulerOptions;
  readonly #policy: BatchPolicy;
  readonly #devices: DeviceIndex;
  readonly #ward: QuarantineWard;
  readonly #models = new Map<string, WaitingModel>();
  #sequence = 0;
  #batchId = 0;
  #closed = false;
  #pumping = false;
  #pumpAgain = false;
  #timer: Timer | undefined;
  #timerAtMs = Infinity;

  constructor(parts: SchedulerParts, options: SchedulerOptions) {
    this.#clock = parts.clock;
    this.#onOutcome = parts.onOutcome;
    this.#metrics = parts.metrics ?? noMetrics;
    this.#options = options;
    this.#policy = policyNamed(options.policy ?? 'auto');
    this.#devices = new DeviceIndex(parts.pool);
    this.#ward = new QuarantineWard(parts.pool);
    parts.pool.onChange(() => this.#onDevicesChanged());
  }

  submit(request: InferenceRequest): void {
    if (this.#closed) return this.#end(request, CLOSING);
    const nowMs = this.#clock.nowMs();
    const model = this.#placeOf(request, nowMs);
    if (model === undefined) return this.#end(request, QUARANTINED);
    const { queue } = model;
    const entry = newEntry(request, queue.streams.of(request, nowMs), this.#sequence++);
    const devices = this.#viewFor(model, nowMs);
    entry.unavailable = devices.count === 0;
    this.#admit(queue, entry, nowMs);
    if (devices.idleCount > 0 || request.deadlineMs <= nowMs) this.#pump();
    else this.#wakeAt(request.deadlineMs, nowMs);
  }

  forget(sessionId: string, slot: number): void {
    for (const { queue } of this.#models.values()) {
      for (const entry of queue.streams.forget(sessionId, slot)) {
        queue.remove(entry);
        this.#end(entry.request, SUPERSEDED);
      }
    }
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    for (const { queue } of this.#models.values()) {
      for (let entry = queue.earliest(); entry !== undefined; entry = queue.earliest()) {
        queue.remove(entry);
        this.#end(entry.request, CLOSING);
      }
    }
  }

  /** Where a request is to wait: with everybody's, or apart with other suspects; undefined when its sender is refused. */
  #placeOf(request: InferenceRequest, nowMs: number): WaitingModel | undefined {
    const place = this.#ward.placeOf(request, nowMs);
    if (place === 'refused') return undefined;
    return this.#modelOf(request, place === 'open' ? undefined : place);
  }

  #modelOf(request: InferenceRequest, group: SuspectGroup | undefined): WaitingModel {
    const key = group === undefined ? request.model : `${request.model} suspects ${group.id}`;
    let model = this.#models.get(key);
    if (model === undefined) {
      const queue = new ModelQueue(request.model, this.#options.queueCapacity);
      model = { queue, budgetMs: this.#options.budgetMs(request.model), learnt: this.#policy.initial, givenUp: 0, askAtMs: Infinity, group };
      this.#models.set(key, model);
    }
    return model;
  }

  #viewFor({ queue, budgetMs, group }: WaitingModel, nowMs: number): ModelDevices {
    const devices = this.#devices.viewFor(queue.model, budgetMs);
    return group === undefined ? devices : this.#ward.viewFor(queue.model, budgetMs, devices, nowMs);
  }

  #admit(queue: ModelQueue, entry: Entry, nowMs: number): void {
    const admission = queue.admit(entry, nowMs);
    if (admission.kind === 'queued') return;
    const { request, unavailable, retried } = admission.entry;
    if (admission.kind === 'shed') return this.#end(request, SHED);
    // Where no device could run it, that a newer one came does not matter, and whoever waits should hear of it.
    this.#end(request, unavailable && !retried ? UNAVAILABLE : SUPERSEDED);
  }

  #onDevicesChanged(): void {
    for (const model of this.#models.values()) model.budgetMs = this.#options.budgetMs(model.queue.model);
    this.#devices.invalidate();
    this.#pump();
  }

  /** Expires what is due and releases every batch that may leave; asked again from inside, it goes round once more. */
  #pump(): void {
    this.#pumpAgain = true;
    if (this.#pumping || this.#closed) return;
    this.#pumping = true;
    while (this.#pumpAgain) {
      this.#pumpAgain = false;
      const nowMs = this.#clock.nowMs();
      const candidate = this.#mostUrgent(nowMs);
      if (candidate === undefined) continue;
      this.#dispatch(candidate, nowMs);
      this.#pumpAgain = true;
    }
    this.#pumping = false;
    this.#sleep();
  }

  /** Of the models that may send a batch, the one with the least slack, so that none is starved: see `urgencyMs`. */
  #mostUrgent(nowMs: number): Candidate | undefined {
    let best: Candidate | undefined;
    for (const model of this.#models.values()) {
      const candidate = this.#planModel(model, nowMs);
      if (candidate !== undefined && (best === undefined || candidate.urgencyMs < best.urgencyMs)) best = candidate;
    }
    return best;
  }

  #planModel(model: WaitingModel, nowMs: number): Candidate | undefined {
    const { queue } = model;
    const devices = this.#viewFor(model, nowMs);
    const policy = this.#options.policyFor?.(queue.model) ?? this.#policy;
    for (;;) {
      const plan = policy.plan(queue, nowMs, devices, devices.table, model.learnt);
      switch (plan.kind) {
        case 'expire':
          model.givenUp += plan.count;
          for (let left = plan.count; left > 0; left--) this.#expireEarliest(queue);
          continue;
        case 'dispatch': {
          const { size, cap, release } = plan;
          return { model, devices, size, cap, release, urgencyMs: urgencyMs(queue, nowMs, devices, size) };
        }
        case 'hold':
        case 'wait':
          queue.isHeld ||= plan.kind === 'hold';
          model.askAtMs = plan.untilMs;
          return undefined;
        default:
          unreachable(plan);
      }
    }
  }

  #expireEarliest(queue: ModelQueue): void {
    const entry = queue.earliest();
    if (entry === undefined) return;
    queue.remove(entry);
    this.#end(entry.request, entry.unavailable ? UNAVAILABLE : EXPIRED);
  }

  #dispatch(candidate: Candidate, nowMs: number): void {
    const { model, cap } = candidate;
    const { queue } = model;
    const { device } = candidate.devices;
    // Expiring a request of another model calls out, and whoever was called may have changed the devices or the queue.
    if (device?.state !== 'idle' || queue.length === 0) return this.#devices.invalidate();
    const entries: Entry[] = [];
    const requests: InferenceRequest[] = [];
    while (entries.length < candidate.size) {
      const entry = queue.release(nowMs);
      if (entry === undefined) break;
      entries.push(entry);
      requests.push(entry.request);
      this.#metrics.requestReleased(entry.request, nowMs - entry.request.arrivedMs);
    }
    queue.restart(nowMs);
    const batch: Batch = { id: this.#batchId++, model: queue.model, requests, releasedMs: nowMs, release: candidate.release };
    this.#metrics.batchReleased(batch, device.id, entries.length / cap);
    const flight: Flight = { batch, entries, model, queue, cap, device };
    void device.run(batch).then((outcome) => this.#land(flight, outcome));
    this.#devices.invalidate();
  }

  /** A batch is back: the devices get their next work first, then the results go out. */
  #land(flight: Flight, outcome: BatchOutcome): void {
    const nowMs = this.#clock.nowMs();
    for (const entry of flight.entries) entry.stream.inFlightCount--;
    this.#devices.invalidate();
    if (outcome.kind === 'lost') {
      this.#metrics.batchLost(flight.batch, flight.device.id, outcome.cause);
      const convictions = this.#ward.lost(flight.batch, flight.model.group, nowMs);
      for (const { durationMs } of convictions) this.#metrics.quarantined(flight.batch.model, durationMs);
      for (const entry of flight.entries) this.#retry(flight, entry, nowMs);
      this.#rehome(flight.model, nowMs);
      return this.#pump();
    }
    const { group } = flight.model;
    if (group !== undefined && this.#ward.completed(flight.batch, group, nowMs)) this.#rehome(flight.model, nowMs);
    this.#learn(flight, nowMs);
    this.#pump();
    this.#metrics.batchFinished(flight.batch, flight.device.id, outcome.runMs, nowMs - flight.batch.releasedMs);
    const summary = summarise(flight, outcome.runMs, outcome.modelVersion, nowMs);
    flight.entries.forEach((entry, at) => this.#settle(flight, entry, outcome.items[at] ?? MISSING, summary));
  }

  #learn({ model, entries, cap }: Flight, nowMs: number): void {
    const isLate = entries.some(({ request }) => request.deadlineMs < nowMs);
    model.learnt = this.#policy.learn(model.learnt, { size: entries.length, cap, isLate, givenUp: model.givenUp });
    model.givenUp = 0;
  }

  #retry(flight: Flight, entry: Entry, nowMs: number): void {
    const { request, stream } = entry;
    flight.queue.unserve(entry, flight.batch.releasedMs);
    const newest = Math.max(this.#openStream(flight, entry).deliveredSequence, stream.waiting?.sequence ?? -1);
    if (stream.forgotten || newest > entry.sequence) return this.#end(request, SUPERSEDED);
    if (entry.retried || this.#closed || request.deadlineMs <= nowMs) return this.#end(request, UNAVAILABLE);
    entry.retried = true;
    entry.unavailable = true;
    this.#move(entry, flight.model, nowMs);
  }

  /** Sends every waiting request to where its sender belongs by now; a group without suspects is given up. */
  #rehome(model: WaitingModel, nowMs: number): void {
    const waiting: Entry[] = [];
    for (let entry = model.queue.earliest(); entry !== undefined; entry = model.queue.earliest()) {
      model.queue.remove(entry);
      waiting.push(entry);
    }
    for (const entry of waiting) this.#move(entry, model, nowMs);
    for (const [key, { group, queue }] of this.#models) {
      if (group?.members.size === 0 && queue.length === 0) this.#models.delete(key);
    }
  }

  /** The stream in everybody's queue, where the order of results is kept also while its requests wait elsewhere. */
  #openStream({ model }: Flight, { request, stream }: Entry): Stream {
    return model.group === undefined ? stream : this.#modelOf(request, undefined).queue.streams.of(request, this.#clock.nowMs());
  }

  /** @param entry - of `from`, in no queue. */
  #move(entry: Entry, from: WaitingModel, nowMs: number): void {
    const { request, sequence, unavailable, retried } = entry;
    const to = this.#placeOf(request, nowMs);
    if (to === undefined) return this.#end(request, QUARANTINED);
    if (to === from) return this.#admit(to.queue, entry, nowMs);
    const moved = newEntry(request, to.queue.streams.of(request, nowMs), sequence);
    this.#admit(to.queue, Object.assign(moved, { unavailable, retried }), nowMs);
  }

  #settle(flight: Flight, entry: Entry, item: ItemOutcome, summary: BatchSummary): void {
    const { request } = entry;
    if (item.kind === 'failed') return this.#end(request, item);
    if (summary.finishedMs > request.deadlineMs) {
      flight.queue.unserve(entry, summary.releasedMs);
      this.#metrics.resultLate(request, summary.finishedMs - request.deadlineMs);
      return this.#end(request, EXPIRED);
    }
    const delivered = this.#openStream(flight, entry);
    if (entry.sequence < delivered.deliveredSequence) return this.#end(request, SUPERSEDED);
    delivered.deliveredSequence = entry.sequence;
    this.#end(request, { kind: 'done', value: item.value, batch: summary });
  }

  #end(request: InferenceRequest, outcome: RequestOutcome): void {
    this.#metrics.requestEnded(request, outcome);
    (request.onOutcome ?? this.#onOutcome)(request, outcome);
  }

  /** Sets the timer for the next thing that time alone brings about: an expiry or the end of a hold. */
  #sleep(): void {
    let atMs = Infinity;
    for (const { askAtMs } of this.#models.values()) atMs = Math.min(atMs, askAtMs);
    this.#wakeAt(atMs, this.#clock.nowMs());
  }

  /**
   * A timer that is early already stays: when it fires, the policy says how much longer. A hold ends a little earlier
   * with each request that joins, so a timer that has to move goes further than asked, and not with each of them.
   */
  #wakeAt(atMs: number, nowMs: number): void {
    if (atMs >= this.#timerAtMs) return;
    const isMoved = this.#timerAtMs < Infinity;
    const waitMs = atMs - nowMs;
    const delayMs = isMoved && waitMs > 1 ? waitMs * MOVED_TIMER_SHARE : waitMs;
    this.#timer?.cancel();
    this.#timerAtMs = nowMs + delayMs;
    this.#timer = this.#clock.schedule(delayMs, () => {
      this.#timerAtMs = Infinity;
      this.#pump();
    });
  }
}

function summarise(flight: Flight, runMs: number, modelVersion: string, finishedMs: number): BatchSummary {
  const { id, requests, release, releasedMs } = flight.batch;
  const deviceId = flight.device.id;
  return { id, size: requests.length, deviceId, modelVersion, release, releasedMs, finishedMs, runMs };
}
