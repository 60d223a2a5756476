/** What drawing the others costs a page before anything is drawn: npx tsx bench/main.ts engines [--smoke] */
import { measureEngines, type EngineRow } from './clients/engines.ts';
import { machineInfo, parseBenchArguments, printTable, saveReport } from './support.ts';

const AVATARS = 20;

export async function main(args: string[]): Promise<void> {
  const { json, smoke } = parseBenchArguments(args);
  const rows: EngineRow[] | undefined = await measureEngines({ avatars: AVATARS, frames: smoke ? 30 : 1000 });
  if (rows === undefined) return console.log('not run: there is no Chromium');
  printTable(rows.map(({ engine, meanMs, p99Ms }) => ({ engine, avatars: AVATARS, 'update mean ms': meanMs.toFixed(2), 'p99 ms': p99Ms.toFixed(2) })));
  if (json !== undefined) saveReport(json, { bench: 'engines', machine: machineInfo(), avatars: AVATARS, rows });
}
