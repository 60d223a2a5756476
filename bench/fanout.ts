/**
 * How many poses a second one core of server passes on in time: this project's server, with everything it checks, against
 * others and against the bare machine, all under one load generator.
 *
 * npx tsx bench/main.ts fanout [--smoke]. Needs g++ for the load generator, and two cores. A full run takes about nine
 * minutes, saves its report as it goes, and writes its section of docs/performance.md.
 */
import { poseHz, CANDIDATES, SINK, type Candidate, type Mode } from './fanout/candidates.ts';
import { findKnee, LoadedBench, type Cell, type Durations, type KneeResult, type Point } from './fanout/find-knee.ts';
import { compile, missingTool } from './fanout/load.ts';
import { measureMemory, type MemoryRow } from './fanout/memory.ts';
import { fanoutSection, type FanoutReport } from './fanout/section.ts';
import { writeSection } from './performance-doc.ts';
import { machineInfo, parseBenchArguments, saveReport } from './support.ts';

const RESULTS_FILE = 'bench/results/fanout.json';
const DURATIONS = { full: { settleMs: 350, measureMs: 1000 }, smoke: { settleMs: 150, measureMs: 250 } } as const satisfies Record<string, Durations>;
const MODES: readonly Mode[] = ['relay', 36, 72];
/** Every server with sessions of this size, and the ones below with larger ones. */
const MEMBERS = 16;
const LARGE = { members: 64, names: new Set(['socket.io', 'ws', 'uws-publish', 'colyseus-uws', 'epoll', 'copresence-ws', 'copresence-uws']) } as const;
/** Further sizes of sessions, for the curve over them. */
const GROWTH = { mode: 36, members: [4, 32], names: ['copresence-uws', 'colyseus-uws', 'ws'] } as const;
const BEYOND = [1.5, 2] as const;
/** Whose behaviour beyond the knee is shown. */
const SHOWN_BEYOND: ReadonlySet<string> = new Set(['copresence-ws', 'copresence-uws', 'ws', 'uws-publish']);
const MEMORY_NAMES: ReadonlySet<string> = new Set(['socket.io', 'ws', 'uws-publish', 'colyseus-ws', 'colyseus-uws', 'copresence-ws', 'copresence-uws']);
const IDLE = { full: { participants: 1024, settleMs: 2000 }, smoke: { participants: 64, settleMs: 200 } } as const;
const SINK_CLIENTS = { full: 1024, smoke: 64 } as const;
const SMOKE = { names: new Set(['ws', 'copresence-uws']), memoryNames: new Set(['copresence-uws']), most: 64 } as const;

export async function main(args: string[]): Promise<void> {
  const { json, smoke } = parseBenchArguments(args);
  const missing = missingTool();
  if (missing !== undefined) return console.log(`left out: this machine lacks ${missing}`);
  const kind = smoke ? 'smoke' : 'full';
  const program = compile('generator');
  const report: FanoutReport = { bench: 'fanout', machine: machineInfo(), sink: [], knees: [], memory: [] };
  const save = (): void => {
    if (json !== undefined) saveReport(json, report);
    if (!smoke) saveReport(RESULTS_FILE, report);
  };
  report.sink.push(...(await measureSink(program, SINK_CLIENTS[kind], DURATIONS[kind])));
  for (const cell of smoke ? smokeCells() : cells()) {
    const result = await orElse(`${cell.candidate.name}, ${cell.mode}, ${cell.members} a session`, findKnee(cell, program, { durations: DURATIONS[kind], beyond: SHOWN_BEYOND.has(cell.candidate.name) && cell.members === MEMBERS ? BEYOND : [], ...(smoke ? { most: SMOKE.most } : {}) }));
    if (result === undefined) continue;
    report.knees.push(result);
    printKnee(result);
    save();
  }
  warnOfOthers(report.knees);
  for (const candidate of CANDIDATES.filter(({ name }) => (smoke ? SMOKE.memoryNames : MEMORY_NAMES).has(name))) {
    const row = await orElse(`${candidate.name}, memory`, measureMemory(candidate, program, IDLE[kind]));
    if (row === undefined) continue;
    report.memory.push(row);
    printMemory(row);
    save();
  }
  if (!smoke) writeSection(fanoutSection(report));
}

/** One server that does not start, or delivers what nobody sent, does not cost the figures of the others; the run has failed all the same. */
async function orElse<T>(what: string, measuring: Promise<T>): Promise<T | undefined> {
  try {
    return await measuring;
  } catch (error) {
    console.error(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
    return undefined;
  }
}

function cells(): Cell[] {
  const able = (mode: Mode): Candidate[] => CANDIDATES.filter(({ can }) => can(mode));
  const all = MODES.flatMap((mode) => able(mode).map((candidate): Cell => ({ candidate, mode, members: MEMBERS })));
  const large = MODES.flatMap((mode) => able(mode).filter(({ name }) => LARGE.names.has(name)).map((candidate): Cell => ({ candidate, mode, members: LARGE.members })));
  const growth = GROWTH.members.flatMap((members) => GROWTH.names.map((name): Cell => ({ candidate: named(name), mode: GROWTH.mode, members })));
  return [...all, ...large, ...growth];
}

function smokeCells(): Cell[] {
  return CANDIDATES.filter(({ name }) => SMOKE.names.has(name)).map((candidate) => ({ candidate, mode: 36, members: MEMBERS }));
}

function named(name: string): Candidate {
  const candidate = CANDIDATES.find((one) => one.name === name);
  if (candidate === undefined) throw new Error(`no candidate called ${name}`);
  return candidate;
}

/** What the generator needs to send by itself, at both rates. */
async function measureSink(program: string, clients: number, durations: Durations): Promise<FanoutReport['sink'][number][]> {
  const rows = [];
  for (const mode of [36, 72]) {
    const bench = new LoadedBench({ candidate: SINK, mode, members: MEMBERS }, program, durations);
    const point = await bench.measure(clients).finally(() => bench.stop());
    if (point === undefined) throw new Error('the load generator lost its clients of a server that says nothing');
    rows.push({ clients, poseHz: poseHz(mode), sentPerSecond: point.sent / point.seconds, generatorCpu: point.generatorCpu, generatorLongestMs: point.generatorLongestMs });
    console.log(`generator alone: ${clients} clients at ${mode} Hz take ${percent(point.generatorCpu)} of its core, longest loop ${point.generatorLongestMs.toFixed(1)} ms`);
  }
  return rows;
}

function printKnee({ name, mode, members, knee, points, beyond }: KneeResult): void {
  const where = `${name.padEnd(14)} ${mode === 'relay' ? 'relay  ' : `${mode} Hz  `} ${String(members).padStart(2)} a session`;
  console.log(`${where}  ${knee === undefined ? 'bears nothing' : describe(knee)}  (${points.length} trials)`);
  for (const { times, point } of beyond) console.log(`${''.padEnd(where.length)}  at ${times}x: ${point === undefined ? 'clients lost their connection' : describe(point)}`);
}

/** On a machine that does other things meanwhile the figures say little. */
function warnOfOthers(knees: readonly KneeResult[]): void {
  const most = Math.max(0, ...knees.map(({ knee }) => knee?.othersCpu ?? 0));
  if (most > 0.2) console.log(`other programs took up to ${percent(most)} of a core meanwhile: measure again on a quiet machine`);
}

function describe(point: Point): string {
  const { senders, deliveredPerSecond, deliveredShare, p99Ms, serverCpu, generatorCpu, generatorLongestMs } = point;
  return `${String(senders).padStart(4)} senders  ${(deliveredPerSecond / 1000).toFixed(0).padStart(5)}k/s  ${percent(deliveredShare)} delivered  p99 ${p99Ms.toFixed(1).padStart(5)} ms  server ${percent(serverCpu)}  generator ${percent(generatorCpu)}, longest ${generatorLongestMs.toFixed(1)} ms`;
}

function printMemory({ name, participants, kibPerParticipant }: MemoryRow): void {
  console.log(`${name.padEnd(14)} ${participants} idle participants: ${kibPerParticipant.toFixed(1)} KiB each`);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}
