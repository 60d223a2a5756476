/** What came of the requests of each model, lately. */
import type { Clock } from '../../../core/clock.ts';
import type { InferenceRequest, RequestOutcome } from '../../flow.ts';
import { DecayedRate } from './decayed-rate.ts';

interface Tally {
  readonly tasks: Set<string>;
  readonly done: DecayedRate;
  /** When each version last gave a result. */
  readonly versions: Map<string, number>;
}

/** A version that has given nothing for so long is taken for replaced. */
const VERSION_MEMORY_MS = 10_000;

/** @bound one entry for each model. */
export class ModelTallies {
  readonly #clock: Clock;
  readonly #models = new Map<string, Tally>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get models(): Iterable<string> {
    return this.#models.keys();
  }

  ended({ model, task }: InferenceRequest, outcome: RequestOutcome): void {
    const nowMs = this.#clock.nowMs();
    let tally = this.#models.get(model);
    if (tally === undefined) this.#models.set(model, (tally = { tasks: new Set(), done: new DecayedRate(nowMs), versions: new Map() }));
    tally.tasks.add(task);
    if (outcome.kind !== 'done') return;
    tally.done.add(nowMs);
    tally.versions.set(outcome.batch.modelVersion, nowMs);
  }

  fold(nowMs: number): void {
    for (const { done, versions } of this.#models.values()) {
      done.fold(nowMs);
      for (const [version, atMs] of versions) if (versions.size > 1 && nowMs - atMs > VERSION_MEMORY_MS) versions.delete(version);
    }
  }

  /** Results in time a second, what for, and by which versions. */
  of(model: string): { readonly goodputHz: number; readonly tasks: readonly string[]; readonly versions: readonly string[] } {
    const tally = this.#models.get(model);
    return { goodputHz: tally?.done.hz ?? 0, tasks: [...(tally?.tasks ?? [])], versions: [...(tally?.versions.keys() ?? [])] };
  }
}
