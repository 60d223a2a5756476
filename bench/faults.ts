/**
 * What those notice who are in other sessions while a server is attacked, and whether it keeps any memory of it.
 *
 * npx tsx bench/main.ts faults [--smoke]. Needs g++ for the load generator, and two cores. A full run takes about four
 * minutes and writes its section of docs/performance.md.
 */
import { randomBytes } from 'node:crypto';
import { sleep, systemClock } from '../core/clock.ts';
import { encodedPose } from './fanout/pose.ts';
import { startCopresence } from './fanout/candidates.ts';
import { compile, Load, missingTool, rssMiB, type LoadedServer, type Measurement } from './fanout/load.ts';
import { ATTACKS, type Attack, type Target } from './faults/attacks.ts';
import { markdownTable, writeSection } from './performance-doc.ts';
import { machineInfo, parseBenchArguments, printTable, saveReport, type MachineInfo } from './support.ts';

const TICK_HZ = 72;
const MEMBERS = 16;
const OTHERS = 64;
const ACCEPTS_PER_SECOND = 500;
const QUIET_MS = 3000;
const WARM_MS = 4000;
/** Memory has as long to come back to this share of what it was. */
const MEMORY_MS = 60_000;
const MEMORY_SHARE = 1.05;
const POLL_MS = 500;
/** In a smoke run each attack is as short as shows that it works; those that need the server's own waits are left out. */
const SMOKE = { faults: new Set([11, 14, 17]), durationMs: 1000 } as const;

export interface FaultRow {
  readonly fault: number;
  readonly name: string;
  readonly beforeP99Ms: number;
  readonly duringP99Ms: number;
  readonly afterP99Ms: number;
  /** How far the counter that belongs to it moved. */
  readonly counter: string;
  readonly counted: number;
  readonly beforeMiB: number;
  readonly duringMiB: number;
  /** When it had come back to within 5 %; null when it had not in a minute. */
  readonly memoryBackMs: number | null;
  readonly afterMiB: number;
  readonly othersCpu: number;
}

export async function main(args: string[]): Promise<void> {
  const { json, smoke } = parseBenchArguments(args);
  const missing = missingTool();
  if (missing !== undefined) return console.log(`left out: this machine lacks ${missing}`);
  const adminToken = randomBytes(32).toString('hex');
  const server = await startCopresence(['--tick-rate-hz', String(TICK_HZ), '--admin-token', adminToken, '--accepts-per-second', String(ACCEPTS_PER_SECOND)], { members: MEMBERS });
  const load = new Load(server, compile('generator'), { protocol: 'copresence', poseHz: TICK_HZ, members: MEMBERS, pose: encodedPose() });
  try {
    if (!(await load.grow(smoke ? MEMBERS : OTHERS))) throw new Error('the others could not join');
    await sleep(clock, smoke ? POLL_MS : WARM_MS);
    const rows = await measureAll({ server, load, adminToken }, smoke);
    printTable(rows.map(shown));
    const report = { bench: 'faults', machine: machineInfo(), tickRateHz: TICK_HZ, others: OTHERS, rows };
    if (json !== undefined) saveReport(json, report);
    if (smoke) return;
    saveReport('bench/results/faults.json', report);
    writeSection({ name: 'faults', markdown: markdownOf(report.machine, rows), charts: [] });
  } finally {
    await load.stop();
    await server.stop();
  }
}

const clock = systemClock();

interface Bench {
  readonly server: LoadedServer;
  readonly load: Load;
  readonly adminToken: string;
}

async function measureAll(bench: Bench, smoke: boolean): Promise<FaultRow[]> {
  const rows: FaultRow[] = [];
  for (const attack of ATTACKS.filter(({ fault }) => !smoke || SMOKE.faults.has(fault))) {
    const target = { port: bench.server.port, adminToken: bench.adminToken };
    const durationMs = smoke ? SMOKE.durationMs : attack.durationMs;
    // What a first time compiles and sets up stays, and is not what the attack leaves behind.
    if (!smoke) await attack.run(target, durationMs);
    if (!smoke) await sleep(clock, WARM_MS);
    const row = await measureOne(bench, attack, { target, durationMs, quietMs: smoke ? POLL_MS : QUIET_MS, memoryMs: smoke ? 0 : MEMORY_MS });
    console.log(`${row.name}: p99 ${row.beforeP99Ms.toFixed(1)}, ${row.duringP99Ms.toFixed(1)}, ${row.afterP99Ms.toFixed(1)} ms before, during and after`);
    rows.push(row);
  }
  return rows;
}

async function measureOne({ server, load }: Bench, attack: Attack, { target, durationMs, quietMs, memoryMs }: { target: Target; durationMs: number; quietMs: number; memoryMs: number }): Promise<FaultRow> {
  const beforeMiB = rssMiB(server.pid);
  const counted = await countOf(server.port, attack.counter);
  const before = await measured(load, quietMs);
  const [during] = await Promise.all([measured(load, durationMs), attack.run(target, durationMs)]);
  const duringMiB = rssMiB(server.pid);
  const memoryBackMs = await memoryBack(server.pid, beforeMiB * MEMORY_SHARE, memoryMs);
  const after = await measured(load, quietMs);
  return {
    fault: attack.fault, name: attack.name, beforeP99Ms: before.p99Ms, duringP99Ms: during.p99Ms, afterP99Ms: after.p99Ms,
    counter: `${attack.counter.series}{${attack.counter.label}}`, counted: (await countOf(server.port, attack.counter)) - counted,
    beforeMiB, duringMiB, memoryBackMs, afterMiB: rssMiB(server.pid), othersCpu: before.othersCpu,
  };
}

/** @throws Error when one of the others lost their connection. */
async function measured(load: Load, durationMs: number): Promise<Measurement> {
  const measurement = await load.measure(durationMs);
  if (measurement === undefined || measurement.strange > 0) throw new Error('the others lost their connections, or got what nobody sent');
  return measurement;
}

async function memoryBack(pid: number, boundMiB: number, withinMs: number): Promise<number | null> {
  const startMs = clock.nowMs();
  while (rssMiB(pid) > boundMiB) {
    if (clock.nowMs() - startMs >= withinMs) return null;
    await sleep(clock, POLL_MS);
  }
  return clock.nowMs() - startMs;
}

async function countOf(port: number, { series, label }: Attack['counter']): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line.startsWith(`${series}{`) && line.includes(`="${label}"`));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

function shown(row: FaultRow): Record<string, string | number> {
  return {
    fault: row.fault, 'what is done': row.name, 'p99 before, during, after, ms': [row.beforeP99Ms, row.duringP99Ms, row.afterP99Ms].map((ms) => ms.toFixed(1)).join(', '),
    'during / before': (row.duringP99Ms / row.beforeP99Ms).toFixed(2), counter: `${row.counter} +${row.counted}`, 'MiB before, during, after': [row.beforeMiB, row.duringMiB, row.afterMiB].map((mib) => mib.toFixed(0)).join(', '),
    'within 5 % after, s': row.memoryBackMs === null ? 'not in 60' : (row.memoryBackMs / 1000).toFixed(1),
  };
}

function markdownOf(machine: MachineInfo, rows: readonly FaultRow[]): string {
  return `## Under attack

\`npm run bench -- faults\` on ${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, commit ${machine.commit}. ${OTHERS} headsets in sessions of ${MEMBERS} at ${TICK_HZ} Hz are
somewhere else on the same server, which has one core; their p99 is from a pose's sending to its receipt, the wait for the tick included. Each
attack is made once before it is measured, so that memory which it leaves behind shows, and what a first time sets up does not. The numbers
of the faults are those of [faults.md](faults.md). Other programs took at most ${(100 * Math.max(0, ...rows.map(({ othersCpu }) => othersCpu))).toFixed(0)} % of a core before the attacks.

${markdownTable(rows.map(shown))}
`;
}
