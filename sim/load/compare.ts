/** Compares two load reports: a verdict for each measure, with the noise that it has to stand out from. */
import type { LoadReport } from './load-result.ts';
import { mean, t95, variance } from './student.ts';
import { FIGURES, TIMED_NAMES, type FigureName } from './thresholds.ts';

export type Comparison = 'better' | 'worse' | 'no difference shown' | 'too little to tell';

export interface ComparedMeasure {
  readonly measure: string;
  readonly a: number;
  readonly b: number;
  /** B against A: 0.1 for a tenth more. Undefined where A is nothing. */
  readonly change: number | undefined;
  /** Half of the change's 95 % interval; undefined for counts, which have none here. */
  readonly noise: number | undefined;
  readonly verdict: Comparison;
}

/** Seconds next to each other are alike, so that blocks of them are compared. */
const BLOCK_S = 3;
const LEAST_BLOCKS = 4;
/** Less than this is nobody's concern, however certain. */
const LEAST_CHANGE = 0.02;

/** @throws nothing; what only one of the two has is left out. */
export function compareReports(a: LoadReport, b: LoadReport): ComparedMeasure[] {
  return [...compareTimes(a, b), ...compareShares(a, b), ...compareCounts(a, b)];
}

function compareTimes(a: LoadReport, b: LoadReport): ComparedMeasure[] {
  return TIMED_NAMES.filter((name) => a.timed[name].count > 0 && b.timed[name].count > 0).flatMap((name) => (['p50Ms', 'p99Ms'] as const).map((key) => compareSeries({
    measure: `${name}.${key}`, a: a.timed[name][key], b: b.timed[name][key], higherIsBetter: false,
    seriesA: blocksOf(a.timelines[name].map((point) => [point.atS, point[key]])), seriesB: blocksOf(b.timelines[name].map((point) => [point.atS, point[key]])),
  })));
}

function compareShares(a: LoadReport, b: LoadReport): ComparedMeasure[] {
  const shares = (report: LoadReport): number[] => blocksOf(report.seconds.filter(({ expected }) => expected > 0).map(({ atS, expected, delivered }) => [atS, delivered / expected]));
  const bytes = (report: LoadReport): number[] => blocksOf(report.seconds.filter(({ atS, live }) => live > 0 && atS >= report.profile.warmUpS).map(({ atS, live, bytesIn }) => [atS, bytesIn / live]));
  return [
    compareSeries({ measure: 'pose.delivered', a: a.figures['pose.delivered'], b: b.figures['pose.delivered'], higherIsBetter: true, seriesA: shares(a), seriesB: shares(b) }),
    compareSeries({ measure: 'bytes received a second by a headset', a: mean(bytes(a)), b: mean(bytes(b)), higherIsBetter: false, seriesA: bytes(a), seriesB: bytes(b) }),
  ];
}

const COUNTS: readonly FigureName[] = ['reliable.lost', 'reliable.twice', 'reliable.outOfOrder', 'joins.failed', 'links.lost', 'refusals'];

function compareCounts(a: LoadReport, b: LoadReport): ComparedMeasure[] {
  return COUNTS.filter((name) => name in FIGURES && (a.figures[name] > 0 || b.figures[name] > 0)).map((name) => {
    const [before, after] = [a.figures[name], b.figures[name]];
    return { measure: name, a: before, b: after, change: before === 0 ? undefined : after / before - 1, noise: undefined, verdict: after === before ? 'no difference shown' : after < before ? 'better' : 'worse' };
  });
}

interface Series {
  readonly measure: string;
  readonly a: number;
  readonly b: number;
  readonly higherIsBetter: boolean;
  readonly seriesA: readonly number[];
  readonly seriesB: readonly number[];
}

/** Welch's t interval of the difference of the blocks' means, as a share of A's. */
export function compareSeries({ measure, a, b, higherIsBetter, seriesA, seriesB }: Series): ComparedMeasure {
  const before = mean(seriesA);
  if (seriesA.length < LEAST_BLOCKS || seriesB.length < LEAST_BLOCKS || before === 0) return { measure, a, b, change: a === 0 ? undefined : b / a - 1, noise: undefined, verdict: 'too little to tell' };
  const [errorA, errorB] = [variance(seriesA) / seriesA.length, variance(seriesB) / seriesB.length];
  const degrees = (errorA + errorB) ** 2 / (errorA ** 2 / (seriesA.length - 1) + errorB ** 2 / (seriesB.length - 1));
  const change = mean(seriesB) / before - 1;
  const noise = errorA + errorB === 0 ? 0 : (t95(degrees) * Math.sqrt(errorA + errorB)) / before;
  const isShown = Math.abs(change) > noise && Math.abs(change) >= LEAST_CHANGE;
  const verdict = !isShown ? 'no difference shown' : change > 0 === higherIsBetter ? 'better' : 'worse';
  return { measure, a, b, change, noise, verdict };
}

/** The mean of each whole block of seconds. @param points - of second and value. */
export function blocksOf(points: readonly (readonly [atS: number, value: number])[]): number[] {
  const blocks = new Map<number, number[]>();
  for (const [atS, value] of points) {
    const block = Math.floor(atS / BLOCK_S);
    blocks.set(block, [...(blocks.get(block) ?? []), value]);
  }
  return [...blocks.values()].filter((values) => values.length === BLOCK_S).map(mean);
}
