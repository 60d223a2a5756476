/** What goes wrong with links, devices and the server, at the rates of the plan, until it is told to stop. */
import { randomBetween, type Random } from '../../core/random.ts';
import type { HeadsetLink } from './headset-link.ts';
import type { WorldPlan } from './plan.ts';
import type { ProcessClock } from './process-clock.ts';
import { pick, waitMs } from './random-draws.ts';
import type { SimClock } from './sim-clock.ts';
import type { SimDevice } from './sim-device.ts';
import type { Trace } from './trace.ts';

export interface ChaosParts {
  readonly clock: SimClock;
  readonly random: Random;
  readonly trace: Trace;
  readonly plan: WorldPlan;
  readonly server: ProcessClock;
  readonly devices: readonly SimDevice[];
  readonly links: readonly HeadsetLink[];
}

export class Chaos {
  readonly #parts: ChaosParts;
  #stopped = false;

  constructor(parts: ChaosParts) {
    this.#parts = parts;
  }

  start(): void {
    const { plan, random, links, devices, server, trace } = this.#parts;
    const perLink = (rate: number): number => rate * links.length;
    const link = (): HeadsetLink => pick(random, links);
    this.#repeat(perLink(plan.linkFaults.stall), () => link().stall(randomBetween(random, 20, 8000)));
    this.#repeat(perLink(plan.linkFaults.reset), () => link().reset());
    this.#repeat(perLink(plan.linkFaults.vanish), () => link().vanish());
    this.#repeat(perLink(plan.linkFaults.offline), () => link().goOffline(randomBetween(random, 500, 40_000)));
    this.#repeat(plan.serverStalls, () => {
      const durationMs = randomBetween(random, 10, 600);
      trace.note(`the server stalls for ${durationMs.toFixed(0)} ms`);
      server.stall(durationMs);
    });
    if (devices.length === 0) return;
    this.#repeat(plan.slowDowns, () => pick(random, devices).slowDown(randomBetween(random, 0.8, 5)));
    this.#repeat(plan.deviceFaults.crash * 60, () => pick(random, devices).crash());
  }

  /** Ends it all: links and devices are as good as new. */
  stop(): void {
    this.#stopped = true;
    for (const link of this.#parts.links) link.heal();
    for (const device of this.#parts.devices) device.heal();
  }

  #repeat(perMinute: number, strike: () => void): void {
    const delayMs = waitMs(this.#parts.random, perMinute);
    if (delayMs === Infinity) return;
    this.#parts.clock.schedule(delayMs, () => {
      if (this.#stopped) return;
      strike();
      this.#repeat(perMinute, strike);
    });
  }
}
