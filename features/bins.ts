/** Bins of numbers: how training describes what a model has learnt from, and how serving counts what it sees, in the same bins. */

/** How one number was spread over bins: bin `i` holds what is above edge `i - 1` and not above edge `i`. */
export interface BinnedColumn {
  /** Strictly rising. */
  readonly edges: readonly number[];
  /** [edges + 1] of all values; sums to 1. */
  readonly shares: readonly number[];
}

/** Bins of a column: one for each twentieth of what training saw, so that the distance of two distributions is seen to about 0.05. */
export const COLUMN_BINS = 20;

/**
 * Edges for confidences, 0..1: denser towards 1, where most answers of a model lie, and the same for every model, so that two
 * versions can be compared and one without a reference can be watched too.
 */
export const CONFIDENCE_EDGES: readonly number[] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995];

/** Decimal digits that an edge keeps: an edge is a value that somebody's sample had, and less of it is enough. */
const EDGE_DIGITS = 3;
/** How far below a value that many samples have its bin begins, as a share of it: no less than what rounding takes. */
const BELOW = 0.01;
const LEAST_BELOW = 1e-6;

/** The bin of a value, 0..edges.length. @bound O(log edges), no allocation. */
export function binOf(edges: readonly number[], value: number): number {
  let low = 0;
  let high = edges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (edges[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Bins with about the same share of `values` in each. A value that occurs often has a bin to itself, so that a number which never
 * changed is seen to change, up or down; which is why the shares are counted and not taken to be equal.
 *
 * @param values - finite, at least one. Read only.
 */
export function quantileBins(values: ArrayLike<number>): BinnedColumn {
  const sorted = Float64Array.from(values).sort();
  const wanted = Array.from({ length: COLUMN_BINS - 1 }, (_, bin) => roundUp(sorted[Math.max(0, Math.ceil(((bin + 1) / COLUMN_BINS) * sorted.length) - 1)] ?? 0));
  const edges: number[] = [];
  const add = (edge: number): void => void (edge > (edges.at(-1) ?? -Infinity) && edges.push(edge));
  wanted.forEach((edge, at) => {
    if (edge === wanted[at + 1]) add(edge - Math.max(LEAST_BELOW, BELOW * Math.abs(edge)));
    add(edge);
  });
  return { edges, shares: sharesOf(countBins(edges, values)) };
}

/** To the digits of an edge, so that the value itself is not above it. */
function roundUp(value: number): number {
  const rounded = Number(value.toPrecision(EDGE_DIGITS));
  if (rounded >= value) return rounded;
  return Number((rounded + 10 ** (Math.floor(Math.log10(Math.abs(value))) + 1 - EDGE_DIGITS)).toPrecision(EDGE_DIGITS));
}

/** How many values lie in each bin, [edges + 1]. */
export function countBins(edges: readonly number[], values: ArrayLike<number>): Uint32Array {
  const counts = new Uint32Array(edges.length + 1);
  for (let at = 0; at < values.length; at++) counts[binOf(edges, values[at]!)]! += 1;
  return counts;
}

/** Counts as shares of their sum; zeros for nothing. */
export function sharesOf(counts: ArrayLike<number>): number[] {
  const total = Array.from(counts).reduce((sum, count) => sum + count, 0);
  return Array.from(counts, (count) => (total === 0 ? 0 : count / total));
}
