/** What the benchmarks share: arguments, the machine's name, medians, tables and reports. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';

export interface BenchArguments {
  /** Where to save the report; undefined to print only. */
  readonly json: string | undefined;
  /** Run each measurement as short as can be: to see that it works, not for its figures. */
  readonly smoke: boolean;
}

export interface MachineInfo {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly node: string;
  readonly platform: string;
  /** The checked-out commit, with `+` when tracked files differ from it; `unknown` outside a checkout. */
  readonly commit: string;
}

/** Reads `--json file` and `--smoke`. @throws TypeError for any other option. */
export function parseBenchArguments(args: string[]): BenchArguments {
  const { values } = parseArgs({ args, options: { json: { type: 'string' }, smoke: { type: 'boolean', default: false } } });
  return { json: values.json, smoke: values.smoke };
}

export function machineInfo(): MachineInfo {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    commit: commit(),
  };
}

/** Writes a report as JSON, making its folder. */
export function saveReport(file: string, report: object): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
}

/** The middle value, or the mean of the two in the middle; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

/** Prints rows under the names of their fields, numbers to the right. All rows have the fields of the first. */
export function printTable(rows: readonly Readonly<Record<string, string | number>>[]): void {
  const columns = Object.keys(rows[0] ?? {});
  const widths = columns.map((column) => Math.max(column.length, ...rows.map((row) => String(row[column]).length)));
  const line = (cells: readonly (string | number)[]): string => cells.map((cell, index) => pad(cell, widths[index] ?? 0)).join('  ').trimEnd();
  console.log(line(columns));
  console.log(widths.map((width) => '-'.repeat(width)).join('  '));
  for (const row of rows) console.log(line(columns.map((column) => row[column] ?? '')));
}

function pad(cell: string | number, width: number): string {
  return typeof cell === 'number' || /^[\d.]/.test(cell) ? String(cell).padStart(width) : cell.padEnd(width);
}

function commit(): string {
  const git = (...args: string[]): string => execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    return git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', '--untracked-files=no') === '' ? '' : '+');
  } catch {
    return 'unknown';
  }
}
