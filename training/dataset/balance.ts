/** Evens out how many rows the classes have, with rows between neighbours (SMOTE). */
import { randomInt } from '../../core/random.ts';
import type { Random } from '../../core/random.ts';
import { classCounts } from './table.ts';
import type { Table } from './table.ts';

/**
 * SMOTE (Chawla, Bowyer, Hall and Kegelmeyer 2002, "SMOTE: Synthetic Minority Over-sampling Technique", algorithm 1): every
 * class gets as many rows as the largest has. A new row lies at a random point between a row of the class and one of its `k`
 * nearest rows of that class. A class with one row is repeated, since it has no neighbour.
 *
 * @returns the rows of `table`, then the new ones by class.
 * @bound O(rows of a class squared) distances for each class that is not the largest.
 */
export function smote(table: Table, random: Random, k = 5): Table {
  const size = table.width * table.steps;
  const counts = classCounts(table);
  const largest = Math.max(...counts);
  const made: { readonly row: Float32Array; readonly label: number }[] = [];
  counts.forEach((count, label) => {
    if (count === 0 || count === largest) return;
    const own = Array.from(table.classes.keys()).filter((row) => table.classes[row] === label);
    const neighbours = own.map((row) => nearestRows(table, row, own, k));
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
  const distances = among.filter((other) => other !== row).map((other) => {
    let square = 0;
    for (let column = 0; column < size; column++) square += (table.features[row * size + column]! - table.features[other * size + column]!) ** 2;
    return { other, square };
  });
  return distances.sort((a, b) => a.square - b.square).slice(0, k).map(({ other }) => other);
}

function between(values: Float32Array, from: number, to: number, size: number, share: number): Float32Array {
  return Float32Array.from({ length: size }, (_, column) => values[from + column]! + share * (values[to + column]! - values[from + column]!));
}
