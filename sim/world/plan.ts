/** What a seed makes of the world: how large it is, how fast, what goes wrong and how often. */
import { randomBetween, randomInt, type Random } from '../../core/random.ts';
import { VIDEO_TASKS, type VideoTask } from '../../core/tasks.ts';
import type { Config } from '../../server/config.ts';
import { chance, pick } from './random-draws.ts';
import type { LaneOptions } from './lane.ts';
import { NO_DEVICE_FAULTS, type DeviceFaultRates, type ModelCost } from './sim-device.ts';

/** How often each befalls one headset's link, a minute. */
export interface LinkFaultRates {
  readonly stall: number;
  readonly reset: number;
  /** Broken, and neither side is told. */
  readonly vanish: number;
  /** No connection at all for a while. */
  readonly offline: number;
}

/** How often each headset does something, a minute. */
export interface HabitRates {
  readonly chat: number;
  readonly consent: number;
  readonly leave: number;
  readonly crash: number;
  /** The application is paused, as when a headset is taken off. */
  readonly pause: number;
}

export interface WorldPlan {
  readonly sessions: number;
  readonly headsets: number;
  readonly tickRateHz: number;
  readonly gestureRateHz: number;
  readonly devices: number;
  readonly batchPolicy: Config['batch-policy'];
  readonly phaseAlignment: Config['phase-alignment'];
  readonly costScale: number;
  readonly maxBatchSize: number;
  readonly deviceFaults: DeviceFaultRates;
  readonly deviceRestartMs: number;
  /** Slow-downs of any device, a minute. */
  readonly slowDowns: number;
  readonly poseHz: number;
  readonly hands: boolean;
  readonly videoHz: number;
  readonly videoTasks: readonly VideoTask[];
  /** Of the headsets, how many capture when the server suggests. */
  readonly followingShare: number;
  readonly pictureBytes: number;
  readonly link: LaneOptions;
  readonly linkFaults: LinkFaultRates;
  readonly habits: HabitRates;
  readonly spectatorShare: number;
  readonly refusingShare: number;
  readonly intruders: number;
  readonly thieves: number;
  /** Stalls of the server's process, a minute. */
  readonly serverStalls: number;
  readonly timerLatenessMs: number;
  readonly deviceDriftPpm: number;
  readonly verifyMs: number;
}

/** Off in half of the worlds: what goes wrong alone goes wrong differently from what goes wrong together. */
function sometimes(random: Random, low: number, high: number): number {
  return chance(random, 0.5) ? randomBetween(random, low, high) : 0;
}

/** Draws a world; every draw is made whatever the ones before gave, so that plans of near seeds differ in everything. */
export function drawPlan(random: Random): WorldPlan {
  return { ...drawSize(random), ...drawDevices(random), ...drawStreams(random), ...drawLinks(random), ...drawPeople(random), ...drawMachine(random) };
}

function drawSize(random: Random): Pick<WorldPlan, 'sessions' | 'headsets' | 'tickRateHz' | 'gestureRateHz'> {
  const sessions = 1 + randomInt(random, 4);
  return { sessions, headsets: sessions + randomInt(random, pick(random, [3, 6, 12])), tickRateHz: pick(random, [10, 20, 36, 72, 90]), gestureRateHz: pick(random, [5, 18, 30]) };
}

function drawDevices(random: Random): Pick<WorldPlan, 'devices' | 'batchPolicy' | 'phaseAlignment' | 'costScale' | 'maxBatchSize' | 'deviceFaults' | 'deviceRestartMs' | 'slowDowns'> {
  const faulty = chance(random, 0.6);
  const faults = { crash: sometimes(random, 0.001, 0.05), hang: sometimes(random, 0.001, 0.03), outOfMemory: sometimes(random, 0.001, 0.02), itemFailure: sometimes(random, 0.001, 0.1) };
  return {
    devices: pick(random, [0, 1, 1, 1, 2, 2, 3, 4, 8]),
    batchPolicy: pick(random, ['auto', 'auto', 'auto', 'eager', 'aimd', 'window-drop', 'deferred', 'reserve']),
    phaseAlignment: pick(random, ['auto', 'off']),
    costScale: pick(random, [0.2, 1, 1, 2, 5]),
    maxBatchSize: pick(random, [1, 2, 4, 8, 8, 32]),
    deviceFaults: faulty ? faults : NO_DEVICE_FAULTS,
    deviceRestartMs: randomBetween(random, 50, 4000),
    slowDowns: sometimes(random, 1, 10),
  };
}

function drawStreams(random: Random): Pick<WorldPlan, 'poseHz' | 'hands' | 'videoHz' | 'videoTasks' | 'followingShare' | 'pictureBytes'> {
  return {
    poseHz: pick(random, [5, 20, 72, 72, 90]), hands: chance(random, 0.8), videoHz: pick(random, [0, 0, 5, 10, 30]), pictureBytes: pick(random, [64, 2000, 20_000]),
    videoTasks: VIDEO_TASKS.filter(() => chance(random, 0.6)), followingShare: sometimes(random, 0.2, 1),
  };
}

function drawLinks(random: Random): Pick<WorldPlan, 'link' | 'linkFaults'> {
  const bytesPerMs = pick(random, [Infinity, Infinity, 5000, 500, 60]);
  return {
    link: { delayMs: pick(random, [0.5, 5, 20, 80]), jitterMs: sometimes(random, 0.1, 60), bytesPerMs, lossRate: sometimes(random, 0.001, 0.05) },
    linkFaults: { stall: sometimes(random, 0.2, 6), reset: sometimes(random, 0.2, 4), vanish: sometimes(random, 0.2, 2), offline: sometimes(random, 0.2, 2) },
  };
}

function drawPeople(random: Random): Pick<WorldPlan, 'habits' | 'spectatorShare' | 'refusingShare' | 'intruders' | 'thieves'> {
  return {
    habits: { chat: sometimes(random, 2, 60), consent: sometimes(random, 0.5, 20), leave: sometimes(random, 0.2, 3), crash: sometimes(random, 0.2, 2), pause: sometimes(random, 0.2, 3) },
    spectatorShare: sometimes(random, 0, 0.5),
    refusingShare: sometimes(random, 0, 0.5),
    intruders: chance(random, 0.4) ? 1 + randomInt(random, 3) : 0,
    thieves: chance(random, 0.3) ? 1 : 0,
  };
}

function drawMachine(random: Random): Pick<WorldPlan, 'serverStalls' | 'timerLatenessMs' | 'deviceDriftPpm' | 'verifyMs'> {
  return { serverStalls: sometimes(random, 0.5, 10), timerLatenessMs: sometimes(random, 0.1, 2), deviceDriftPpm: sometimes(random, 1, 100), verifyMs: sometimes(random, 0.1, 30) };
}

/** What a batch costs, relative to the others, on a device of `costScale` 1. */
const BASE_COSTS: readonly (readonly [RegExp, { readonly fixedMs: number; readonly eachMs: number }])[] = [
  [/gesture/, { fixedMs: 1, eachMs: 0.1 }],
  [/language/, { fixedMs: 2, eachMs: 1 }],
  [/.*/, { fixedMs: 6, eachMs: 2 }],
];

/** l(b) of each model. */
export function drawCosts(plan: WorldPlan, models: readonly string[]): Map<string, ModelCost> {
  return new Map(models.map((model) => {
    const base = BASE_COSTS.find(([name]) => name.test(model))?.[1] ?? { fixedMs: 5, eachMs: 1 };
    return [model, { maxBatchSize: plan.maxBatchSize, fixedMs: base.fixedMs * plan.costScale, eachMs: base.eachMs * plan.costScale }];
  }));
}
