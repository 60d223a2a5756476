/** Runs two versions of a model over the same inputs: how far they agree, who changes their mind, how long each takes. */
import type { Clock } from '../../core/clock.ts';
import { ownValue } from '../../core/own-value.ts';
import type { ItemOutcome } from '../flow.ts';
import { saidOf } from '../model/look-counter.ts';
import type { Runner } from '../model/runner.ts';
import type { TaskItem } from '../model/task/adapter.ts';
import { agreement } from '../rollout/agreement.ts';

/** An answer that another version gives otherwise. */
export interface Flip {
  readonly from: string;
  readonly to: string;
  readonly count: number;
}

/** What was seen of one version. */
export interface VersionRun {
  readonly version: string;
  readonly answered: number;
  /** By code. */
  readonly failed: Readonly<Record<string, number>>;
  /** By label; none for what has none. */
  readonly labels: Readonly<Record<string, number>>;
  readonly meanConfidence: number;
  /** Of single inputs, from payload to result in one process. */
  readonly latencyMs: { readonly median: number; readonly p99: number };
}

export interface ShadowReport {
  readonly inputs: number;
  /** Inputs that both have answered and that can be compared. */
  readonly compared: number;
  /** The mean of what rollouts compare, 0..1; of labels the share that is the same. */
  readonly agreement: number;
  readonly flips: readonly Flip[];
  readonly a: VersionRun;
  readonly b: VersionRun;
}

export interface ShadowOptions {
  /** More are not looked at. */
  readonly maxInputs: number;
}

/** The first runs of a model are slower than all others. */
const WARM_UP_RUNS = 5;

export async function compareVersions(inputs: AsyncIterable<TaskItem>, runners: { readonly a: Runner; readonly b: Runner }, clock: Clock, { maxInputs }: ShadowOptions): Promise<ShadowReport> {
  const a = new Tally(runners.a, clock);
  const b = new Tally(runners.b, clock);
  for (let run = 0; run < WARM_UP_RUNS; run++) await Promise.all([runners.a.run([runners.a.sample(run)]), runners.b.run([runners.b.sample(run)])]);
  const flips = new Map<string, { from: string; to: string; count: number }>();
  let [count, compared, agreed] = [0, 0, 0];
  for await (const input of inputs) {
    if (count >= maxInputs) break;
    count++;
    // In turn who goes first, since the second finds the input in the processor's caches.
    const [first, second] = count % 2 === 0 ? [a, b] : [b, a];
    const [own, other] = [await first.run(input), await second.run(input)];
    const [said, saidByB] = first === a ? [own, other] : [other, own];
    if (said.kind !== 'done' || saidByB.kind !== 'done') continue;
    const score = agreement(said.value, saidByB.value);
    if (score === undefined) continue;
    compared++;
    agreed += score;
    const [from, to] = [saidOf(said.value).label, saidOf(saidByB.value).label];
    if (from === undefined || to === undefined || from === to) continue;
    const key = JSON.stringify([from, to]);
    flips.set(key, { from, to, count: (flips.get(key)?.count ?? 0) + 1 });
  }
  const ordered = [...flips.values()].sort((left, right) => right.count - left.count);
  return { inputs: count, compared, agreement: compared === 0 ? 0 : agreed / compared, flips: ordered, a: a.result, b: b.result };
}

/** Runs one version and counts. */
class Tally {
  readonly #runner: Runner;
  readonly #clock: Clock;
  readonly #times: number[] = [];
  readonly #failed: Record<string, number> = {};
  readonly #labels: Record<string, number> = {};
  #answered = 0;
  #confidence = 0;

  constructor(runner: Runner, clock: Clock) {
    this.#runner = runner;
    this.#clock = clock;
  }

  async run(input: TaskItem): Promise<ItemOutcome> {
    const startMs = this.#clock.nowMs();
    const [outcome = { kind: 'failed', code: 'MODEL_FAILED' } as const] = await this.#runner.run([input]);
    this.#times.push(this.#clock.nowMs() - startMs);
    if (outcome.kind === 'failed') {
      this.#failed[outcome.code] = (this.#failed[outcome.code] ?? 0) + 1;
      return outcome;
    }
    this.#answered++;
    const { label, confidence = 0 } = saidOf(outcome.value);
    this.#confidence += confidence;
    if (label !== undefined) this.#labels[label] = (ownValue(this.#labels, label) ?? 0) + 1;
    return outcome;
  }

  get result(): VersionRun {
    const times = [...this.#times].sort((left, right) => left - right);
    const at = (share: number): number => times[Math.max(0, Math.ceil(share * times.length) - 1)] ?? 0;
    return {
      version: this.#runner.manifest.version, answered: this.#answered, failed: this.#failed, labels: this.#labels,
      meanConfidence: this.#answered === 0 ? 0 : this.#confidence / this.#answered, latencyMs: { median: at(0.5), p99: at(0.99) },
    };
  }
}
