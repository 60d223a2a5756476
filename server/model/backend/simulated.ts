/** Computes nothing and takes as long as a device would: for load without an accelerator. */
import { sleep } from '../../../core/clock.ts';
import type { Clock } from '../../../core/clock.ts';
import { CopresenceError } from '../../../core/errors.ts';
import { viewRows } from '../tensor-block.ts';
import type { TensorBlock, TensorData } from '../tensor-block.ts';
import type { Backend, ModelBlocks, RowRange } from './backend.ts';

/** How long a batch takes, and what the device pretends to lack. */
export interface SimulatedOptions {
  /** l(b) = baseMs + perItemMs · b */
  readonly baseMs: number;
  readonly perItemMs: number;
  /** Measured points instead of the line, by size from the smallest up; between two it is interpolated, behind the last it goes on. */
  readonly table?: readonly { readonly size: number; readonly ms: number }[];
  /** `zeros`, where left out, or `digest`: a number in 0..1, from the bytes of a row of inputs, in every place of its outputs. */
  readonly outputs?: 'zeros' | 'digest';
  /** More rows than this find no memory on the device. */
  readonly memoryRows?: number;
  /** A row whose first input begins with this number finds none either. */
  readonly memoryMark?: number;
  /** A batch with a row that begins with this number takes twice as long. */
  readonly slowMark?: number;
  /** A batch with a row that begins with this number never ends. */
  readonly hangMark?: number;
}

/** A device that is as precise as the clock's timers: on the machine's clock a batch takes up to a millisecond longer. */
export function openSimulatedBackend(clock: Clock, blocks: ModelBlocks, options: SimulatedOptions): Backend {
  return {
    provider: 'simulated',
    refusedProviders: [],
    async run(range) {
      if (findsNoMemory(blocks, range, options)) throw new CopresenceError('DEVICE_OUT_OF_MEMORY', `simulated, for ${range.count} rows`);
      if (isMarked(blocks, range, options.hangMark)) await new Promise(() => undefined);
      const doneMs = clock.nowMs() + simulatedMs(options, range.count) * (isMarked(blocks, range, options.slowMark) ? 2 : 1);
      for (let leftMs = doneMs - clock.nowMs(); leftMs > 0; leftMs = doneMs - clock.nowMs()) await sleep(clock, leftMs);
      answer(blocks, range, options.outputs ?? 'zeros');
    },
    close: () => Promise.resolve(),
  };
}

/** l(b) for `size` rows, milliseconds, never below 0. @param size - 1.. */
export function simulatedMs({ baseMs, perItemMs, table = [] }: SimulatedOptions, size: number): number {
  const [only] = table;
  if (only === undefined) return baseMs + perItemMs * size;
  const above = table.findIndex((point) => point.size >= size);
  const upper = table[Math.max(1, above < 0 ? table.length - 1 : above)];
  const lower = upper === undefined ? undefined : table[table.indexOf(upper) - 1];
  if (upper === undefined || lower === undefined) return only.ms;
  return Math.max(0, lower.ms + ((upper.ms - lower.ms) * (size - lower.size)) / (upper.size - lower.size));
}

function findsNoMemory(blocks: ModelBlocks, range: RowRange, { memoryRows = Infinity, memoryMark }: SimulatedOptions): boolean {
  return range.count > memoryRows || isMarked(blocks, range, memoryMark);
}

function isMarked({ inputs }: ModelBlocks, range: RowRange, mark: number | undefined): boolean {
  const [input] = inputs.values();
  return mark !== undefined && input !== undefined && rowsOf(input, range).some((row) => Number(row[0]) === mark);
}

function answer({ inputs, outputs }: ModelBlocks, range: RowRange, kind: 'zeros' | 'digest'): void {
  const inputRows = kind === 'zeros' ? [] : [...inputs.values()].map((block) => rowsOf(block, range));
  for (const block of outputs.values()) {
    rowsOf(block, range).forEach((row, index) => {
      fill(row, kind === 'zeros' ? 0 : digest(inputRows.flatMap((rows) => rows[index] ?? [])));
    });
  }
}

function rowsOf(block: TensorBlock, { first, count, symbolicSize }: RowRange): TensorData[] {
  return Array.from({ length: count }, (_, index) => viewRows(block, first + index, 1, symbolicSize).data);
}

function fill(row: TensorData, value: number): void {
  if (row instanceof BigInt64Array) row.fill(BigInt(Math.floor(value * 100)));
  else row.fill(row instanceof Float32Array ? value : Math.floor(value * 100));
}

/** FNV-1a over all bytes, as a share of 2^32. */
export function digest(parts: readonly TensorData[]): number {
  let hash = 0x811c9dc5;
  for (const { buffer, byteOffset, byteLength } of parts) {
    for (const byte of new Uint8Array(buffer, byteOffset, byteLength)) hash = Math.imul(hash ^ byte, 0x01000193);
  }
  return (hash >>> 0) / 2 ** 32;
}
