/** One rollout: which requests the new version gets, what is seen of both, and what follows. */
import type { Clock } from '../../core/clock.ts';
import { seededRandom } from '../../core/random.ts';
import type { InferenceRequest, InferenceScheduler, ModelValue, OutcomeListener, RequestOutcome } from '../flow.ts';
import { SHADOW_TENANT } from '../watch-flow.ts';
import { agreement } from './agreement.ts';
import { isCanarySession } from './canary-share.ts';
import { planRollout, type RolloutDecision, type RolloutFigures, type RolloutRules } from './plan-rollout.ts';

export interface RolloutParts {
  readonly clock: Clock;
  /** Where requests go on to. */
  readonly next: () => InferenceScheduler;
  /** Hears how a request ended that names nobody itself. */
  readonly onOutcome: OutcomeListener;
  readonly nextId: () => number;
}

export interface RolloutOptions {
  readonly model: string;
  readonly version: string;
  /** What the pool calls the new version. */
  readonly canaryKey: string;
  readonly rules: RolloutRules;
}

interface Counts {
  answered: number;
  failed: number;
  late: number;
}

/** Requests that are answered by both versions are at most so many a second: each costs the devices twice. */
const COMPARED_PER_SECOND = 20;
const MAX_ALLOWANCE = 5;
/** How often it is looked at how many requests come. */
const COUNTED_MS = 250;
/** A comparison waits for nobody, and gives way to everything. */
const SHADOW_PRIORITY = 9;
const SHADOW_DEADLINE_MS = 2000;
const MAX_REMEMBERED_SESSIONS = 8192;

/** A step begins with nothing seen. */
export class Rollout {
  readonly options: RolloutOptions;
  readonly #parts: RolloutParts;
  readonly #salt: string;
  readonly #sessions = new Map<string, boolean>();
  #step = 0;
  #stepSinceMs: number;
  #canary: Counts = { answered: 0, failed: 0, late: 0 };
  #current: Counts = { answered: 0, failed: 0, late: 0 };
  #compared = 0;
  #agreed = 0;
  #shadowAllowance = 0;
  #shadowAtMs: number;
  /** Requests since `#countedAtMs`, and the share of them that is compared, by how many came before. */
  #counted = 0;
  #countedAtMs: number;
  #comparedShare = 0;
  readonly #chance = seededRandom(1);

  constructor(parts: RolloutParts, options: RolloutOptions) {
    this.#parts = parts;
    this.options = options;
    this.#stepSinceMs = parts.clock.nowMs();
    this.#shadowAtMs = this.#stepSinceMs;
    this.#countedAtMs = this.#stepSinceMs;
    this.#salt = `${options.model} ${options.version} ${parts.clock.wallMs()}`;
  }

  get step(): number {
    return this.#step;
  }

  /** Of sessions, now. */
  get percent(): number {
    return this.options.rules.steps[this.#step] ?? 0;
  }

  get figures(): RolloutFigures {
    return { canary: { ...this.#canary }, current: { ...this.#current }, compared: this.#compared, agreed: this.#agreed };
  }

  decide(): RolloutDecision {
    return planRollout(this.figures, this.options.rules, this.#step, this.#parts.clock.nowMs() - this.#stepSinceMs);
  }

  advance(step: number): void {
    this.#step = step;
    this.#stepSinceMs = this.#parts.clock.nowMs();
    this.#sessions.clear();
    this.#canary = { answered: 0, failed: 0, late: 0 };
    this.#current = { answered: 0, failed: 0, late: 0 };
    this.#compared = 0;
    this.#agreed = 0;
  }

  /** Takes a request for the model: gives it to the version that answers for its session, and some to both. */
  submit(request: InferenceRequest): void {
    const isCanary = this.#isCanary(request.origin.sessionId);
    const comparison = this.#mayCompare() ? new Comparison((score) => this.#compare(score)) : undefined;
    if (isCanary) this.#submitToCanary(request, comparison);
    else this.#submitToCurrent(request, comparison);
    if (comparison !== undefined) this.#submitShadow(request, isCanary ? request.model : this.options.canaryKey, comparison);
  }

  #isCanary(sessionId: string): boolean {
    let known = this.#sessions.get(sessionId);
    if (known === undefined) {
      if (this.#sessions.size >= MAX_REMEMBERED_SESSIONS) this.#sessions.clear();
      this.#sessions.set(sessionId, (known = isCanarySession(sessionId, this.#salt, this.percent)));
    }
    return known;
  }

  /** What the new version cannot answer the current one does, if there is time: nobody pays for the trial with an answer. */
  #submitToCanary(request: InferenceRequest, comparison: Comparison | undefined): void {
    const listener = request.onOutcome ?? this.#parts.onOutcome;
    const onOutcome: OutcomeListener = (_, outcome) => {
      count(this.#canary, outcome);
      comparison?.take(outcome);
      const isLost = outcome.kind === 'failed' || outcome.kind === 'unavailable';
      if (isLost && request.deadlineMs > this.#parts.clock.nowMs()) this.#parts.next().submit(request);
      else listener(request, outcome);
    };
    this.#parts.next().submit({ ...request, model: this.options.canaryKey, onOutcome });
  }

  #submitToCurrent(request: InferenceRequest, comparison: Comparison | undefined): void {
    const listener = request.onOutcome ?? this.#parts.onOutcome;
    const onOutcome: OutcomeListener = (_, outcome) => {
      count(this.#current, outcome);
      comparison?.take(outcome);
      listener(request, outcome);
    };
    this.#parts.next().submit({ ...request, onOutcome });
  }

  /** Shown to nobody. What it says of failing counts for the new version, what it says of coming late for nobody: it waits behind all others. */
  #submitShadow(request: InferenceRequest, model: string, comparison: Comparison): void {
    const onOutcome: OutcomeListener = (_, outcome) => {
      if (model === this.options.canaryKey && (outcome.kind === 'failed' || outcome.kind === 'done')) count(this.#canary, outcome);
      comparison.take(outcome);
    };
    const shadow = { id: this.#parts.nextId(), model, streamId: `shadow ${request.streamId}`, tenant: SHADOW_TENANT, priority: SHADOW_PRIORITY, deadlineMs: this.#parts.clock.nowMs() + SHADOW_DEADLINE_MS };
    this.#parts.next().submit({ ...request, ...shadow, onOutcome });
  }

  /**
   * The problem: headsets send together, at ticks. Whoever takes the first request for which there is room takes the same hand of the same
   * person again and again, and a trial is judged by one person. So each request has the same chance.
   */
  #mayCompare(): boolean {
    const nowMs = this.#parts.clock.nowMs();
    this.#shadowAllowance = Math.min(MAX_ALLOWANCE, this.#shadowAllowance + ((nowMs - this.#shadowAtMs) / 1000) * COMPARED_PER_SECOND);
    this.#shadowAtMs = nowMs;
    this.#counted++;
    const countedMs = nowMs - this.#countedAtMs;
    if (countedMs >= COUNTED_MS) {
      this.#comparedShare = ((countedMs / 1000) * COMPARED_PER_SECOND) / this.#counted;
      this.#countedAtMs = nowMs;
      this.#counted = 0;
    }
    if (this.#shadowAllowance < 1 || this.#chance.next() >= this.#comparedShare) return false;
    this.#shadowAllowance--;
    return true;
  }

  #compare(score: number): void {
    this.#compared++;
    this.#agreed += score;
  }
}

/** Waits for what both versions say of one input. */
class Comparison {
  readonly #done: (score: number) => void;
  #first: ModelValue | undefined;

  constructor(done: (score: number) => void) {
    this.#done = done;
  }

  take(outcome: RequestOutcome): void {
    if (outcome.kind !== 'done') return;
    if (this.#first === undefined) {
      this.#first = outcome.value;
      return;
    }
    const score = agreement(this.#first, outcome.value);
    if (score !== undefined) this.#done(score);
  }
}

/** What was superseded or shed says nothing of a version. */
function count(counts: Counts, outcome: RequestOutcome): void {
  if (outcome.kind === 'done') counts.answered++;
  else if (outcome.kind === 'failed' || outcome.kind === 'unavailable') counts.failed++;
  else if (outcome.kind === 'expired') counts.late++;
}
