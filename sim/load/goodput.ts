/** Results in time a second, by task, beside what the devices could give at most: T_even, T_exec, and with hindsight. */
import { TASKS, type Task } from '../../core/tasks.ts';
import { seededRandom } from '../../core/random.ts';
import { clairvoyantServed } from '../limits.ts';
import type { InputWindow } from './input-windows.ts';
import type { CountTable } from '../measure/prometheus.ts';
import type { ServedModel } from './served-model.ts';
import { mean } from './student.ts';

/** One task of a run. Rates are a second, over what the server counted. */
export interface TaskGoodput {
  readonly task: Task;
  /** Requests that the server made of what was sent. */
  readonly offeredHz: number;
  /** Those that were answered in time. */
  readonly goodputHz: number;
  /** Goodput by offered, 0..1. */
  readonly onTime: number;
  /** Results that were heard, each once a session. */
  readonly heardHz: number;
  /** The one model that answers the task, with its limits; undefined where several do, whose limits stand by model. */
  readonly limits: GoodputLimits | undefined;
}

export interface GoodputLimits {
  readonly model: string;
  readonly devices: number;
  /** D. */
  readonly budgetMs: number;
  readonly evenHz: number;
  readonly executionHz: number;
  readonly clairvoyant: Clairvoyant;
}

/** The most that could have been answered in time by a scheduler that knew what would come. */
export type Clairvoyant = { readonly kind: 'known'; readonly hz: number } | { readonly kind: 'unknown'; readonly why: string };

export interface GoodputFacts {
  /** Its counters over `countedS`, requests by task and outcome. */
  readonly server: { readonly requests: CountTable; readonly models: readonly ServedModel[]; readonly countedS: number };
  readonly windows: readonly InputWindow[];
  /** Results heard, by task. */
  readonly heard: Readonly<Partial<Record<Task, number>>>;
  readonly measuredS: number;
}

/** Beyond this share to be given up the search takes long and says little: the devices are the limit. */
const MOST_LOST = 0.2;
/** Arrivals of one stretch that are looked at. */
const MOST_ARRIVALS = 4000;
const HANDS_PER_HEADSET = 2;

/** Tasks of which the server had any request. */
export function goodputOf(facts: GoodputFacts): TaskGoodput[] {
  return TASKS.flatMap((task): TaskGoodput[] => {
    const { requests, models, countedS } = facts.server;
    const outcomes = requests[task] ?? {};
    const asked = Object.values(outcomes).reduce((sum, times) => sum + times, 0);
    if (asked <= 0 || countedS <= 0) return [];
    const done = outcomes['done'] ?? 0;
    const answering = models.filter(({ tasks }) => tasks.includes(task));
    const [model] = answering;
    const offeredHz = asked / countedS;
    return [{
      task, offeredHz, goodputHz: done / countedS, onTime: done / asked, heardHz: facts.measuredS > 0 ? (facts.heard[task] ?? 0) / facts.measuredS : 0,
      limits: model === undefined || answering.length > 1 || model.devices === 0 ? undefined : limitsOf(task, model, offeredHz, facts),
    }];
  });
}

function limitsOf(task: Task, served: ServedModel, offeredHz: number, { windows }: GoodputFacts): GoodputLimits {
  const { model, devices, budgetMs, evenHz, executionHz } = served;
  return { model, devices, budgetMs, evenHz, executionHz, clairvoyant: clairvoyantOf(task, served, offeredHz, windows) };
}

function clairvoyantOf(task: Task, { devices, tasks, budgetMs, latencyMs, executionHz }: ServedModel, offeredHz: number, windows: readonly InputWindow[]): Clairvoyant {
  const unknown = (why: string): Clairvoyant => ({ kind: 'unknown', why });
  if (devices !== 1) return unknown('known for one device only');
  if (task === 'dynamic-gesture') return unknown('which windows the server looks at depends on how hands move');
  if (tasks.length !== 1) return unknown('its model answers other tasks too');
  if (latencyMs.length === 0) return unknown('the server tells no batch times');
  const hands = HANDS_PER_HEADSET * mean(windows.map((window) => window.hands.length));
  const traces = windows.map((window) => arrivalsOf(task, window, offeredHz / Math.max(1, hands))).filter((trace) => trace.length > 0);
  if (traces.length === 0) return unknown('too short a run');
  const read = latencyTable(latencyMs);
  let served = 0, all = 0;
  for (const arrivalsMs of traces) {
    const most = clairvoyantServed({ arrivalsMs, latencyMs: read, maxBatchSize: latencyMs.at(-1)?.size ?? 1, budgetMs, maxLostShare: MOST_LOST });
    if (most === undefined) return unknown(`more than ${MOST_LOST * 100} % too much: T_exec is the limit`);
    served += most;
    all += arrivalsMs.length;
  }
  // At its edges a stretch has the device to itself, which no stretch in the middle of a run has.
  return { kind: 'known', hz: Math.min(executionHz, (offeredHz * served) / all) };
}

/** When the requests of one stretch came to be, rising. @param perHandHz - how often the server looks at a hand. */
export function arrivalsOf(task: Task, window: InputWindow, perHandHz: number): number[] {
  const arrivals = task === 'gesture' ? handArrivals(window, perHandHz) : task === 'language' ? [...window.lines] : [...window.pictures];
  return arrivals.sort((one, other) => one - other).slice(0, MOST_ARRIVALS);
}

/**
 * The server looks at a hand less often than it comes. How often, is told by how many requests it counted; which of a
 * headset's poses is the first that it takes, nobody tells, and is drawn.
 */
function handArrivals({ untilMs, hands }: InputWindow, perHandHz: number): number[] {
  return hands.flatMap(([firstMs, poseHz], index) => {
    const posePeriodMs = 1000 / poseHz;
    const every = Math.max(1, Math.round(poseHz / perHandHz));
    const skipped = Math.floor(seededRandom(index + 1).next() * every);
    const arrivals: number[] = [];
    for (let atMs = firstMs + skipped * posePeriodMs; atMs < untilMs; atMs += every * posePeriodMs) arrivals.push(atMs, atMs);
    return arrivals;
  });
}

/** l(b) between the sizes that the server tells, on straight lines. @param points - sizes rising, one or more. */
export function latencyTable(points: ServedModel['latencyMs']): (size: number) => number {
  return (size) => {
    const above = points.findIndex((point) => point.size >= size);
    const to = points[above === -1 ? points.length - 1 : above]!;
    const from = points[above - 1];
    if (from === undefined || above === -1) return to.ms;
    return from.ms + ((to.ms - from.ms) * (size - from.size)) / (to.size - from.size);
  };
}
