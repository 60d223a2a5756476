/** One stream of requests as the load control sees it: what it asks for, and how it is looked at. */
import { isVideoTask } from '../../../core/tasks.ts';
import type { InferenceRequest, Origin, PaceSuggestion } from '../../flow.ts';
import { DecayedRate } from './decayed-rate.ts';
import { LOAD_LEVELS, type LoadLevel, type PlannedStream } from './plan-load.ts';

/** What becomes of a request. */
export type Verdict = 'pass' | 'lighter' | 'rate' | 'overload';

/** A step back needs room for so long; so long, too, a stream's rate is not judged by what it sends after a change. */
export const ROOM_MS = 2000;
/** A sender whose rate is below this share of what it was, or whose time between requests above its inverse, has slowed down. */
const SLOWED_SHARE = 0.75;

export interface LoadStreamOptions {
  readonly key: string;
  readonly request: InferenceRequest;
  readonly order: number;
  readonly lighterModel: string | undefined;
  readonly nowMs: number;
}

export class LoadStream implements PlannedStream {
  readonly key: string;
  readonly tenant: string;
  readonly priority: number;
  readonly order: number;
  readonly isLast: boolean;
  readonly task: string;
  readonly model: string;
  readonly lighterModel: string | undefined;
  readonly origin: Origin;
  /** What its sender knows it by; undefined where nobody can be told. */
  readonly paced: PaceSuggestion['stream'] | undefined;
  fullLoad = 0;
  halvedLoad?: number;
  lighterLoad?: number;
  /** What it would send if it were looked at in full, in hertz. */
  demandHz = 0;
  level: LoadLevel = 'full';
  seenMs: number;
  readonly #rate: DecayedRate;
  #demandAtChangeHz = 0;
  #changedMs = -Infinity;
  #roomSinceMs: number | undefined;
  #passedMs = -Infinity;
  #skipsNext = false;
  /** From the second request on: the first one begins the time. */
  #isCounting = false;

  constructor({ key, request, order, lighterModel, nowMs }: LoadStreamOptions) {
    this.key = key;
    this.order = order;
    this.tenant = request.tenant;
    this.priority = request.priority;
    this.task = request.task;
    this.model = request.model;
    this.lighterModel = lighterModel;
    this.origin = request.origin;
    this.isLast = isChat(request);
    this.paced = pacedAs(request);
    this.seenMs = nowMs;
    this.#rate = new DecayedRate(nowMs);
  }

  /** Chat lines are each of their own. */
  get canSlow(): boolean {
    return this.paced !== undefined;
  }

  /** Counts a request and says what becomes of it. */
  take(nowMs: number): Verdict {
    if (this.#isCounting) this.#rate.add(nowMs);
    this.#isCounting = true;
    this.seenMs = nowMs;
    if (this.level === 'full') {
      this.#passedMs = nowMs;
      return 'pass';
    }
    if (this.level === 'refused') return 'overload';
    const isSkipped = this.#skipsNext && nowMs - this.#passedMs < (SLOWED_SHARE * 2000) / this.demandHz;
    this.#skipsNext = !isSkipped;
    if (isSkipped) return 'rate';
    this.#passedMs = nowMs;
    return this.level === 'lighter' ? 'lighter' : 'pass';
  }

  /**
   * Estimates what it asks for. A sender that was told to slow down and does so still asks for the rate it had, else
   * there would seem to be room as soon as it obeys; a refused one asks for it even while it is silent.
   */
  measure(nowMs: number): void {
    const sentHz = this.#rate.fold(nowMs);
    this.demandHz = Math.max(sentHz, this.#rememberedHz(nowMs, sentHz));
  }

  #rememberedHz(nowMs: number, sentHz: number): number {
    if (nowMs - this.#changedMs < ROOM_MS) return this.#demandAtChangeHz;
    if (this.level === 'full' || this.paced === undefined) return 0;
    if (this.level === 'refused') return this.#demandAtChangeHz;
    // One that still sends at nearly its former rate was not told, or does not care, and needs no guess.
    return sentHz > SLOWED_SHARE * this.#demandAtChangeHz ? 0 : Math.min(this.#demandAtChangeHz, 2 * sentHz);
  }

  /**
   * Moves to where two plans allow: at once to what the looser one demands, and one step back when the stricter one has
   * allowed more than the present for ROOM_MS.
   *
   * @returns whether anything changed.
   */
  follow(least: LoadLevel, most: LoadLevel, nowMs: number): boolean {
    const now = LOAD_LEVELS.indexOf(this.level);
    if (now < LOAD_LEVELS.indexOf(least)) return this.#change(least, nowMs);
    if (now <= LOAD_LEVELS.indexOf(most)) this.#roomSinceMs = undefined;
    else this.#roomSinceMs ??= nowMs;
    if (this.#roomSinceMs === undefined || nowMs - this.#roomSinceMs < ROOM_MS) return false;
    const back = this.#levelBefore();
    return this.#change(LOAD_LEVELS.indexOf(back) < LOAD_LEVELS.indexOf(least) ? least : back, nowMs);
  }

  /** How many requests a second it may have looked at. */
  get allowedHz(): number {
    if (this.level === 'full') return this.demandHz;
    return this.level === 'refused' ? 0 : this.demandHz / 2;
  }

  #levelBefore(): LoadLevel {
    if (this.level === 'refused' && this.lighterLoad !== undefined) return 'lighter';
    return this.level !== 'halved' && this.canSlow ? 'halved' : 'full';
  }

  #change(level: LoadLevel, nowMs: number): true {
    // Streams that are halved together take turns, else the devices would idle every other time.
    if (this.level === 'full' || this.level === 'refused') this.#skipsNext = this.order % 2 === 1;
    this.level = level;
    this.#changedMs = nowMs;
    this.#demandAtChangeHz = this.demandHz;
    this.#roomSinceMs = undefined;
    return true;
  }
}

/** A sender's chat lines are one stream. */
export function streamKey(request: InferenceRequest): string {
  return isChat(request) ? `chat ${request.origin.sessionId} ${request.origin.slot}` : request.streamId;
}

function isChat({ task }: InferenceRequest): boolean {
  return task === 'language';
}

function pacedAs({ task }: InferenceRequest): PaceSuggestion['stream'] | undefined {
  if (task === 'gesture') return 'hands';
  return isVideoTask(task) ? 'camera' : undefined;
}
