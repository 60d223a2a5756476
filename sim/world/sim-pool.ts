/** The simulated devices behind one scheduler. */
import type { DevicePool } from '../../server/flow.ts';
import type { SimDevice } from './sim-device.ts';

export class SimPool implements DevicePool {
  readonly devices: SimDevice[] = [];
  #listener: () => void = () => undefined;

  onChange(listener: () => void): void {
    this.#listener = listener;
  }

  /** One of the devices has another state or other costs. */
  changed(): void {
    this.#listener();
  }
}
