/** A load control with the real scheduler behind it, simulated devices, and streams that send on a clock that the test moves. */
import { ManualClock, type Timer } from '../../../../core/clock.ts';
import { seededRandom, type Random } from '../../../../core/random.ts';
import type { Batch, InferenceRequest, LatencyTable, Origin, PaceSuggestion, RequestOutcome } from '../../../../server/flow.ts';
import { createLoadControl, LoadWatch, type LoadControl, type LoadControlOptions } from '../../../../server/scheduler/load/load-control.ts';
import { noMetrics } from '../../../../server/scheduler/metrics.ts';
import { createScheduler } from '../../../../server/scheduler/scheduler.ts';
import { SimulatedDevice, SimulatedPool, latencyTable } from '../../../support/simulated-device.ts';

export const BUDGET_MS = 40;
/** b* with one device is 32 at 18 ms, so that a request costs 0.56 ms. */
export const TABLE = latencyTable(32, (size) => 2 + 0.5 * size);

/** Each request comes later than on its stream's grid by up to so much. */
const JITTER_MS = 8;

export interface StreamSpec {
  readonly tenant?: string;
  readonly rateHz?: number;
  readonly model?: string;
  readonly task?: InferenceRequest['task'];
  readonly priority?: number;
  readonly encoding?: InferenceRequest['encoding'];
  /** Slows down when told to. */
  readonly obeys?: boolean;
}

/** One that sends until it is stopped. */
export interface Sender {
  readonly slot: number;
  readonly tenant: string;
  rateHz: number;
  submitted: number;
  readonly outcomes: Map<string, number>;
  readonly told: PaceSuggestion[];
  stop(): void;
}

export interface Ended {
  readonly request: InferenceRequest;
  readonly outcome: RequestOutcome;
  readonly atMs: number;
}

export interface LoadWorldOptions extends Omit<LoadControlOptions, 'budgetMs'> {
  readonly deviceCount?: number;
  readonly latency?: ReadonlyMap<string, LatencyTable>;
  readonly runMs?: (batch: Batch) => number;
}

export class LoadWorld {
  readonly clock = new ManualClock();
  readonly pool: SimulatedPool;
  readonly control: LoadControl;
  readonly ended: Ended[] = [];
  readonly senders: Sender[] = [];
  readonly #random: Random = seededRandom(7);
  #id = 0;

  constructor(options: LoadWorldOptions = {}) {
    const { clock } = this;
    const { deviceCount = 1, latency = new Map([['m', TABLE]]), runMs, ...control } = options;
    const devices = Array.from({ length: deviceCount }, (_, at) => new SimulatedDevice({ clock, id: `device-${at}`, latency, ...(runMs === undefined ? {} : { runMs }) }));
    const pool = (this.pool = new SimulatedPool(devices));
    const watch = new LoadWatch(clock, pool, noMetrics);
    const onOutcome = (request: InferenceRequest, outcome: RequestOutcome): void => this.#end(request, outcome);
    const budgetMs = (): number => BUDGET_MS;
    const next = createScheduler({ clock, pool, onOutcome, metrics: watch.metrics }, { queueCapacity: 4096, budgetMs });
    const suggestPace = (origin: Origin, suggestion: PaceSuggestion): void => this.#suggest(origin, suggestion);
    this.control = createLoadControl({ clock, pool, next, onOutcome, suggestPace, watch }, { budgetMs, ...control });
  }

  /** A stream that begins now, at a phase of its own. */
  start({ tenant = 'all', rateHz = 30, model = 'm', task = 'body-pose', priority = 1, encoding = 'task', obeys = false }: StreamSpec = {}): Sender {
    const slot = this.senders.length;
    let dueMs = this.clock.nowMs() + (this.#random.next() * 1000) / rateHz;
    const sendLater = (): Timer => this.clock.schedule(Math.max(0, dueMs + JITTER_MS * this.#random.next() - this.clock.nowMs()), () => send());
    let timer = sendLater();
    const sender: Sender & { obeys: boolean } = { slot, tenant, rateHz, submitted: 0, outcomes: new Map(), told: [], obeys, stop: () => timer.cancel() };
    const send = (): void => {
      const nowMs = this.clock.nowMs();
      sender.submitted++;
      dueMs += 1000 / sender.rateHz;
      timer = sendLater();
      this.control.submit({
        id: this.#id++, task, model, streamId: task === 'language' ? `${slot}/${this.#id}` : `stream-${slot}`, origin: { sessionId: 'session', slot, part: '' },
        payload: new Uint8Array(0), encoding, tenant, captureMs: nowMs, arrivedMs: nowMs, deadlineMs: nowMs + BUDGET_MS, priority,
      });
    };
    this.senders.push(sender);
    return sender;
  }

  startMany(count: number, spec: StreamSpec = {}): Sender[] {
    return Array.from({ length: count }, () => this.start(spec));
  }

  advance(deltaMs: number): Promise<void> {
    return this.clock.advanceAsync(deltaMs);
  }

  /** What was counted during some time from now on, by sender and how requests ended. */
  async during(deltaMs: number): Promise<{ readonly doneHz: number; count: (sender: Sender, ...kinds: readonly string[]) => number }> {
    for (const { outcomes } of this.senders) outcomes.clear();
    await this.advance(deltaMs);
    const snapshot = new Map(this.senders.map((sender) => [sender, new Map(sender.outcomes)]));
    const count = (sender: Sender, ...kinds: readonly string[]): number => {
      const counts = snapshot.get(sender) ?? new Map<string, number>();
      return [...counts].reduce((sum, [kind, of]) => sum + (kinds.length === 0 || kinds.includes(kind) ? of : 0), 0);
    };
    const done = this.senders.reduce((sum, sender) => sum + count(sender, 'done'), 0);
    return { doneHz: (1000 * done) / deltaMs, count };
  }

  #end(request: InferenceRequest, outcome: RequestOutcome): void {
    this.ended.push({ request, outcome, atMs: this.clock.nowMs() });
    const { outcomes } = this.senders[request.origin.slot] ?? {};
    const kind = outcome.kind === 'shed' ? outcome.reason : outcome.kind;
    outcomes?.set(kind, (outcomes.get(kind) ?? 0) + 1);
  }

  #suggest({ slot }: Origin, suggestion: PaceSuggestion): void {
    const sender = this.senders[slot] as (Sender & { obeys: boolean }) | undefined;
    sender?.told.push(suggestion);
    if (sender?.obeys === true && suggestion.rateHz > 0) sender.rateHz = suggestion.rateHz;
  }
}
