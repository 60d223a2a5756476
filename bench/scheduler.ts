/**
 * What each batching policy reaches, and what the scheduler costs: the real scheduler on a simulated clock.
 *
 * npx tsx bench/scheduler.ts [--json <file>] [--smoke]. A full run also writes its section of docs/performance.md.
 */
import { pathToFileURL } from 'node:url';
import { DEFAULT_POLICY } from '../server/scheduler/policy/policies.ts';
import { writeSection } from './performance-doc.ts';
import { ARRIVALS } from './scheduler/arrivals.ts';
import { measureCost, type CostRow } from './scheduler/cost.ts';
import { leastDelay, measureDelay, type DelayRow } from './scheduler/delay.ts';
import { measureOverload, type OverloadRow } from './scheduler/overload.ts';
import { COSTS, DEVICE_COUNTS, limitsOf, POLICY_NAMES, type Problem } from './scheduler/problem.ts';
import { recordedGaps } from './scheduler/recorded-gaps.ts';
import { schedulerSection, type SchedulerReport } from './scheduler/section.ts';
import { findClairvoyant, findSustained, type Cell, type SustainedRow } from './scheduler/sustained.ts';
import { machineInfo, parseBenchArguments, printTable, saveReport } from './support.ts';

const LENGTH = { full: 6000, smoke: 800 } as const;
const CLAIRVOYANT_DELAY_LENGTH = { full: 4000, smoke: 500 } as const;

/** Runs everything, prints the tables and, with `--json`, writes them with the machine that they were measured on. */
export async function main(args: string[]): Promise<void> {
  const { json, smoke } = parseBenchArguments(args);
  const cost = await measureCosts(smoke);
  const problems = (smoke ? [1, 4] : DEVICE_COUNTS).flatMap((deviceCount) => (smoke ? COSTS.slice(0, 1) : COSTS).map((of): Problem => ({ deviceCount, cost: of })));
  const report: SchedulerReport = {
    bench: 'scheduler',
    machine: machineInfo(),
    cost,
    sustained: await measureSustained(problems, smoke),
    overload: await measureOverloads(problems, smoke),
    delay: await measureDelays(problems, smoke),
  };
  console.log('CPU time of the scheduler (l(b) = 2 + 0.25 b, D = 20 ms)');
  printTable(cost.map(({ heapMiB, ...row }) => rounded({ ...row, heapMiB: `${heapMiB[0]?.toFixed(1) ?? ''}-${heapMiB.at(-1)?.toFixed(1) ?? ''}` })));
  console.log('Highest load with 99 % in time, of T_even');
  printTable(report.sustained.map(rounded));
  console.log('At twice the load of T_even');
  printTable(report.overload.map(rounded));
  console.log('p99 delay at 70 % of T_even');
  printTable(report.delay.map(rounded));
  if (json !== undefined) saveReport(json, report);
  if (!smoke) writeSection(schedulerSection(report));
}

async function measureCosts(smoke: boolean): Promise<CostRow[]> {
  const seconds = smoke ? 0.2 : 20;
  progress('cost');
  return [
    await measureCost({ policy: DEFAULT_POLICY, deviceCount: 40, requestsPerSecond: 100_000, seconds }),
    await measureCost({ policy: DEFAULT_POLICY, deviceCount: 20, requestsPerSecond: 100_000, seconds: seconds / 3 }),
    await measureCost({ policy: DEFAULT_POLICY, deviceCount: 1, requestsPerSecond: 3000, seconds: seconds * 3 }),
  ];
}

async function measureSustained(problems: readonly Problem[], smoke: boolean): Promise<SustainedRow[]> {
  const recordings = await recordedGaps();
  const rows: SustainedRow[] = [];
  for (const problem of problems) {
    for (const arrivals of ARRIVALS) {
      const cell: Cell = { problem, arrivals, recordings, length: smoke ? LENGTH.smoke : LENGTH.full };
      const clairvoyant = problem.deviceCount === 1 ? findClairvoyant(cell) : null;
      const { evenHz, executionHz } = limitsOf(problem);
      for (const policy of POLICY_NAMES) {
        progress(`sustained: ${problem.deviceCount} devices, ${problem.cost.name}, ${arrivals}, ${policy}`);
        const ofEven = await findSustained(cell, policy);
        const ofClairvoyant = clairvoyant === null ? null : ofEven / clairvoyant;
        rows.push({ deviceCount: problem.deviceCount, cost: problem.cost.name, arrivals, policy, ofEven, ofExecution: (ofEven * evenHz) / executionHz, ofClairvoyant });
      }
    }
  }
  return rows;
}

async function measureOverloads(problems: readonly Problem[], smoke: boolean): Promise<OverloadRow[]> {
  const rows: OverloadRow[] = [];
  for (const problem of problems) {
    for (const policy of POLICY_NAMES) {
      progress(`overload: ${problem.deviceCount} devices, ${problem.cost.name}, ${policy}`);
      rows.push(await measureOverload(problem, policy, smoke));
    }
  }
  return rows;
}

async function measureDelays(problems: readonly Problem[], smoke: boolean): Promise<DelayRow[]> {
  const kind = smoke ? 'smoke' : 'full';
  const rows: DelayRow[] = [];
  for (const problem of problems) {
    for (const policy of POLICY_NAMES) {
      progress(`delay: ${problem.deviceCount} devices, ${problem.cost.name}, ${policy}`);
      rows.push(await measureDelay(problem, policy, LENGTH[kind]));
    }
    if (problem.deviceCount === 1) rows.push(leastDelay(problem, CLAIRVOYANT_DELAY_LENGTH[kind]));
  }
  return rows;
}

/** One line that is written over; a line each where there is no terminal. */
function progress(text: string): void {
  process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${text}` : `${text}\n`);
}

function rounded(row: object): Record<string, string | number> {
  const entries = Object.entries(row) as [string, unknown][];
  return Object.fromEntries(entries.map(([name, value]) => [name, typeof value === 'number' ? Number(value.toFixed(3)) : String(value ?? '')]));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main(process.argv.slice(2));
