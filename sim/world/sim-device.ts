/** A simulated accelerator: takes l(b) for a batch, more or less, and sometimes crashes, hangs, slows down or runs out of memory. */
import { assert } from '../../core/assert.ts';
import { randomBetween, type Random } from '../../core/random.ts';
import type { Timer } from '../../core/clock.ts';
import type { Batch, BatchOutcome, Device, DeviceState, ItemOutcome, LatencyTable } from '../../server/flow.ts';
import { answer } from './answers.ts';
import type { SimClock } from './sim-clock.ts';
import type { Trace } from './trace.ts';

/** The chance of each for one batch. */
export interface DeviceFaultRates {
  readonly crash: number;
  readonly hang: number;
  readonly outOfMemory: number;
  /** For one request. */
  readonly itemFailure: number;
}

export const NO_DEVICE_FAULTS: DeviceFaultRates = { crash: 0, hang: 0, outOfMemory: 0, itemFailure: 0 };

export interface ModelCost {
  readonly maxBatchSize: number;
  /** l(b) = fixedMs + b * eachMs. */
  readonly fixedMs: number;
  readonly eachMs: number;
}

export interface SimDeviceOptions {
  readonly id: string;
  readonly clock: SimClock;
  readonly random: Random;
  readonly trace: Trace;
  readonly costs: ReadonlyMap<string, ModelCost>;
  readonly faults: DeviceFaultRates;
  readonly restartMs: number;
  readonly changed: () => void;
}

/** A run is never more than this part longer than l(b) says, unless the device has slowed down. */
const NOISE = 0.2;
/** The watchdog ends what takes longer than so many times l(b). */
const WATCHDOG_FACTOR = 3;
/** A slow-down is noticed, and l(b) learnt anew, after so long. */
const RELEARN_MS = 5000;

export class SimDevice implements Device {
  readonly id: string;
  readonly #options: SimDeviceOptions;
  #state: DeviceState = 'starting';
  #latency: ReadonlyMap<string, LatencyTable>;
  #faults: DeviceFaultRates;
  /** What the device takes for what its tables say; above 1 when it is slow. */
  #slowness = 1;
  #learntSlowness = 1;
  #share = 1;
  #run: { readonly finish: (outcome: BatchOutcome) => void; readonly timer: Timer } | undefined;

  constructor(options: SimDeviceOptions) {
    this.#options = options;
    this.id = options.id;
    this.#faults = options.faults;
    this.#latency = this.#learn();
    options.clock.schedule(options.restartMs * options.random.next(), () => this.#become('idle'));
  }

  get state(): DeviceState {
    return this.#state;
  }

  get latency(): ReadonlyMap<string, LatencyTable> {
    return this.#latency;
  }

  run(batch: Batch): Promise<BatchOutcome> {
    assert(this.#state === 'idle', `device ${this.id} is ${this.#state}`);
    const { clock, random, trace } = this.#options;
    const expectedMs = this.#latency.get(batch.model)?.latencyMs(batch.requests.length) ?? 0;
    const runMs = (expectedMs / this.#learntSlowness) * this.#slowness * (1 - random.next() * NOISE);
    const chance = random.next();
    this.#become('busy');
    trace.note(`${this.id} runs batch ${batch.id} of ${batch.requests.length} ${batch.model}`);
    return new Promise((finish) => {
      const { crash, hang, outOfMemory } = this.#faults;
      const [afterMs, end] = chance < crash ? [runMs * random.next(), () => this.#lose('crashed')] as const
        : chance < crash + hang || runMs > WATCHDOG_FACTOR * expectedMs ? [WATCHDOG_FACTOR * expectedMs, () => this.#lose('hung')] as const
          : chance < crash + hang + outOfMemory ? [runMs, () => this.#runOutOfMemory(batch, runMs)] as const
            : [runMs, () => this.#complete(batch, runMs)] as const;
      this.#run = { finish, timer: clock.schedule(afterMs, end) };
    });
  }

  /** Ends the worker, and with it what it runs. */
  crash(): void {
    if (this.#state === 'idle' || this.#state === 'busy') this.#lose('killed');
  }

  /** Takes so many times longer from now on; its tables follow later. */
  slowDown(slowness: number): void {
    const { clock, trace } = this.#options;
    this.#slowness = slowness;
    trace.note(`${this.id} takes ${slowness.toFixed(2)} times as long`);
    clock.schedule(RELEARN_MS, () => {
      this.#learntSlowness = this.#slowness;
      this.#relearn();
    });
  }

  /** Nothing goes wrong any more. */
  heal(): void {
    this.#faults = NO_DEVICE_FAULTS;
    this.#slowness = 1;
    this.#learntSlowness = 1;
    this.#share = 1;
    this.#relearn();
  }

  #complete(batch: Batch, runMs: number): void {
    const { random } = this.#options;
    const items = batch.requests.map((request): ItemOutcome => {
      if (random.next() >= this.#faults.itemFailure) return answer(request, random);
      return { kind: 'failed', code: random.next() < 0.5 ? 'MODEL_FAILED' : 'VIDEO_INVALID' };
    });
    this.#finish('idle', { kind: 'done', items, runMs, modelVersion: '1' });
  }

  #runOutOfMemory(batch: Batch, runMs: number): void {
    this.#share /= 2;
    this.#relearn();
    const items = batch.requests.map((): ItemOutcome => ({ kind: 'failed', code: 'DEVICE_OUT_OF_MEMORY' }));
    this.#finish('idle', { kind: 'done', items, runMs, modelVersion: '1' });
  }

  #lose(cause: string): void {
    const { clock, restartMs, random } = this.#options;
    this.#finish('down', { kind: 'lost', cause });
    clock.schedule(restartMs * randomBetween(random, 0.2, 0.5), () => this.#become('starting'));
    clock.schedule(restartMs * randomBetween(random, 0.6, 1), () => this.#become('idle'));
  }

  /** What is told first, the outcome or the state, is chance: nobody may rely on either. */
  #finish(state: DeviceState, outcome: BatchOutcome): void {
    const run = this.#run;
    this.#run = undefined;
    run?.timer.cancel();
    this.#options.trace.note(`${this.id} ${outcome.kind === 'lost' ? outcome.cause : 'is done'}`);
    if (this.#options.random.next() < 0.5) run?.finish(outcome);
    this.#become(state);
    run?.finish(outcome);
  }

  #become(state: DeviceState): void {
    this.#state = state;
    this.#options.changed();
  }

  #relearn(): void {
    this.#latency = this.#learn();
    this.#options.changed();
  }

  #learn(): ReadonlyMap<string, LatencyTable> {
    const slowness = this.#learntSlowness;
    return new Map([...this.#options.costs].map(([model, { maxBatchSize, fixedMs, eachMs }]) => {
      const size = Math.max(1, Math.floor(maxBatchSize * this.#share));
      return [model, { maxBatchSize: size, latencyMs: (batchSize: number) => slowness * (fixedMs + batchSize * eachMs) }] as const;
    }));
  }
}
