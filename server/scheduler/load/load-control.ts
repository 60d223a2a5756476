/** Admission in front of the models: takes from streams what the devices cannot bear, before anything queues. */
import { every, type Clock, type Repeating } from '../../../core/clock.ts';
import type { DevicePool, InferenceRequest, InferenceScheduler, OutcomeListener, RequestOutcome, SuggestPace } from '../../flow.ts';
import { noMetrics, type SchedulerMetrics } from '../metrics.ts';
import { summariseLoad, type LoadStatus } from '../status.ts';
import type { LoadStream } from './load-stream.ts';
import { LoadStreams } from './load-streams.ts';
import { ModelTallies } from './model-tallies.ts';
import { planLoad } from './plan-load.ts';
import { modelCapacities, TaskProfiles, type ModelCapacity } from './request-costs.ts';
import { TypicalTimes } from './typical-times.ts';

export interface LoadControlParts {
  readonly clock: Clock;
  readonly pool: DevicePool;
  /** Where requests go that are let through. */
  readonly next: InferenceScheduler;
  /** Hears of what is not let through, where a request has no listener of its own. */
  readonly onOutcome: OutcomeListener;
  /** Counts what is not let through. */
  readonly metrics?: SchedulerMetrics;
  readonly suggestPace: SuggestPace;
  /** What ended behind this, learnt from `LoadWatch.metrics`. */
  readonly watch: LoadWatch;
}

export interface LoadControlOptions {
  /** By model, what is left of a request's deadline when it arrives. */
  readonly budgetMs: (model: string) => number;
  /** The lighter model of the same task, if it has one. */
  readonly lighter?: (model: string) => string | undefined;
  /** A tenant with twice the weight has twice the share; 1 for each when left out. */
  readonly tenantWeight?: (tenant: string) => number;
  /** As it stands in the status. */
  readonly policy?: string;
}

export interface LoadControl extends InferenceScheduler {
  status(): LoadStatus;
}

/** Of all devices, what streams may ask for before some are degraded: rule 5 of the scheduler's. */
export const DEGRADE_ABOVE = 0.85;
/** There is room for more while a plan for no more than this would take less from a stream. */
export const RECOVER_BELOW = 0.75;
const REVIEW_MS = 250;

const RATE: RequestOutcome = { kind: 'shed', reason: 'rate' };
const OVERLOAD: RequestOutcome = { kind: 'shed', reason: 'overload' };

/** What is learnt from requests on their way through the models; made before the scheduler, which reports to it. */
export class LoadWatch {
  readonly profiles = new TaskProfiles();
  readonly tallies: ModelTallies;
  readonly typical: TypicalTimes;
  /** To be given to the scheduler; passes everything on. */
  readonly metrics: SchedulerMetrics;

  /** @param metrics - a plain object, whose functions are taken over. */
  constructor(clock: Clock, pool: DevicePool, metrics: SchedulerMetrics) {
    this.typical = new TypicalTimes(pool);
    this.tallies = new ModelTallies(clock);
    this.metrics = {
      ...metrics,
      requestEnded: (request, outcome) => {
        this.profiles.stage(request);
        this.tallies.ended(request, outcome);
        metrics.requestEnded(request, outcome);
      },
      batchFinished: (batch, deviceId, runMs, elapsedMs) => {
        this.typical.finished(batch, deviceId, elapsedMs);
        metrics.batchFinished(batch, deviceId, runMs, elapsedMs);
      },
    };
  }
}

/**
 * Measures what each stream asks for, and every 250 ms decides how each is looked at (plan-load.ts).
 *
 * Two plans give the decision room: a stream is degraded at once as the plan for DEGRADE_ABOVE demands, and goes one step
 * back only when the plan for RECOVER_BELOW has allowed it for two seconds. A load that stays between the two changes
 * nothing. Without a device that is ready nothing is decided: requests end as `unavailable` by themselves.
 */
export function createLoadControl(parts: LoadControlParts, options: LoadControlOptions): LoadControl {
  return new Control(parts, options);
}

class Control implements LoadControl {
  readonly #parts: LoadControlParts;
  readonly #options: LoadControlOptions;
  readonly #metrics: SchedulerMetrics;
  readonly #streams: LoadStreams;
  readonly #reviewing: Repeating;
  #capacities: ReadonlyMap<string, ModelCapacity> = new Map();

  constructor(parts: LoadControlParts, options: LoadControlOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#metrics = parts.metrics ?? noMetrics;
    this.#streams = new LoadStreams((model) => options.lighter?.(model));
    this.#reviewing = every(parts.clock, REVIEW_MS, (nowMs) => this.#review(nowMs));
  }

  submit(request: InferenceRequest): void {
    // Calls from outside any session wait behind those of sessions, and so get what these leave: nothing gives way to them.
    if (request.encoding === 'tensors') return this.#pass(request);
    const nowMs = this.#parts.clock.nowMs();
    const stream = this.#streams.of(request, nowMs);
    const verdict = stream?.take(nowMs) ?? 'pass';
    switch (verdict) {
      case 'pass':
        return this.#pass(request);
      case 'lighter':
        return this.#pass({ ...request, model: stream?.lighterModel ?? request.model });
      case 'rate':
        return this.#shed(request, RATE);
      case 'overload':
        return this.#shed(request, OVERLOAD);
      default:
        return verdict satisfies never;
    }
  }

  forget(sessionId: string, slot: number): void {
    this.#streams.forget(sessionId, slot);
    this.#parts.next.forget(sessionId, slot);
  }

  close(): void {
    this.#reviewing.stop();
    this.#parts.next.close();
  }

  status(): LoadStatus {
    const { pool, watch } = this.#parts;
    const { policy } = this.#options;
    const readyCount = countReady(pool);
    const { profiles, tallies } = watch;
    return summariseLoad({ readyCount, streams: this.#streams, capacities: this.#capacities, profiles, tallies, policy });
  }

  #pass(request: InferenceRequest): void {
    this.#parts.watch.profiles.parent(request);
    this.#parts.next.submit(request);
  }

  #shed(request: InferenceRequest, outcome: RequestOutcome): void {
    this.#metrics.requestEnded(request, outcome);
    (request.onOutcome ?? this.#parts.onOutcome)(request, outcome);
  }

  #review(nowMs: number): void {
    const { pool, watch } = this.#parts;
    watch.profiles.fold();
    watch.tallies.fold(nowMs);
    this.#capacities = modelCapacities(pool.devices, this.#options.budgetMs, watch.typical);
    this.#streams.forgetSilent(nowMs);
    for (const stream of this.#streams) {
      stream.measure(nowMs);
      this.#weigh(stream);
    }
    const readyCount = countReady(pool);
    if (readyCount > 0) this.#decide(readyCount, nowMs);
  }

  #weigh(stream: LoadStream): void {
    const { task, model, lighterModel, demandHz } = stream;
    stream.fullLoad = demandHz * this.#costOf(task, model);
    if (!stream.canSlow) return;
    stream.halvedLoad = stream.fullLoad / 2;
    if (lighterModel !== undefined && this.#capacities.has(lighterModel)) stream.lighterLoad = (demandHz / 2) * this.#costOf(task, lighterModel);
    else delete stream.lighterLoad;
  }

  /** Devices for one request a second. */
  #costOf(task: string, model: string): number {
    let costMs = 0;
    for (const [stage, count] of this.#parts.watch.profiles.stagesOf(task, model)) costMs += count * (this.#capacities.get(stage)?.costMs ?? 0);
    return costMs / 1000;
  }

  #decide(readyCount: number, nowMs: number): void {
    const { tenantWeight } = this.#options;
    const least = planLoad(this.#streams, DEGRADE_ABOVE * readyCount, tenantWeight);
    const most = planLoad(this.#streams, RECOVER_BELOW * readyCount, tenantWeight);
    const changed = new Set<LoadStream>();
    for (const stream of this.#streams) {
      if (stream.follow(least.get(stream) ?? 'full', most.get(stream) ?? 'full', nowMs)) changed.add(stream);
    }
    this.#tell(changed);
  }

  /** A participant's camera and hands are each told of once, though several streams come of them. */
  #tell(changed: Set<LoadStream>): void {
    for (const stream of changed) {
      if (stream.paced === undefined) continue;
      const siblings = this.#streams.pacedWith(stream);
      const reason = siblings.every(({ level }) => level === 'full') ? 'recovered' : 'load';
      for (const other of siblings) changed.delete(other);
      const rateHz = Math.round(10 * Math.max(...siblings.map(({ allowedHz }) => allowedHz))) / 10;
      this.#parts.suggestPace(stream.origin, { stream: stream.paced, rateHz, reason });
    }
  }
}

function countReady({ devices }: DevicePool): number {
  return devices.filter(({ state }) => state === 'idle' || state === 'busy').length;
}
