/** The table of the conformance kit in docs/clients.md: what the kit saw, between two markers. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './native-build.ts';
import { ROWS, type Outcome, type Table } from './kit.ts';
import type { Sdk } from './sdk.ts';

const FILE = join(ROOT, 'docs/clients.md');
const START = '<!-- conformance: made by npm run conformance -->';
const END = '<!-- /conformance -->';

/** By SDK, then by row, what is in a cell. */
export type Cells = ReadonlyMap<string, ReadonlyMap<string, string>>;

export function cellOf(outcome: Outcome): string {
  return outcome.kind === 'passed' ? ['yes', ...(outcome.but === undefined ? [] : [outcome.but])].join(', ') : outcome.kind === 'failed' ? 'no' : `not run: ${outcome.why}`;
}

/** What the kit saw, once it is through. */
export async function cellsOf(sdks: readonly Sdk[], table: Table): Promise<Cells> {
  const columns = sdks.map(async ({ name }) => {
    const cells = await Promise.all(ROWS.map(async (row) => [row, cellOf(await table.outcome(name, row))] as const));
    return [name, new Map(cells)] as const;
  });
  return new Map(await Promise.all(columns));
}

/** What the document says. @throws when it has no table. */
export function cellsInDocument(): Cells {
  const text = readFileSync(FILE, 'utf8');
  if (!text.includes(START) || !text.includes(END)) throw new Error(`${FILE} has no markers of the conformance kit`);
  const [head = [], , ...rows] = text.slice(text.indexOf(START) + START.length, text.indexOf(END)).trim().split('\n').map((line) => line.split('|').slice(1, -1).map((cell) => cell.trim()));
  return new Map(head.slice(1).map((name, column) => [name, new Map(rows.map((row) => [row[0] ?? '', row[column + 1] ?? '']))]));
}

export function writeCells(cells: Cells): void {
  const text = readFileSync(FILE, 'utf8');
  const names = [...cells.keys()];
  const line = (fields: readonly string[]): string => `| ${fields.join(' | ')} |`;
  const rows = ROWS.map((row) => line([row, ...names.map((name) => cells.get(name)?.get(row) ?? '')]));
  const table = [line(['', ...names]), `|---|${names.map(() => '---|').join('')}`, ...rows].join('\n');
  writeFileSync(FILE, `${text.slice(0, text.indexOf(START) + START.length)}\n${table}\n${text.slice(text.indexOf(END))}`);
}
