/** What the server could do, is asked for and does, by model: costs and limits as they are learnt. */
import type { LoadStream } from './load/load-stream.ts';
import type { ModelTallies } from './load/model-tallies.ts';
import { loadAt, type LoadLevel } from './load/plan-load.ts';
import type { ModelCapacity, TaskProfiles } from './load/request-costs.ts';

/**
 * One model. A device that several models share counts whole for each of them: the limits say what a model could
 * reach if it had its devices to itself, and `load` says how much of them it is asked for.
 */
export interface ModelStatus {
  readonly model: string;
  /** Those that its requests are for. */
  readonly tasks: readonly string[];
  /** Those that gave results lately. */
  readonly versions: readonly string[];
  readonly policy: string;
  /** Ready devices that run it in time. */
  readonly devices: number;
  /** l(b), the p99 of a batch, on the first of them. */
  readonly latencyMs: readonly { readonly size: number; readonly ms: number }[];
  /** b* */
  readonly batchCap: number;
  /** D, from a request's arrival to its deadline; 0 without a device. */
  readonly budgetMs: number;
  readonly evenHz: number;
  readonly executionHz: number;
  /** What the streams would send if all were looked at in full, the steps of pipelines included. */
  readonly offeredHz: number;
  /** In devices. */
  readonly offeredLoad: number;
  /** Results in time a second. */
  readonly goodputHz: number;
  /** Goodput by T_even and by T_exec, 0..1; 0 without a device. */
  readonly evenShare: number;
  readonly executionShare: number;
  /** How the streams that ask for it are looked at. */
  readonly streams: Readonly<Record<LoadLevel, number>>;
}

export interface LoadStatus {
  /** Ready devices. */
  readonly devices: number;
  /** What the streams ask for, and what they are let have, in devices. */
  readonly offeredLoad: number;
  readonly admittedLoad: number;
  readonly streams: Readonly<Record<LoadLevel, number>>;
  readonly models: readonly ModelStatus[];
}

export interface LoadFacts {
  readonly readyCount: number;
  readonly streams: Iterable<LoadStream>;
  readonly capacities: ReadonlyMap<string, ModelCapacity>;
  readonly profiles: TaskProfiles;
  readonly tallies: ModelTallies;
  readonly policy: string | undefined;
}

const NO_LIMIT = { goodputHz: 0, batchSize: 0 };

/** @bound O(streams · models of a task). */
export function summariseLoad(facts: LoadFacts): LoadStatus {
  const all = [...facts.streams];
  const models = new Set([...facts.capacities.keys(), ...facts.tallies.models]);
  const offered = offeredByModel(all, facts.profiles);
  return {
    devices: facts.readyCount,
    offeredLoad: all.reduce((sum, { fullLoad }) => sum + fullLoad, 0),
    admittedLoad: all.reduce((sum, stream) => sum + loadAt(stream, stream.level), 0),
    streams: countLevels(all),
    models: [...models].sort().map((model) => summariseModel(model, offered.get(model) ?? 0, all, facts)),
  };
}

function summariseModel(model: string, offeredHz: number, streams: readonly LoadStream[], facts: LoadFacts): ModelStatus {
  const capacity = facts.capacities.get(model);
  const { goodputHz, tasks, versions } = facts.tallies.of(model);
  const { even = NO_LIMIT, execution = NO_LIMIT } = capacity ?? {};
  return {
    model,
    tasks,
    versions,
    policy: facts.policy ?? 'auto',
    devices: capacity?.deviceCount ?? 0,
    latencyMs: capacity === undefined ? [] : sizesOf(capacity).map((size) => ({ size, ms: capacity.table.latencyMs(size) })),
    batchCap: capacity?.cap ?? 0,
    budgetMs: capacity?.budgetMs ?? 0,
    evenHz: even.goodputHz,
    executionHz: execution.goodputHz,
    offeredHz,
    offeredLoad: (offeredHz * (capacity?.costMs ?? 0)) / 1000,
    goodputHz,
    evenShare: shareOf(goodputHz, even.goodputHz),
    executionShare: shareOf(goodputHz, execution.goodputHz),
    streams: countLevels(streams.filter((stream) => stream.model === model)),
  };
}

function offeredByModel(streams: readonly LoadStream[], profiles: TaskProfiles): Map<string, number> {
  const offered = new Map<string, number>();
  for (const { task, model, demandHz } of streams) {
    for (const [stage, count] of profiles.stagesOf(task, model)) offered.set(stage, (offered.get(stage) ?? 0) + demandHz * count);
  }
  return offered;
}

function countLevels(streams: readonly LoadStream[]): Record<LoadLevel, number> {
  const counts: Record<LoadLevel, number> = { full: 0, halved: 0, lighter: 0, refused: 0 };
  for (const { level } of streams) counts[level]++;
  return counts;
}

/** 1, 2, 4, ... and b*. */
function sizesOf({ table, cap }: ModelCapacity): number[] {
  const sizes = new Set([cap]);
  for (let size = 1; size <= table.maxBatchSize; size *= 2) sizes.add(size);
  return [...sizes].sort((one, other) => one - other);
}

function shareOf(rate: number, limit: number): number {
  return limit > 0 ? rate / limit : 0;
}
