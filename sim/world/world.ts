/** A whole world from one seed: the real gateway and the real SDK on simulated time, links, devices and people. */
import { randomInt, seededRandom, type Random } from '../../core/random.ts';
import type { RequestOutcome } from '../../server/flow.ts';
import { modelsToLoad, servedRoutes } from '../../server/routes.ts';
import { Chaos } from './chaos.ts';
import { sessionName } from './client-check.ts';
import { Headset } from './headset.ts';
import { HeadsetLink } from './headset-link.ts';
import { Intruder } from './intruder.ts';
import { Judge, type Violation } from './judge.ts';
import { drawCosts, drawPlan, type WorldPlan } from './plan.ts';
import type { PoseTrack } from '../import/pose-track.ts';
import { ProcessClock } from './process-clock.ts';
import { RecordedMotion } from './recorded-motion.ts';
import { chance } from './random-draws.ts';
import type { Sabotage } from './sabotage.ts';
import { settlePromises, SimClock } from './sim-clock.ts';
import { SimDevice } from './sim-device.ts';
import { SimPool } from './sim-pool.ts';
import { simulatedToken, SimServer } from './sim-server.ts';
import { Trace } from './trace.ts';
import { checkBaseline, checkDirectory, whatAils, type Census } from './wellness.ts';

export interface WorldOptions {
  readonly seed: number;
  /** Simulated time with faults; what follows is as long as it takes to get well, and to forget those who left. */
  readonly minutes: number;
  /** Takes the place of what the seed draws. */
  readonly plan?: Partial<WorldPlan> | undefined;
  readonly sabotage?: Sabotage | undefined;
  /** Recorded movements, which the seed hands out to the headsets; at least one. */
  readonly motions?: readonly PoseTrack[] | undefined;
  /** Gets every event as it happens. */
  readonly print?: ((line: string) => void) | undefined;
}

export interface WorldReport {
  readonly seed: number;
  readonly plan: WorldPlan;
  /** Undefined when every rule held. */
  readonly violation: Violation | undefined;
  readonly steps: number;
  readonly simulatedMs: number;
  /** Equal for equal runs. */
  readonly hash: string;
  /** How the requests ended. */
  readonly outcomes: ReadonlyMap<RequestOutcome['kind'], number>;
  /** The last events, oldest first. */
  readonly lines: readonly string[];
}

const START_MS = 1_000_000;
const ARRIVAL_MS = 2000;
const CHECK_MS = 250;
/** Twice the grace time of those who are away, and the longest wait of a client that comes back. */
const RECOVERY_MS = 75_000;
const LEAVING_MS = 45_000;
/** By when an offset of a device's clock shows. */
const LARGEST_OFFSET_MS = 1e9;
/** So that a defect that makes events without end is found rather than waited for. */
const MAX_STEPS_PER_MS = 2000;
const MODELS = modelsToLoad(servedRoutes({})).map(({ name }) => name);

/** Lives one world through. Equal options give an equal report. */
export async function runWorld(options: WorldOptions): Promise<WorldReport> {
  const world = new World(options);
  await world.live();
  return world.report();
}

class World {
  readonly #options: WorldOptions;
  readonly #random: Random;
  readonly #clock = new SimClock(START_MS);
  readonly #plan: WorldPlan;
  readonly #judge: Judge;
  readonly #trace: Trace;
  readonly #server: SimServer;
  readonly #pool = new SimPool();
  readonly #headsets: Headset[] = [];
  readonly #intruders: Intruder[] = [];
  readonly #links: HeadsetLink[] = [];
  readonly #chaos: Chaos;
  readonly #timersBefore: number;
  #steps = 0;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.#random = seededRandom(options.seed);
    this.#plan = { ...drawPlan(this.#random), ...options.plan };
    const sinceStartMs = (): number => this.#clock.nowMs() - START_MS;
    this.#judge = new Judge(sinceStartMs);
    this.#trace = new Trace({ nowMs: sinceStartMs, print: options.print });
    this.#addDevices();
    this.#server = this.#startServer();
    this.#timersBefore = this.#server.clock.pendingCount;
    for (let at = 0; at < this.#plan.headsets; at++) this.#addHeadset(at);
    for (let at = 0; at < this.#plan.intruders + this.#plan.thieves; at++) this.#addIntruder(at);
    this.#chaos = new Chaos({ clock: this.#clock, random: this.#random, trace: this.#trace, plan: this.#plan, server: this.#server.clock, devices: this.#pool.devices, links: this.#links });
  }

  async live(): Promise<void> {
    const endMs = START_MS + this.#options.minutes * 60_000;
    this.#begin();
    await this.#until(endMs);
    this.#chaos.stop();
    for (const headset of this.#headsets) headset.calm();
    for (const intruder of this.#intruders) intruder.stop();
    await this.#recover(endMs + RECOVERY_MS);
    for (const headset of this.#headsets) headset.leave();
    await this.#until(this.#clock.nowMs() + LEAVING_MS);
    if (this.#judge.violation === undefined) checkBaseline(this.#census, this.#timersBefore);
    await this.#server.close().catch((error: unknown) => this.#judge.violate('no-crash', describeError(error)));
  }

  report(): WorldReport {
    return {
      seed: this.#options.seed, plan: this.#plan, violation: this.#judge.violation, steps: this.#steps, simulatedMs: this.#clock.nowMs() - START_MS,
      hash: this.#trace.hash, outcomes: this.#server.requests.outcomes, lines: this.#trace.lines,
    };
  }

  // ── what it is made of ────────────────────────────────────────────────────

  #addDevices(): void {
    const costs = drawCosts(this.#plan, MODELS);
    for (let at = 0; at < this.#plan.devices; at++) {
      this.#pool.devices.push(new SimDevice({
        id: `device-${at}`, clock: this.#clock, random: this.#random, trace: this.#trace, costs,
        faults: this.#plan.deviceFaults, restartMs: this.#plan.deviceRestartMs, changed: () => this.#pool.changed(),
      }));
    }
  }

  #startServer(): SimServer {
    const clock = new ProcessClock(this.#clock, { offsetMs: 0, driftPpm: 0, latenessMs: this.#plan.timerLatenessMs, random: this.#random });
    return new SimServer({
      clock, random: this.#random, judge: this.#judge, trace: this.#trace, plan: this.#plan, pool: this.#pool,
      isHonest: (id) => id.startsWith('h'), sabotage: this.#options.sabotage ?? {},
    });
  }

  #addHeadset(at: number): void {
    const signature = { session: 1 + (at % this.#plan.sessions), headset: 1 + at };
    const role = chance(this.#random, this.#plan.spectatorShare) ? 'spectator' : 'participant';
    const link = this.#newLink(`h${signature.headset}`);
    const { motions } = this.#options;
    this.#headsets.push(new Headset({
      clock: this.#clock, random: this.#random, judge: this.#judge, trace: this.#trace, plan: this.#plan, signature, role,
      followsPace: chance(this.#random, this.#plan.followingShare),
      consents: !chance(this.#random, this.#plan.refusingShare),
      motion: motions === undefined ? undefined : new RecordedMotion(motions, this.#random),
      token: simulatedToken(`wearer ${signature.headset}`, sessionName(signature), role),
      switchOn: () => this.#newDevice(),
      switchedOff: () => link.deviceEnded(),
      openSocket: (device) => link.socketsFor(device),
    }));
  }

  #addIntruder(at: number): void {
    const device = this.#newDevice();
    const sessions = Array.from({ length: this.#plan.sessions }, (_, index) => sessionName({ session: 1 + index }));
    this.#intruders.push(new Intruder({
      device, random: this.#random, sessions, openSocket: this.#newLink(`x${at}`).socketsFor(device), steals: at >= this.#plan.intruders,
      token: simulatedToken(`intruder ${at}`, '*', 'participant'), stolenTokens: () => this.#server.edge.resumeTokens,
    }));
  }

  #newLink(name: string): HeadsetLink {
    const link: HeadsetLink = new HeadsetLink({
      name, clock: this.#clock, random: this.#random, trace: this.#trace, host: this.#server, lane: this.#plan.link,
      carried: (wire, direction, packet) => {
        this.#trace.note(`${wire} ${direction} ${packet.length}`);
        if (direction === 'up') this.#server.edge.arriving(wire, packet);
      },
    });
    this.#links.push(link);
    return link;
  }

  #newDevice(): ProcessClock {
    const { deviceDriftPpm, timerLatenessMs } = this.#plan;
    const offsetMs = (this.#random.next() - 0.5) * LARGEST_OFFSET_MS;
    return new ProcessClock(this.#clock, { offsetMs, driftPpm: (this.#random.next() - 0.5) * deviceDriftPpm, latenessMs: timerLatenessMs, random: this.#random });
  }

  get #census(): Census {
    return { judge: this.#judge, plan: this.#plan, nowMs: () => this.#clock.nowMs(), server: this.#server, headsets: this.#headsets, devices: this.#pool.devices };
  }

  // ── its life ──────────────────────────────────────────────────────────────

  #begin(): void {
    this.#chaos.start();
    for (const headset of this.#headsets) {
      this.#clock.schedule(randomInt(this.#random, ARRIVAL_MS), () => {
        headset.enter();
        headset.live();
      });
    }
    for (const intruder of this.#intruders) intruder.start();
  }

  async #recover(untilMs: number): Promise<void> {
    while (this.#judge.violation === undefined) {
      const ailment = whatAils(this.#census);
      if (ailment === undefined) return;
      if (this.#clock.nowMs() >= untilMs) return this.#judge.violate('recovers', ailment);
      await this.#until(this.#clock.nowMs() + 1000);
    }
  }

  /** Runs every event until then, and stops at the first violation. */
  async #until(untilMs: number): Promise<void> {
    let checkAtMs = this.#clock.nowMs() + CHECK_MS;
    const mostSteps = this.#steps + MAX_STEPS_PER_MS * (untilMs - this.#clock.nowMs());
    while (this.#judge.violation === undefined && this.#step(untilMs)) {
      await settlePromises();
      if (this.#steps > mostSteps) return this.#judge.violate('bounds', 'events without end');
      if (this.#clock.nowMs() < checkAtMs) continue;
      checkAtMs = this.#clock.nowMs() + CHECK_MS;
      checkDirectory(this.#census);
    }
    if (this.#judge.violation === undefined) this.#clock.skipTo(untilMs);
  }

  #step(untilMs: number): boolean {
    try {
      this.#steps++;
      return this.#clock.step(untilMs);
    } catch (error) {
      this.#judge.violate('no-crash', describeError(error));
      return false;
    }
  }
}

function describeError(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
