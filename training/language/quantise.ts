/** Rounds the tables to int8, which is what makes the weights small enough to ship. */
import type { Network } from './network.ts';

export interface QuantisedTable {
  /** [rows, dim], -127..127. */
  readonly values: Int8Array;
  /** [dim] A column's weights are its values times its scale. */
  readonly scales: Float32Array;
}

/**
 * One scale for each column, symmetric around zero.
 *
 * A scale for each row would round more finely, but with one for each column the sum over a message's rows is a sum
 * of integers: exact in float32, so a message's result does not depend on how far its row is padded.
 */
export function quantiseTable(table: Float32Array, dim: number): QuantisedTable {
  const scales = new Float32Array(dim);
  for (let at = 0; at < table.length; at++) scales[at % dim] = Math.max(scales[at % dim]!, Math.abs(table[at]!));
  for (let column = 0; column < dim; column++) scales[column] = Math.max(scales[column]! / 127, 1e-12);
  const values = new Int8Array(table.length);
  for (let at = 0; at < table.length; at++) values[at] = Math.max(-127, Math.min(127, Math.round(table[at]! / scales[at % dim]!)));
  return { values, scales };
}

/** The two tables of a network, rounded. */
export interface QuantisedTables {
  readonly embedding: QuantisedTable;
  readonly wide: QuantisedTable;
}

export function quantiseTables({ embedding, wide, shape }: Network): QuantisedTables {
  return { embedding: quantiseTable(embedding, shape.dim), wide: quantiseTable(wide, shape.columns) };
}

/** The network as it computes with the rounded tables; shares the dense layers. */
export function withTables(network: Network, { embedding, wide }: QuantisedTables): Network {
  return { ...network, embedding: unrounded(embedding), wide: unrounded(wide) };
}

function unrounded({ values, scales }: QuantisedTable): Float32Array {
  return Float32Array.from(values, (value, at) => value * scales[at % scales.length]!);
}
