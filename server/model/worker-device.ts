/** One device: a worker process that is started, measured, given batches, watched and started again. */
import { every, type Clock, type Repeating, type Timer } from '../../core/clock.ts';
import { CopresenceError } from '../../core/errors.ts';
import type { Batch, BatchOutcome, Device, DeviceState, InferenceRequest, LatencyTable } from '../flow.ts';
import { nameOfKey } from './model-key.ts';
import { LatencyDrift } from './latency-drift.ts';
import { scaleTable, toLatencyTable } from './latency-table.ts';
import type { LatencyPoint, SweepLimits } from './latency-table.ts';
import { capTable, MemoryCap } from './memory-cap.ts';
import { foundNoMemory, runSmaller } from './smaller-batches.ts';
import type { TaskItem } from './task/adapter.ts';
import { measure, warmUp } from './sweep.ts';
import { runSamples } from './run-samples.ts';
import type { LookTaker } from '../watch-flow.ts';
import { Watchdog } from './watchdog.ts';
import { WorkerLink } from './worker-link.ts';
import type { RunAnswer } from './worker-link.ts';
import type { LoadMessage, LoadedModel, ModelToLoad } from './worker-messages.ts';

/** Where facts go; a `pino` logger is one. Never a payload or a result. */
export interface ModelLog {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
}

export interface WorkerDeviceParts {
  readonly clock: Clock;
  readonly log: ModelLog | undefined;
  /** Takes what the worker counted of the inputs that it wants looked at. */
  readonly looks: LookTaker | undefined;
  /** Called when the state changes, other than between `idle` and `busy`, and when the costs change. */
  readonly onChange: () => void;
}

export interface WorkerDeviceOptions {
  readonly id: string;
  readonly load: LoadMessage;
  /** By model: batches that take longer are of no use. */
  readonly deadlineMs: ReadonlyMap<string, number>;
  /** A batch is given at least so long before its worker counts as hung, until it is known how long batches take. */
  readonly watchdogFloorMs: number;
  /** How often a model that is too slow for its deadline is tried on a sample. */
  readonly probeMs: number;
}

type Status =
  | { readonly state: 'starting'; readonly link: WorkerLink }
  | { readonly state: 'idle'; readonly link: WorkerLink }
  | { readonly state: 'busy'; readonly link: WorkerLink }
  | { readonly state: 'down'; readonly restart: Timer | undefined };

/** What is known of a model once it was measured; outlives the worker. */
interface MeasuredModel {
  readonly loaded: LoadedModel;
  readonly measured: LatencyTable;
  readonly drift: LatencyDrift;
  readonly watchdog: Watchdog;
  readonly cap: MemoryCap;
  /** When it last ran, a batch or a sample. */
  lastRunMs: number;
}

/** The first restart is at once, since most deaths are singular; then ever later, so that a broken model is no fork bomb. */
const RESTART_DELAYS_MS = [0, 500, 1000, 2000, 5000, 10_000] as const;
/** A worker that served so long starts the delays anew. */
const STABLE_MS = 30_000;
/** Deaths on a batch may be the steps of a search for an input that kills; each is followed by a restart at once, up to so many in a row. */
const MAX_SEARCH_DEATHS = 24;
/** Loading may convert a graph and, on a GPU, compile kernels. */
const LOAD_LIMIT_MS = 120_000;

export class WorkerDevice implements Device {
  readonly id: string;
  readonly latency = new Map<string, LatencyTable>();
  readonly faults = { deaths: 0, outOfMemory: 0 };
  readonly #parts: WorkerDeviceParts;
  readonly #options: WorkerDeviceOptions;
  #models: ReadonlyMap<string, MeasuredModel> = new Map();
  #status: Status = { state: 'down', restart: undefined };
  #closed = false;
  #deathsInARow = 0;
  #servingSinceMs = 0;
  #wanted: readonly ModelToLoad[];
  /** A worker that is to take the place of the one that serves, between two batches. */
  #successor: { readonly link: WorkerLink; readonly models: ReadonlyMap<string, MeasuredModel>; readonly installed: () => void } | undefined;
  #probing: Repeating | undefined;

  constructor(parts: WorkerDeviceParts, options: WorkerDeviceOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#wanted = options.load.models;
    this.id = options.id;
  }

  /** What it is to serve, also after a restart. */
  get wanted(): readonly ModelToLoad[] {
    return this.#wanted;
  }

  get state(): DeviceState {
    return this.#status.state;
  }

  /** The process that serves it now; undefined while it is down. */
  get pid(): number | undefined {
    return this.#status.state === 'down' ? undefined : this.#status.link.pid;
  }

  /** The models as they were loaded last. */
  get models(): readonly LoadedModel[] {
    return [...this.#models.values()].map(({ loaded }) => loaded);
  }

  /**
   * Starts the worker, loads and measures its models; afterwards the device starts again by itself.
   *
   * @throws CopresenceError with the code of the model that was refused, or WORKER_FAILED.
   */
  async start(): Promise<void> {
    const link = new WorkerLink(this.#parts.clock);
    this.#change({ state: 'starting', link });
    try {
      this.#install(await this.#load(link, this.#wanted));
    } catch (error) {
      link.kill('start-up failed');
      await link.ended;
      this.#change({ state: 'down', restart: undefined });
      throw error;
    }
    this.#watch(link);
    this.#probing ??= every(this.#parts.clock, this.#options.probeMs, () => void this.#probe());
    this.#change({ state: 'idle', link });
    this.#succeed();
  }

  /**
   * Serves other models from now on: a new worker loads them, measures those that are new, and takes over between two
   * batches. So nothing that waits is lost, and nothing of an old version stays in memory. One call at a time.
   *
   * @throws CopresenceError as `start`; the worker that serves goes on then.
   */
  async serve(models: readonly ModelToLoad[]): Promise<void> {
    const link = new WorkerLink(this.#parts.clock);
    try {
      const measured = await this.#load(link, models);
      if (this.#closed) throw new CopresenceError('WORKER_FAILED', 'the pool was closed');
      await new Promise<void>((installed) => {
        this.#successor = { link, models: measured, installed };
        this.#wanted = models.map((model) => ({ ...model, version: measured.get(model.key)?.loaded.version }));
        this.#succeed();
      });
    } catch (error) {
      link.kill('it was not to serve');
      await link.ended;
      throw error;
    }
  }

  run(batch: Batch): Promise<BatchOutcome> {
    const status = this.#status;
    const model = this.#models.get(batch.model);
    if (status.state !== 'idle' || model === undefined) throw new Error(`bug: device ${this.id} is ${status.state} and cannot run ${batch.model}`);
    this.#status = { state: 'busy', link: status.link };
    return this.#run(status.link, model, batch);
  }

  /** Ends the worker for good; a batch that it works on is lost. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#probing?.stop();
    this.#successor?.link.kill('closed');
    if (this.#status.state === 'down') this.#status.restart?.cancel();
    else await this.#status.link.close();
  }

  async #run(link: WorkerLink, model: MeasuredModel, batch: Batch): Promise<BatchOutcome> {
    const { requests } = batch;
    const first = await this.#attempt(link, model, requests);
    const answer = first.kind === 'done' && first.items.some(foundNoMemory) ? await this.#runSmaller(link, model, requests, first) : first;
    if (answer.kind === 'lost') {
      // By then the device is down, as whoever hears of the loss expects.
      await link.ended;
      return answer;
    }
    if (this.#status.state === 'busy') this.#status = { state: 'idle', link };
    this.#succeed();
    if (model.cap.grow(this.#parts.clock.nowMs())) this.#publish(model, 'batch cap raised');
    return { kind: 'done', items: answer.items, runMs: answer.runMs, modelVersion: model.loaded.version };
  }

  async #attempt(link: WorkerLink, model: MeasuredModel, requests: readonly InferenceRequest[]): Promise<RunAnswer> {
    const { clock, looks } = this.#parts;
    const { loaded, measured, drift, watchdog } = model;
    const expectedMs = measured.latencyMs(Math.min(requests.length, measured.maxBatchSize));
    const startMs = clock.nowMs();
    const message = { kind: 'run', model: loaded.key, items: requests.map((request) => toItem(request, looks?.wants(request) === true)), deadlineInMs: usefulForMs(requests, startMs) } as const;
    const answer = await link.run(message, watchdog.limitMs(expectedMs, drift.factor));
    if (answer.kind === 'done' && answer.looks !== undefined) looks?.take(loaded, answer.looks);
    // Without memory nothing was computed, which says nothing of how long it takes.
    if (answer.kind === 'done' && !answer.items.some(foundNoMemory)) this.#observe(model, (clock.nowMs() - startMs) / expectedMs);
    return answer;
  }

  /** Rebuilds the model, halves its batches and runs them again; the second time within a minute the worker starts anew. */
  async #runSmaller(link: WorkerLink, model: MeasuredModel, requests: readonly InferenceRequest[], first: Extract<RunAnswer, { kind: 'done' }>): Promise<RunAnswer> {
    const { clock } = this.#parts;
    const isRelapse = model.cap.isRelapse(clock.nowMs());
    this.faults.outOfMemory++;
    const answer = await runSmaller(requests, first, {
      cap: model.cap,
      nowMs: () => clock.nowMs(),
      latencyMs: (size) => model.measured.latencyMs(size) * model.drift.factor,
      run: (some) => this.#attempt(link, model, some),
      rebuild: () => link.rebuild(model.loaded.key, LOAD_LIMIT_MS),
    });
    this.#publish(model, 'out of memory');
    if (answer.kind === 'lost' || !isRelapse) return answer;
    link.kill('out of memory again');
    await link.ended;
    return answer;
  }

  #observe(model: MeasuredModel, ratio: number): void {
    model.watchdog.observe(ratio);
    model.lastRunMs = this.#parts.clock.nowMs();
    if (model.drift.observe(this.#parts.clock.nowMs(), ratio)) this.#publish(model, 'batch latency changed');
  }

  /** Tells the scheduler, and the log, what batches of a model may be and cost from now on. */
  #publish(model: MeasuredModel, message: string): void {
    const { loaded, measured, drift, cap } = model;
    if (this.#models.get(loaded.key) !== model) return;
    this.latency.set(loaded.key, capTable(scaleTable(measured, drift.factor), cap.size));
    this.#parts.log?.info({ deviceId: this.id, model: loaded.key, factor: drift.factor, maxBatchSize: cap.size }, message);
    this.#parts.onChange();
  }

  /**
   * Tries a model on a sample that is taken to be slower than it was measured and has had no batch since the last time.
   *
   * It may be taken for too slow for its deadline, or its stage of one, and then gets no batches: nothing would ever show
   * that the machine is no longer busy with something else.
   */
  async #probe(): Promise<void> {
    const status = this.#status;
    if (status.state !== 'idle') return;
    const nowBeforeMs = this.#parts.clock.nowMs();
    const model = [...this.#models.values()].find((each) => this.#isTakenForSlow(each) && nowBeforeMs - each.lastRunMs >= this.#options.probeMs);
    if (model === undefined) return;
    model.lastRunMs = nowBeforeMs;
    this.#change({ state: 'busy', link: status.link });
    const startMs = this.#parts.clock.nowMs();
    try {
      await runSamples(status.link, model.loaded, 1);
    } catch {
      // The worker's end is seen elsewhere; a sample that fails leaves the model as slow as it was.
      return this.#endProbe(status.link);
    }
    const nowMs = this.#parts.clock.nowMs();
    const ratio = (nowMs - startMs) / model.measured.latencyMs(1);
    if (ratio < model.drift.factor) {
      model.drift.restart(nowMs, ratio);
      this.#publish(model, 'faster again');
    }
    this.#endProbe(status.link);
  }

  #isTakenForSlow({ loaded, drift, measured }: MeasuredModel): boolean {
    return drift.factor > 1 || drift.factor * measured.latencyMs(1) > this.#deadlineMs(loaded.key);
  }

  #endProbe(link: WorkerLink): void {
    if (this.#status.state === 'busy' && this.#status.link === link) this.#change({ state: 'idle', link });
    this.#succeed();
  }

  /** Puts the successor in place, where there is one and no batch is on its way. */
  #succeed(): void {
    const { state } = this.#status;
    const successor = this.#successor;
    if (successor === undefined || (state !== 'idle' && state !== 'down')) return;
    const before = this.#status;
    this.#successor = undefined;
    this.#install(successor.models);
    this.#watch(successor.link);
    this.#change({ state: 'idle', link: successor.link });
    if (before.state === 'down') before.restart?.cancel();
    else void before.link.close();
    successor.installed();
  }

  #install(models: ReadonlyMap<string, MeasuredModel>): void {
    for (const key of this.latency.keys()) if (!models.has(key)) this.latency.delete(key);
    for (const [key, model] of models) {
      if (this.#models.get(key) !== model) this.latency.set(key, capTable(scaleTable(model.measured, model.drift.factor), model.cap.size));
    }
    this.#models = models;
  }

  #watch(link: WorkerLink): void {
    this.#servingSinceMs = this.#parts.clock.nowMs();
    void link.ended.then(({ cause, outputBytes }) => this.#onEnd(link, cause, outputBytes));
  }

  #deadlineMs(key: string): number {
    return this.#options.deadlineMs.get(nameOfKey(key)) ?? Infinity;
  }

  /** Loads models into a worker, warms up those that it has measured before, and measures the others. */
  async #load(link: WorkerLink, wanted: readonly ModelToLoad[]): Promise<Map<string, MeasuredModel>> {
    // A restart brings back the version that served before, also when a newer one has been published since.
    const models = wanted.map((model) => ({ ...model, version: model.version ?? this.#models.get(model.key)?.loaded.version }));
    const measured = new Map<string, MeasuredModel>();
    for (const loaded of await link.load({ ...this.#options.load, models }, LOAD_LIMIT_MS)) {
      const before = this.#measuredBefore(loaded);
      if (before !== undefined) await warmUp((size) => runSamples(link, loaded, size), before.cap.size);
      if (before === undefined) measured.set(loaded.key, await this.#measure(link, loaded));
      // A version that has proved itself takes the name's own key, and keeps what is known of it.
      else measured.set(loaded.key, before.loaded.key === loaded.key ? before : { ...before, loaded });
    }
    return measured;
  }

  /** Under whatever key. */
  #measuredBefore({ key, name, version }: LoadedModel): MeasuredModel | undefined {
    const same = this.#models.get(key) ?? [...this.#models.values()].find(({ loaded }) => loaded.name === name && loaded.version === version);
    return same?.loaded.version === version ? same : undefined;
  }

  async #measure(link: WorkerLink, loaded: LoadedModel): Promise<MeasuredModel> {
    const { clock, log } = this.#parts;
    const { key, version, provider, refusedProviders } = loaded;
    const limits = { deadlineMs: this.#deadlineMs(key), maxBatchSize: this.#options.load.capacity };
    const points = await this.#sweep(link, loaded, limits);
    const measured = toLatencyTable(points, limits);
    log?.info({ deviceId: this.id, model: key, version, provider, refusedProviders, maxBatchSize: measured.maxBatchSize, points }, 'model measured');
    const nowMs = clock.nowMs();
    return { loaded, measured, drift: new LatencyDrift(nowMs), watchdog: new Watchdog(this.#options.watchdogFloorMs), cap: new MemoryCap(measured.maxBatchSize), lastRunMs: nowMs };
  }

  /** Measures batches up to the largest that finds memory. */
  async #sweep(link: WorkerLink, loaded: LoadedModel, limits: SweepLimits): Promise<LatencyPoint[]> {
    let triedSize = 1;
    const run = (size: number): Promise<void> => runSamples(link, loaded, (triedSize = size));
    try {
      return await measure(this.#parts.clock, run, limits);
    } catch (error) {
      if (!(error instanceof CopresenceError) || error.code !== 'DEVICE_OUT_OF_MEMORY' || triedSize === 1) throw error;
      this.#parts.log?.warn({ deviceId: this.id, model: loaded.key, batchSize: triedSize }, 'out of memory while measuring');
      await link.rebuild(loaded.key, LOAD_LIMIT_MS);
      return this.#sweep(link, loaded, { ...limits, maxBatchSize: triedSize >> 1 });
    }
  }

  #onEnd(link: WorkerLink, cause: string, outputBytes: number): void {
    const { clock, log } = this.#parts;
    // One that another has taken the place of is of no more interest.
    if (this.#status.state === 'down' || this.#status.link !== link) return;
    const onBatch = this.#status.state === 'busy';
    if (this.#closed) return this.#change({ state: 'down', restart: undefined });
    this.faults.deaths++;
    if (clock.nowMs() - this.#servingSinceMs > STABLE_MS) this.#deathsInARow = 0;
    log?.warn({ deviceId: this.id, cause, outputBytes }, 'model worker ended');
    this.#restartLater(onBatch && this.#deathsInARow < MAX_SEARCH_DEATHS);
    this.#succeed();
  }

  #restartLater(atOnce: boolean): void {
    const delayMs = atOnce ? 0 : (RESTART_DELAYS_MS[Math.min(this.#deathsInARow, RESTART_DELAYS_MS.length - 1)] ?? 0);
    this.#deathsInARow++;
    this.#change({ state: 'down', restart: this.#parts.clock.schedule(delayMs, () => void this.#restart()) });
  }

  async #restart(): Promise<void> {
    try {
      await this.start();
    } catch (error) {
      if (this.#closed) return;
      const code = error instanceof CopresenceError ? error.code : 'WORKER_FAILED';
      this.#parts.log?.warn({ deviceId: this.id, code, deathsInARow: this.#deathsInARow }, 'model worker could not start again');
      this.#restartLater(false);
    }
  }

  #change(status: Status): void {
    this.#status = status;
    this.#parts.onChange();
  }
}

/** How long the answers to a batch are of use: as long as the last of its requests waits. */
function usefulForMs(requests: readonly InferenceRequest[], nowMs: number): number {
  return Math.max(0, Math.max(...requests.map(({ deadlineMs }) => deadlineMs)) - nowMs);
}

function toItem({ payload, encoding, region, origin }: InferenceRequest, isWatched: boolean): TaskItem {
  return { payload, encoding, part: origin.part, ...(isWatched ? { isWatched } : {}), ...(region === undefined ? {} : { region }) };
}
