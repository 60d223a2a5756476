/** What batches take as a rule, against the p99 that the latency tables hold. */
import type { Batch, DevicePool } from '../../flow.ts';

/** Of what is known, the share that the newest batch counts for: a change is known within some tens of batches. */
const NEWEST = 1 / 16;

/**
 * Deadlines are kept with l(b), a p99; what devices can bear follows from the mean. On a machine whose p99 is twice its
 * mean, the p99 would make the load seem twice what it is, and streams would give way to nothing.
 *
 * @bound one number for each model.
 */
export class TypicalTimes {
  readonly #pool: DevicePool;
  readonly #shares = new Map<string, number>();

  constructor(pool: DevicePool) {
    this.#pool = pool;
  }

  /** @param elapsedMs - from release to result. */
  finished({ model, requests }: Batch, deviceId: string, elapsedMs: number): void {
    const table = this.#pool.devices.find(({ id }) => id === deviceId)?.latency.get(model);
    if (table === undefined || table.maxBatchSize === 0) return;
    const p99Ms = table.latencyMs(Math.min(requests.length, table.maxBatchSize));
    const before = this.#shares.get(model) ?? 1;
    this.#shares.set(model, before + NEWEST * (Math.min(elapsedMs / p99Ms, 1) - before));
  }

  /** A batch's mean time by its p99, 0..1; 1 as long as nothing is known. */
  shareOf(model: string): number {
    return this.#shares.get(model) ?? 1;
  }
}
