/** Decision trees over weighted rows (CART with Gini impurity), grown on binned columns. */
import { shuffle } from '../../core/random.ts';
import type { Random } from '../../core/random.ts';
import type { Table } from '../dataset/table.ts';

/** One tree; node 0 is the root. A row goes left where its value is at most the threshold. */
export interface Tree {
  /** [nodes] the column that is asked, -1 at a leaf. */
  readonly columns: readonly number[];
  readonly thresholds: readonly number[];
  readonly left: readonly number[];
  readonly right: readonly number[];
  /** [nodes] [classCount] shares of the weights at a leaf; empty elsewhere. */
  readonly shares: readonly (readonly number[])[];
}

export interface TreeOptions {
  readonly maxDepth: number;
  /** A leaf has at least so many rows. */
  readonly minLeafRows: number;
  /** Columns that one split looks at, drawn anew each time. */
  readonly columnsPerSplit: number;
}

/** Every column cut at no more than `MAX_BINS - 1` places, once for all trees. */
export interface BinnedTable {
  readonly table: Table;
  /** [columns] [rows], the bin of each value. */
  readonly bins: readonly Uint8Array[];
  /** By column: a value is in bin b when it is at most cut b and above the ones before. */
  readonly cuts: readonly Float32Array[];
}

const MAX_BINS = 64;

/** With few different values the cuts lie midway between neighbours, as in exact CART; else at quantiles. */
export function binTable(table: Table): BinnedTable {
  const size = table.width * table.steps;
  const bins: Uint8Array[] = [];
  const cuts: Float32Array[] = [];
  for (let column = 0; column < size; column++) {
    const values = Float32Array.from({ length: table.count }, (_, row) => table.features[row * size + column]!);
    const own = cutsOf(values);
    cuts.push(own);
    bins.push(Uint8Array.from(values, (value) => binOf(own, value)));
  }
  return { table, bins, cuts };
}

function cutsOf(values: Float32Array): Float32Array {
  const sorted = values.slice().sort();
  const different = sorted.filter((value, at) => at === 0 || value !== sorted[at - 1]);
  const between = Array.from({ length: Math.max(0, different.length - 1) }, (_, at) => midway(different[at]!, different[at + 1]!));
  if (between.length < MAX_BINS) return Float32Array.from(between);
  const wanted = Array.from({ length: MAX_BINS - 1 }, (_, at) => sorted[Math.floor(((at + 1) * sorted.length) / MAX_BINS)]!);
  return Float32Array.from([...new Set(wanted)].slice(0, MAX_BINS - 1));
}

/** In float32, which may round up to the higher one; then the lower itself divides the two. */
function midway(low: number, high: number): number {
  const middle = Math.fround((low + high) / 2);
  return middle < high ? middle : low;
}

function binOf(cuts: Float32Array, value: number): number {
  let low = 0;
  let high = cuts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (value <= cuts[middle]!) high = middle;
    else low = middle + 1;
  }
  return low;
}

interface Growing {
  readonly columns: number[];
  readonly thresholds: number[];
  readonly left: number[];
  readonly right: number[];
  readonly shares: number[][];
}

/**
 * Grows a tree.
 *
 * @param rows - those it learns from; a row may be there more than once.
 * @param weights - [table rows] how much each counts, none negative.
 */
export function growTree(binned: BinnedTable, rows: readonly number[], weights: Float64Array, options: TreeOptions, random: Random): Tree {
  const tree: Growing = { columns: [], thresholds: [], left: [], right: [], shares: [] };
  const grow = (own: readonly number[], depth: number): number => {
    const node = tree.columns.push(-1) - 1;
    tree.thresholds.push(0);
    tree.left.push(-1);
    tree.right.push(-1);
    tree.shares.push([]);
    const counts = weighClasses(binned.table, own, weights);
    const split = depth < options.maxDepth ? bestSplit(binned, own, weights, { counts, options, random }) : undefined;
    if (split === undefined) {
      const total = counts.reduce((sum, count) => sum + count, 0);
      tree.shares[node] = counts.map((count) => (total > 0 ? count / total : 1 / counts.length));
      return node;
    }
    const column = binned.bins[split.column]!;
    tree.columns[node] = split.column;
    tree.thresholds[node] = binned.cuts[split.column]![split.bin]!;
    tree.left[node] = grow(own.filter((row) => column[row]! <= split.bin), depth + 1);
    tree.right[node] = grow(own.filter((row) => column[row]! > split.bin), depth + 1);
    return node;
  };
  grow(rows, 0);
  return tree;
}

function weighClasses({ classes, classCount }: Table, rows: readonly number[], weights: Float64Array): number[] {
  const counts = new Array<number>(classCount).fill(0);
  for (const row of rows) counts[classes[row]!]! += weights[row]!;
  return counts;
}

interface Split {
  readonly column: number;
  /** The last bin that goes left. */
  readonly bin: number;
  readonly score: number;
}

/** The split with the largest sum of squared class weights over the weight of each side, which is the lowest Gini impurity. */
function bestSplit(
  binned: BinnedTable, rows: readonly number[], weights: Float64Array,
  { counts, options, random }: { readonly counts: readonly number[]; readonly options: TreeOptions; readonly random: Random },
): Split | undefined {
  if (rows.length < 2 * options.minLeafRows || counts.filter((count) => count > 0).length < 2) return undefined;
  const all = Array.from(binned.bins.keys());
  const columns = options.columnsPerSplit >= all.length ? all : shuffle(random, all).slice(0, options.columnsPerSplit);
  let best: Split | undefined = undefined;
  const parent = impurityScore(counts);
  for (const column of columns) {
    const found = bestBin(binned, column, rows, weights, { counts, minLeafRows: options.minLeafRows });
    if (found !== undefined && found.score > (best?.score ?? parent + 1e-12)) best = { column, ...found };
  }
  return best;
}

function bestBin(
  { bins, cuts, table }: BinnedTable, column: number, rows: readonly number[], weights: Float64Array,
  { counts, minLeafRows }: { readonly counts: readonly number[]; readonly minLeafRows: number },
): { bin: number; score: number } | undefined {
  const { classCount, classes } = table;
  const binCount = cuts[column]!.length + 1;
  const histogram = new Float64Array(binCount * classCount);
  const rowCounts = new Int32Array(binCount);
  const own = bins[column]!;
  for (const row of rows) {
    histogram[own[row]! * classCount + classes[row]!]! += weights[row]!;
    rowCounts[own[row]!]! += 1;
  }
  const left = new Array<number>(classCount).fill(0);
  let leftRows = 0;
  let best: { bin: number; score: number } | undefined;
  for (let bin = 0; bin < binCount - 1; bin++) {
    for (let label = 0; label < classCount; label++) left[label]! += histogram[bin * classCount + label]!;
    leftRows += rowCounts[bin]!;
    if (rowCounts[bin] === 0 || leftRows < minLeafRows || rows.length - leftRows < minLeafRows) continue;
    const score = impurityScore(left) + impurityScore(counts.map((count, label) => count - left[label]!));
    if (score > (best?.score ?? Number.NEGATIVE_INFINITY)) best = { bin, score };
  }
  return best;
}

function impurityScore(counts: readonly number[]): number {
  let total = 0;
  let squares = 0;
  for (const count of counts) {
    total += count;
    squares += count * count;
  }
  return total <= 0 ? 0 : squares / total;
}

/** The leaf that a row ends in. @param offset - where the row begins in `features`. */
export function leafOf(tree: Tree, features: Float32Array, offset: number): number {
  let node = 0;
  while (tree.columns[node]! >= 0) {
    node = features[offset + tree.columns[node]!]! <= tree.thresholds[node]! ? tree.left[node]! : tree.right[node]!;
  }
  return node;
}
