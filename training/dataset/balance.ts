/** Evens out how many rows the classes have, with rows between neighbours (SMOTE). */
import { randomInt, shuffle } from '../../core/random.ts';
import type { Random } from '../../core/random.ts';
import { classCounts } from './table.ts';
import type { Table } from './table.ts';

/** A class with more rows is searched for neighbours among so many of them: all would be a square of a hundred thousand. */
const MOST_NEIGHBOURS = 4000;

/**
 * SMOTE (Chawla, Bowyer, Hall and Kegelmeyer 2002, "SMOTE: Synthetic Minority Over-sampling Technique", algorithm 1): every
 * class gets as many rows as the largest has. A new row lies at a random point between a row of the class and one of its `k`
 * nearest rows of that class. A class with one row is repeated, since it has no neighbour.
 *
 * @returns the rows of `table`, then the new ones by class.
 * @bound Distances from each row that a new one begins at to its class, or to MOST_NEIGHBOURS rows of it drawn by `random`.
 */
export function smote(table: Table, random: Random, k = 5): Table {
  const size = table.width * table.steps;
  const counts = classCounts(table);
  const largest = Math.max(...counts);
  const made: { readonly row: Float32Array; readonly label: number }[] = [];
  counts.forEach((count, label) => {
    if (count === 0 || count === largest) return;
    const own = Array.from(table.classes.keys()).filter((row) => table.classes[row] === label);
    const among = own.length <= MOST_NEIGHBOURS ? own : shuffle(random, [...own]).slice(0, MOST_NEIGHBOURS);
    const neighbours = own.slice(0, largest - count).map((row) => nearestRows(table, row, among, k));
    for (let index = 0; index < largest - count; index++) {
      const at = index % own.length;
      const around = neighbours[at] ?? [];
      const from = own[at] ?? 0;
      const to = around.length === 0 ? from : around[randomInt(random, around.length)] ?? from;
      made.push({ row: between(table.features, from * size, to * size, size, random.next()), label });
    }
  });
  const features = new Float32Array((table.count + made.length) * size);
  features.set(table.features);
  made.forEach(({ row }, index) => features.set(row, (table.count + index) * size));
  const classes = Int32Array.from([...table.classes, ...made.map(({ label }) => label)]);
  return { ...table, features, classes, count: classes.length };
}

/** The `k` rows of `among`, `row` itself apart, that are nearest to it; ties by order. */
export function nearestRows(table: Table, row: number, among: readonly number[], k: number): number[] {
  const size = table.width * table.steps;
  /** The nearest so far, in order. */
  const nearest: { readonly other: number; readonly square: number }[] = [];
  for (const other of among) {
    if (other === row) continue;
    const limit = nearest.length < k ? Number.POSITIVE_INFINITY : (nearest[k - 1]?.square ?? 0);
    let square = 0;
    for (let column = 0; column < size && square < limit; column++) square += (table.features[row * size + column]! - table.features[other * size + column]!) ** 2;
    if (square >= limit) continue;
    const place = nearest.findIndex((own) => own.square > square);
    nearest.splice(place < 0 ? nearest.length : place, 0, { other, square });
    nearest.length = Math.min(nearest.length, k);
  }
  return nearest.map(({ other }) => other);
}

function between(values: Float32Array, from: number, to: number, size: number, share: number): Float32Array {
  return Float32Array.from({ length: size }, (_, column) => values[from + column]! + share * (values[to + column]! - values[from + column]!));
}
