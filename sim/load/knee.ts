/** Finds the most headsets with which every threshold is kept: pure, the caller runs the probes. */
import { mean, t95, variance } from './student.ts';

export interface Probe {
  readonly headsets: number;
  readonly kept: boolean;
}

export interface KneeOptions {
  /** The first probe. */
  readonly from: number;
  readonly most: number;
  /** The search ends when the bracket is this narrow: 0.05 for 5 %. */
  readonly tolerance: number;
}

/** The highest kept below the lowest broken: luck above a broken one does not count. */
export interface Bracket {
  /** 0 when nothing was kept. */
  readonly kept: number;
  /** Infinity when nothing broke. */
  readonly broken: number;
}

export function bracketOf(probes: readonly Probe[]): Bracket {
  const broken = Math.min(Infinity, ...probes.filter(({ kept }) => !kept).map(({ headsets }) => headsets));
  const kept = Math.max(0, ...probes.filter((probe) => probe.kept && probe.headsets < broken).map(({ headsets }) => headsets));
  return { kept, broken };
}

/**
 * The next number to try; undefined when the search is over.
 *
 * Doubles until something breaks, or halves until something is kept, then halves the bracket's ratio.
 *
 * @bound log2(most) + log2(1 / tolerance) probes.
 */
export function nextProbe(probes: readonly Probe[], { from, most, tolerance }: KneeOptions): number | undefined {
  if (probes.length === 0) return Math.min(from, most);
  const { kept, broken } = bracketOf(probes);
  if (broken === Infinity) return kept >= most ? undefined : Math.min(most, kept * 2);
  if (kept === 0) return broken <= 1 ? undefined : Math.max(1, Math.floor(broken / 2));
  if (broken - kept <= 1 || broken / kept <= 1 + tolerance) return undefined;
  const middle = Math.round(Math.sqrt(kept * broken));
  return Math.min(broken - 1, Math.max(kept + 1, middle));
}

export interface Knee {
  readonly headsets: number;
  readonly interval: readonly [number, number];
}

/**
 * The knee from the brackets of several searches.
 *
 * Each search gives the middle of its bracket. The interval holds both what searches differ by (Student's t on a scale of
 * ratios) and what one bracket leaves open; of a single search only the latter is known.
 *
 * @param brackets - at least one.
 */
export function kneeOf(brackets: readonly Bracket[], { most }: Pick<KneeOptions, 'most'>): Knee {
  const logs = brackets.map(({ kept, broken }) => (Math.log(Math.max(kept, 0.5)) + Math.log(Math.min(broken, most))) / 2);
  const open = Math.max(...brackets.map(({ kept, broken }) => (Math.log(Math.min(broken, most)) - Math.log(Math.max(kept, 0.5))) / 2));
  const middle = mean(logs);
  const chance = logs.length < 2 ? 0 : t95(logs.length - 1) * Math.sqrt(variance(logs) / logs.length);
  const half = Math.hypot(chance, Math.max(0, open));
  return { headsets: Math.round(Math.exp(middle)), interval: [Math.exp(middle - half), Math.exp(middle + half)] };
}
