/** What is counted of one model version in one window: of its inputs and answers, and of how its requests ended. */
import { ownValue } from '../../core/own-value.ts';
import type { InferenceRequest, RequestOutcome } from '../flow.ts';
import { SHADOW_TENANT, type Looks } from '../watch-flow.ts';
import { binOf, CONFIDENCE_EDGES } from '../../features/bins.ts';
import type { LookCounts, OutcomeCounts } from './judge.ts';
import type { KeptLooks, KeptOutcomes } from './watch-state.ts';

/** Who comes after so many others in a window is not sampled in it. */
const MAX_PEOPLE = 4096;
const MAX_STREAMS = 4 * MAX_PEOPLE;

export class LookWindow implements LookCounts {
  readonly sinceMs: number;
  samples = 0;
  columns = new Uint32Array(0);
  readonly confidence = new Uint32Array(CONFIDENCE_EDGES.length + 1);
  readonly labels: Record<string, number> = {};
  /** Kept for the window only: whom the samples are of, and when each stream gave one. */
  readonly #people = new Set<string>();
  readonly #streams = new Map<string, number>();
  readonly #peopleBefore: number;

  /** @param kept - of a window that an earlier server began; who was counted in it nobody knows any more. */
  constructor(sinceMs: number, kept?: KeptLooks) {
    this.sinceMs = sinceMs;
    this.#peopleBefore = kept?.people ?? 0;
    if (kept?.confidence.length !== this.confidence.length) return;
    this.samples = kept.samples;
    this.columns = Uint32Array.from(kept.columns);
    this.confidence.set(kept.confidence);
    Object.assign(this.labels, kept.labels);
  }

  /** Those from before a restart are likely to be here again, so they count once: too few people make no false alarm. */
  get people(): number {
    return Math.max(this.#peopleBefore, this.#people.size);
  }

  keep(nowMs: number): KeptLooks {
    return { ageMs: Math.max(0, nowMs - this.sinceMs), samples: this.samples, people: this.people, columns: [...this.columns], confidence: [...this.confidence], labels: { ...this.labels } };
  }

  /** Whether a stream may give a sample again; if so it is taken to give one. @bound O(1) */
  samplesStream({ streamId, origin }: InferenceRequest, nowMs: number, everyMs: number): boolean {
    const beforeMs = this.#streams.get(streamId);
    if (beforeMs !== undefined && nowMs - beforeMs < everyMs) return false;
    const person = `${origin.sessionId} ${origin.slot}`;
    if (beforeMs === undefined && (this.#streams.size >= MAX_STREAMS || (this.#people.size >= MAX_PEOPLE && !this.#people.has(person)))) return false;
    this.#streams.set(streamId, nowMs);
    this.#people.add(person);
    return true;
  }

  take(looks: Looks): void {
    this.samples += looks.samples;
    if (this.columns.length !== looks.columns.length) this.columns = new Uint32Array(looks.columns.length);
    addTo(this.columns, looks.columns);
    addTo(this.confidence, looks.confidence);
    for (const [label, count] of Object.entries(looks.labels)) this.labels[label] = (ownValue(this.labels, label) ?? 0) + count;
  }
}

/** Milliseconds from arrival to result. */
const LATENCY_EDGES_MS: readonly number[] = [1, 2, 3, 4, 5, 7, 10, 14, 20, 28, 40, 56, 80, 112, 160, 224, 320, 640, 1280, 2560];

export class OutcomeWindow implements OutcomeCounts {
  readonly sinceMs: number;
  answered = 0;
  failed = 0;
  late = 0;
  readonly #latency = new Uint32Array(LATENCY_EDGES_MS.length + 1);

  /** @param kept - of a window that an earlier server began. */
  constructor(sinceMs: number, kept?: KeptOutcomes) {
    this.sinceMs = sinceMs;
    if (kept?.latency.length !== this.#latency.length) return;
    [this.answered, this.failed, this.late] = [kept.answered, kept.failed, kept.late];
    this.#latency.set(kept.latency);
  }

  keep(nowMs: number): KeptOutcomes {
    return { ageMs: Math.max(0, nowMs - this.sinceMs), answered: this.answered, failed: this.failed, late: this.late, latency: [...this.#latency] };
  }

  get requests(): number {
    return this.answered + this.failed + this.late;
  }

  take({ tenant, arrivedMs }: InferenceRequest, outcome: RequestOutcome): void {
    if (outcome.kind === 'failed' || outcome.kind === 'unavailable') this.failed++;
    // What nobody waits for is late by design.
    if (tenant === SHADOW_TENANT) return;
    if (outcome.kind === 'expired') this.late++;
    if (outcome.kind !== 'done') return;
    this.answered++;
    this.#latency[binOf(LATENCY_EDGES_MS, outcome.batch.finishedMs - arrivedMs)]! += 1;
  }

  /** The edge that so large a share of the answers lies below, ms, of the slowest bin twice its lower one; undefined when there were none. */
  latencyMs(share: number): number | undefined {
    if (this.answered === 0) return undefined;
    let below = 0;
    const bin = this.#latency.findIndex((count) => (below += count) >= share * this.answered);
    return LATENCY_EDGES_MS[bin] ?? 2 * (LATENCY_EDGES_MS.at(-1) ?? 0);
  }
}

function addTo(sum: Uint32Array, added: Uint32Array): void {
  for (let at = 0; at < sum.length; at++) sum[at]! += added[at] ?? 0;
}
