/** Thresholds of a run: a measure's name and a bound, such as `"pose.p99Ms": "<= 60"`. */
import { z } from 'zod';
import { TASKS } from '../../core/tasks.ts';
import type { Verdict } from '../fleet/fleet-report.ts';
import type { TaskGoodput } from './goodput.ts';

export const TIMED_NAMES = ['pose', 'display', 'join', 'resume', 'body-pose', 'body-3d', 'hands', 'gesture', 'dynamic-gesture', 'language'] as const;
export type TimedName = (typeof TIMED_NAMES)[number];
export const STATISTICS = ['count', 'meanMs', 'p50Ms', 'p90Ms', 'p95Ms', 'p99Ms', 'maxMs'] as const;
export type Statistic = (typeof STATISTICS)[number];
export const FIGURES = {
  'pose.delivered': 'poses that reached the others, as a share of those sent times the receivers',
  'sent.late': 'sends more than 5 ms after they were meant to be, as a share',
  'sent.missed': 'sends that the simulator left out, as a share',
  'sent.superseded': 'sends that a congested link held back, as a share',
  'reliable.lost': 'lines of chat that somebody did not hear',
  'reliable.twice': 'lines of chat that somebody heard twice',
  'reliable.outOfOrder': 'lines of chat heard after a later one',
  'joins.failed': 'headsets that were never let in',
  'links.lost': 'links that went without a fault of the profile',
  'refusals': 'messages that the server refused',
  'prediction.meanMm': 'mean error of a head that is drawn where its last two poses lead',
} as const;
export type FigureName = keyof typeof FIGURES;
/** Of a task, by the server's counters. */
export const GOODPUT_FIGURES = {
  goodputHz: 'results in time a second',
  onTime: 'requests that were answered in time, as a share',
  ofEven: 'goodput as a share of T_even, where one model answers the task',
} as const;
export type GoodputFigure = keyof typeof GOODPUT_FIGURES;

const NAMES: ReadonlySet<string> = new Set([...TIMED_NAMES.flatMap((name) => STATISTICS.map((statistic) => `${name}.${statistic}`)), ...Object.keys(FIGURES), ...TASKS.flatMap((task) => Object.keys(GOODPUT_FIGURES).map((figure) => `${task}.${figure}`))]);
const BOUND = /^\s*(<=|>=|<|>|==)\s*(-?\d+(?:\.\d+)?)\s*$/;

export const thresholdName = z.string().refine((name) => NAMES.has(name), {
  error: (issue) => `no measure called ${String(issue.input)}; there are ${Object.keys(FIGURES).join(', ')}, and one of ${TIMED_NAMES.join(', ')} with one of .${STATISTICS.join(', .')}, a task also with .${Object.keys(GOODPUT_FIGURES).join(', .')}`,
});
export const thresholdText = z.string().regex(BOUND, { error: 'is no bound such as "<= 60" or "> 0.95"' });

/** What thresholds can be about. */
export interface Judgeable {
  readonly timed: Readonly<Partial<Record<TimedName, Readonly<Record<Statistic, number>>>>>;
  readonly figures: Readonly<Record<FigureName, number>>;
  readonly goodput: readonly TaskGoodput[];
}

/** One verdict for each threshold. A time that was never measured keeps none, except a bound on its count. */
export function judgeThresholds(thresholds: Readonly<Record<string, string>>, judged: Judgeable): Verdict[] {
  return Object.entries(thresholds).map(([name, text]) => {
    const value = valueOf(name, judged);
    return { name, limit: text.trim(), value: value === undefined ? 'not measured' : show(value), passed: value !== undefined && keeps(value, text) };
  });
}

/** @param text - as `thresholdText` has it. */
export function keeps(value: number, text: string): boolean {
  const [, operator, bound] = BOUND.exec(text) ?? [];
  const limit = Number(bound);
  switch (operator) {
    case '<=': return value <= limit;
    case '>=': return value >= limit;
    case '<': return value < limit;
    case '>': return value > limit;
    default: return value === limit;
  }
}

function valueOf(name: string, { timed, figures, goodput }: Judgeable): number | undefined {
  if (Object.hasOwn(FIGURES, name)) return figures[name as FigureName];
  const dot = name.lastIndexOf('.');
  if (Object.hasOwn(GOODPUT_FIGURES, name.slice(dot + 1))) return goodputFigure(goodput.find(({ task }) => task === name.slice(0, dot)), name.slice(dot + 1) as GoodputFigure);
  const statistic = name.slice(dot + 1) as Statistic;
  const of = timed[name.slice(0, dot) as TimedName];
  if (of === undefined) return statistic === 'count' ? 0 : undefined;
  return of.count === 0 && statistic !== 'count' ? undefined : of[statistic];
}

function goodputFigure(of: TaskGoodput | undefined, figure: GoodputFigure): number | undefined {
  if (of === undefined) return undefined;
  if (figure !== 'ofEven') return of[figure];
  return of.limits === undefined || of.limits.evenHz === 0 ? undefined : of.goodputHz / of.limits.evenHz;
}

function show(value: number): string {
  return String(Number(value.toPrecision(4)));
}
