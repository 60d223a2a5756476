/** Stands in for a pool whose devices are still starting, so that the server is live before its models are ready. */
import type { Device, DevicePool } from './flow.ts';

export class LatePool implements DevicePool {
  #pool: DevicePool = { devices: [], onChange: () => undefined };
  #listener: () => void = () => undefined;

  get devices(): readonly Device[] {
    return this.#pool.devices;
  }

  onChange(listener: () => void): void {
    this.#listener = listener;
    this.#pool.onChange(listener);
  }

  /** Puts the pool that has started in place; called once. */
  attach(pool: DevicePool): void {
    this.#pool = pool;
    pool.onChange(() => this.#listener());
    this.#listener();
  }
}
