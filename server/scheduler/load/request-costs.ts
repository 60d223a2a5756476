/** What a request costs the devices: from their latency tables, and from the requests that a task turns out to be made of. */
import { evenLimit, executionLimit, type ServingLimit } from '../../../core/serving-limits.ts';
import type { Device, InferenceRequest, LatencyTable } from '../../flow.ts';
import { batchCap } from '../batch-cap.ts';
import type { TypicalTimes } from './typical-times.ts';

/** What the devices can do with one model. */
export interface ModelCapacity {
  /** Devices that run the model and are ready, each counted whole for every model that it runs. */
  readonly deviceCount: number;
  /** Of the first of them; they are taken to be alike where limits are asked for. */
  readonly table: LatencyTable;
  /** b* on it. */
  readonly cap: number;
  /** D: what is left of a request's deadline when it arrives. */
  readonly budgetMs: number;
  /** Milliseconds of a device for each request in batches of b*, as a rule; over the devices their harmonic mean. */
  readonly costMs: number;
  /** T_even and T_exec, had the model these devices to itself. */
  readonly even: ServingLimit;
  readonly execution: ServingLimit;
}

/** By model, what the ready devices can do; a model that none of them can run in time is not in it. */
export function modelCapacities(devices: readonly Device[], budgetMs: (model: string) => number, typical: Pick<TypicalTimes, 'shareOf'>): Map<string, ModelCapacity> {
  const tables = new Map<string, LatencyTable[]>();
  for (const { state, latency } of devices) {
    if (state !== 'idle' && state !== 'busy') continue;
    for (const [model, table] of latency) {
      if (table.maxBatchSize === 0 || table.latencyMs(1) > budgetMs(model)) continue;
      const others = tables.get(model);
      if (others === undefined) tables.set(model, [table]);
      else others.push(table);
    }
  }
  return new Map([...tables].map(([model, own]) => [model, capacityOf(own, budgetMs(model), typical.shareOf(model))]));
}

function capacityOf(tables: readonly LatencyTable[], budgetMs: number, typicalShare: number): ModelCapacity {
  const deviceCount = tables.length;
  const [table = { maxBatchSize: 0, latencyMs: () => Infinity }] = tables;
  let perMs = 0;
  for (const own of tables) {
    const cap = Math.max(1, batchCap(own, budgetMs, deviceCount));
    perMs += cap / own.latencyMs(cap);
  }
  const problem = { latencyMs: (size: number) => table.latencyMs(size), maxBatchSize: table.maxBatchSize, deviceCount, budgetMs };
  const cap = Math.max(1, batchCap(table, budgetMs, deviceCount));
  return { deviceCount, table, cap, budgetMs, costMs: (typicalShare * deviceCount) / perMs, even: evenLimit(problem), execution: executionLimit(problem) };
}

/** What was counted lately of one task that was asked of one model. */
interface Profile {
  parents: number;
  readonly stages: Map<string, number>;
}

/** Of what was counted, this share is left after a fold: what is under way is then little of it. */
const KEPT = 0.95;
/** With fewer requests than this to go by, nothing is forgotten. */
const MIN_PARENTS = 4;

/**
 * Of what requests each task consists, learnt from those that end: a pipeline's stages carry the task of the request that
 * they are for.
 *
 * @bound one number for each task and pair of models.
 */
export class TaskProfiles {
  readonly #profiles = new Map<string, Profile>();
  /** By task, the models that requests come with, the last one last. */
  readonly #asked = new Map<string, Set<string>>();

  /** A request was let through to the models. */
  parent({ task, model }: InferenceRequest): void {
    const key = `${task} ${model}`;
    const profile = this.#profiles.get(key);
    if (profile !== undefined) return void profile.parents++;
    this.#profiles.set(key, { parents: 1, stages: new Map() });
    this.#asked.set(task, (this.#asked.get(task) ?? new Set()).add(model));
  }

  /** A model's request ended. A model that nobody asks for is taken for a step of the task's first one. */
  stage({ task, model }: InferenceRequest): void {
    const asked = this.#asked.get(task);
    const [first] = asked ?? [];
    const stages = this.#profiles.get(`${task} ${asked?.has(model) === true ? model : first}`)?.stages;
    stages?.set(model, (stages.get(model) ?? 0) + 1);
  }

  fold(): void {
    for (const profile of this.#profiles.values()) {
      if (profile.parents < MIN_PARENTS) continue;
      profile.parents *= KEPT;
      for (const [model, count] of profile.stages) profile.stages.set(model, count * KEPT);
    }
  }

  /** By model, how many of its requests one request makes; as long as little is known, one of the model itself. */
  stagesOf(task: string, model: string): ReadonlyMap<string, number> {
    const profile = this.#profiles.get(`${task} ${model}`);
    const known = profile === undefined || profile.parents < MIN_PARENTS * KEPT || profile.stages.size === 0 ? undefined : profile;
    // A model that answers alone has one request for each, whatever is still under way.
    if (known === undefined || (known.stages.size === 1 && known.stages.has(model))) return new Map([[model, 1]]);
    return new Map([...known.stages].map(([stage, count]) => [stage, count / known.parents]));
  }
}
