/** Devices that take exactly as long as they are told to, on the clock that they are given. */
import { assert } from '../../core/assert.ts';
import type { Clock, Timer } from '../../core/clock.ts';
import type { Batch, BatchOutcome, Device, DevicePool, DeviceState, ItemOutcome, LatencyTable } from '../../server/flow.ts';
import type { ResultValue } from '../../protocol/message/result.ts';

const VALUE: ResultValue = { task: 'gesture', source: 'tracking', hand: 'left', label: 'open', score: 1 };
const DONE: ItemOutcome = { kind: 'done', value: VALUE };

export interface SimulatedDeviceOptions {
  readonly clock: Clock;
  readonly id: string;
  /** By model: what the device says its batches cost. */
  readonly latency: ReadonlyMap<string, LatencyTable>;
  /** What a batch really takes; what the device says, when left out. */
  readonly runMs?: (batch: Batch) => number;
  /** What each request of a batch gives; a fixed gesture when left out. */
  readonly itemFor?: (batch: Batch, at: number) => ItemOutcome;
}

/** A table from a formula. */
export function latencyTable(maxBatchSize: number, latencyMs: (size: number) => number): LatencyTable {
  return { maxBatchSize, latencyMs };
}

export class SimulatedDevice implements Device {
  readonly id: string;
  latency: ReadonlyMap<string, LatencyTable>;
  state: DeviceState = 'idle';
  /** Every batch that was ever given to it, in order. */
  readonly batches: Batch[] = [];
  readonly #options: SimulatedDeviceOptions;
  #running: { readonly timer: Timer; readonly finish: (outcome: BatchOutcome) => void } | undefined;
  #changed: () => void = () => undefined;

  constructor(options: SimulatedDeviceOptions) {
    this.#options = options;
    this.id = options.id;
    this.latency = options.latency;
  }

  run(batch: Batch): Promise<BatchOutcome> {
    assert(this.state === 'idle', `device ${this.id} is ${this.state}`);
    assert(batch.requests.length > 0, 'an empty batch');
    this.batches.push(batch);
    this.#become('busy');
    const runMs = this.#options.runMs?.(batch) ?? this.#tableFor(batch).latencyMs(batch.requests.length);
    return new Promise((resolve) => {
      const timer = this.#options.clock.schedule(runMs, () => this.#finish('idle', this.#done(batch, runMs)));
      this.#running = { timer, finish: resolve };
    });
  }

  /** Loses what it runs, if anything, and is down until `restart`. */
  crash(): void {
    this.#running?.timer.cancel();
    this.#finish('down', { kind: 'lost', cause: 'crashed' });
  }

  restart(): void {
    this.#become('idle');
  }

  /** Takes new costs, as a device does whose speed has drifted. */
  relearn(latency: ReadonlyMap<string, LatencyTable>): void {
    this.latency = latency;
    this.#changed();
  }

  /** Tells of each change of state or costs. Called by the pool. */
  onChange(listener: () => void): void {
    this.#changed = listener;
  }

  #tableFor(batch: Batch): LatencyTable {
    const table = this.latency.get(batch.model);
    assert(table !== undefined && batch.requests.length <= table.maxBatchSize, 'a batch that the device cannot run');
    return table;
  }

  #done(batch: Batch, runMs: number): BatchOutcome {
    const itemFor = this.#options.itemFor ?? (() => DONE);
    return { kind: 'done', items: batch.requests.map((_, at) => itemFor(batch, at)), runMs, modelVersion: '1' };
  }

  #finish(state: DeviceState, outcome: BatchOutcome): void {
    const running = this.#running;
    this.#running = undefined;
    running?.finish(outcome);
    this.#become(state);
  }

  #become(state: DeviceState): void {
    this.state = state;
    this.#changed();
  }
}

/** Devices that come and go. */
export class SimulatedPool implements DevicePool {
  readonly devices: SimulatedDevice[] = [];
  #listener: () => void = () => undefined;

  constructor(devices: readonly SimulatedDevice[]) {
    for (const device of devices) this.add(device);
  }

  onChange(listener: () => void): void {
    this.#listener = listener;
  }

  add(device: SimulatedDevice): void {
    device.onChange(() => this.#listener());
    this.devices.push(device);
    this.#listener();
  }

  /** Takes a device away, and with it what it runs. */
  remove(device: SimulatedDevice): void {
    this.devices.splice(this.devices.indexOf(device), 1);
    device.crash();
  }
}
