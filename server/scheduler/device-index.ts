/** What the devices look like from one model's queue: how many there are, how many are idle, and which is best. */
import type { Device, DevicePool, LatencyTable } from '../flow.ts';
import { batchCap, largestInBudget } from './batch-cap.ts';
import type { DevicesView } from './policy/policy.ts';

/** The devices for one model. `device` and `table` are the idle one that would run the next batch. */
export interface ModelDevices extends DevicesView {
  readonly device: Device | undefined;
  readonly table: LatencyTable;
}

interface CachedView {
  count: number;
  idleCount: number;
  cap: number;
  largest: number;
  isFastest: boolean;
  device: Device | undefined;
  table: LatencyTable;
  epoch: number;
}

const NO_TABLE: LatencyTable = { maxBatchSize: 0, latencyMs: () => Infinity };

/** Views are kept until something changes, so that a request that finds every device busy costs no scan. */
export class DeviceIndex {
  readonly #pool: DevicePool;
  readonly #views = new Map<string, CachedView>();
  #epoch = 0;

  constructor(pool: DevicePool) {
    this.#pool = pool;
  }

  /** To be called whenever a device may have changed its state or its costs. */
  invalidate(): void {
    this.#epoch++;
  }

  /** @param budgetMs - of the model's task. The view is overwritten by the next call for the same model. */
  viewFor(model: string, budgetMs: number): ModelDevices {
    let view = this.#views.get(model);
    if (view === undefined) {
      view = { count: 0, idleCount: 0, cap: 0, largest: 0, isFastest: false, device: undefined, table: NO_TABLE, epoch: -1 };
      this.#views.set(model, view);
    }
    if (view.epoch !== this.#epoch) this.#refresh(view, model, budgetMs);
    return view;
  }

  #refresh(view: CachedView, model: string, budgetMs: number): void {
    view.epoch = this.#epoch;
    view.count = 0;
    view.idleCount = 0;
    view.device = undefined;
    view.table = NO_TABLE;
    let fastest = 0;
    let fastestIdle = 0;
    for (const device of this.#pool.devices) {
      const table = device.latency.get(model);
      if (table === undefined || !canServe(device, table, budgetMs)) continue;
      const rate = peakRate(table);
      fastest = Math.max(fastest, rate);
      view.count++;
      if (device.state !== 'idle') continue;
      view.idleCount++;
      if (rate <= fastestIdle) continue;
      fastestIdle = rate;
      view.device = device;
      view.table = table;
    }
    view.isFastest = fastestIdle === fastest;
    view.cap = view.device === undefined ? 0 : batchCap(view.table, budgetMs, view.count);
    view.largest = view.device === undefined ? 0 : largestInBudget(view.table, budgetMs);
  }
}

/** A device that would be late even with a single request does not count for a model. */
function canServe(device: Device, table: LatencyTable, budgetMs: number): boolean {
  if (device.state !== 'idle' && device.state !== 'busy') return false;
  return table.maxBatchSize > 0 && table.latencyMs(1) <= budgetMs;
}

function peakRate(table: LatencyTable): number {
  return table.maxBatchSize / table.latencyMs(table.maxBatchSize);
}
