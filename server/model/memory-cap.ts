/** How large a batch may be on a device that has run out of memory: halved at once, grown back with patience. */
import type { LatencyTable } from '../flow.ts';

/** A device that runs out of memory again within this time has lost some of it for good: its worker starts anew. */
const RELAPSE_MS = 60_000;
const PATIENCE_MS = 60_000;
const MAX_PATIENCE_MS = 3_600_000;

/** One model on one device. */
export class MemoryCap {
  readonly #maxBatchSize: number;
  #size: number;
  #changedMs = -Infinity;
  #exceededMs = -Infinity;
  #patienceMs = PATIENCE_MS / 2;

  constructor(maxBatchSize: number) {
    this.#maxBatchSize = maxBatchSize;
    this.#size = maxBatchSize;
  }

  /** The largest batch to be given to the device, 1 or more. */
  get size(): number {
    return this.#size;
  }

  /** Whether running out of memory now would be the second time within a minute. */
  isRelapse(nowMs: number): boolean {
    return nowMs - this.#exceededMs < RELAPSE_MS;
  }

  /** Takes note that a batch of `batchSize` found no memory: the cap becomes half of that. */
  exceeded(batchSize: number, nowMs: number): void {
    this.#size = Math.max(1, Math.min(this.#size, batchSize >> 1));
    if (this.#exceededMs < nowMs) this.#patienceMs = Math.min(MAX_PATIENCE_MS, 2 * this.#patienceMs);
    this.#exceededMs = nowMs;
    this.#changedMs = nowMs;
  }

  /** Doubles the cap after a minute without trouble, and after twice as long with each time that this was too early. */
  grow(nowMs: number): boolean {
    if (this.#size === this.#maxBatchSize || nowMs - this.#changedMs < this.#patienceMs) return false;
    this.#size = Math.min(this.#maxBatchSize, 2 * this.#size);
    this.#changedMs = nowMs;
    return true;
  }
}

/** The same table with no batch above `maxBatchSize`. */
export function capTable(table: LatencyTable, maxBatchSize: number): LatencyTable {
  return maxBatchSize >= table.maxBatchSize ? table : { ...table, maxBatchSize };
}
