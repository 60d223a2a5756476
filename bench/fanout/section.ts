/** The section `fanout` of docs/performance.md. */
import { barChart, lineChart, type Series } from '../../sim/report/chart.ts';
import { markdownTable, type Section, type SectionChart } from '../performance-doc.ts';
import type { MachineInfo } from '../support.ts';
import type { Mode } from './candidates.ts';
import type { KneeResult, Point } from './find-knee.ts';
import type { MemoryRow } from './memory.ts';

export interface SinkRow {
  readonly clients: number;
  readonly poseHz: number;
  readonly sentPerSecond: number;
  readonly generatorCpu: number;
  readonly generatorLongestMs: number;
}

export interface FanoutReport {
  readonly bench: 'fanout';
  readonly machine: MachineInfo;
  /** The load generator against a server that reads and says nothing. */
  readonly sink: SinkRow[];
  readonly knees: KneeResult[];
  readonly memory: MemoryRow[];
}

/** A server keeps its colour in every chart. */
const COLOURS: Readonly<Record<string, number>> = { 'copresence-uws': 0, ws: 1, 'copresence-ws': 2, 'socket.io': 3, 'colyseus-uws': 4, 'uws-publish': 5 };
const OURS = ['copresence-ws', 'copresence-uws'] as const;
/** Beyond the chart's top a server is lost, however far. */
const P99_SHOWN_MS = 200;

export function fanoutSection(report: FanoutReport): Section {
  const { machine, knees } = report;
  const groups = [...new Map(knees.map((result) => [`${modeName(result.mode)}, ${result.members} a session`, result])).entries()];
  const tables = groups.filter(([, { members }]) => members === 16 || members === 64).map(([title, { mode, members }]) => `#### ${title}\n\n${kneeTable(knees, mode, members)}`);
  const markdown = `## Fan-out

\`npm run bench -- fanout\` on ${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, commit ${machine.commit}. Each server runs alone, on one core; the load
generator, in C++ on epoll, on another. A client sends a head and two controllers that sway: 36 bytes as this protocol encodes them, 100 bytes of
floats to the others. It gets from \`copresence-ws\` and \`copresence-uws\` what has changed, as the SDK does, and from \`copresence-uws-plain\` whole samples. This project's server runs as \`server/main.ts\` starts it, with tokens, grants, rates, clocks and every check; the others check nothing
(\`bench/fanout/peers.ts\`, \`bench/fanout/epoll-server.cpp\`). \`relay\`: poses of 72 Hz go out as they come. Ticks: poses come, and
snapshots go, at the named rate.

A delivery is a pose that reaches another member for the first time; its age is from the generator's send to its receipt. The knee is the
largest number of senders with a p99 under 20 ms (with ticks: 20 ms and one period, as long as which a pose may have to wait for its tick) and 90 % of all
deliveries made. It is found to a tenth. Where only changes come, the generator knows a pose by its capture time, which the server has moved
onto its own clock: those ages are right to some tenths of a millisecond.

### Goals

${goalTable(knees)}

### The knee

${tables.join('\n\n')}

{{sessions}}

{{relay}}

{{members}}

### Beyond the knee

At 1.5 and 2 times the senders of the knee. Not delivered is what was superseded by a newer pose of the same sender, or could not be sent
since the server did not read.

${beyondTable(knees)}

### Memory of idle participants

Growth of the resident set by ${report.memory[0]?.participants ?? 0} participants in sessions of 16 who join and send nothing, beside 256 that were there before.

${markdownTable(report.memory.map(({ name, beforeMiB, afterMiB, kibPerParticipant }) => ({ server: name, 'before, MiB': beforeMiB.toFixed(1), 'after, MiB': afterMiB.toFixed(1), 'KiB each': kibPerParticipant.toFixed(1) })))}

{{memory}}

### The load generator

Is not the limit where it is busy for less than 85 % of its core and never looks away for longer than 10 ms; each row above says how
busy it was. A knee is marked with ≥ where it was beyond that at the first number of senders that was not borne. Against a server that reads and says nothing:

${markdownTable(report.sink.map(({ clients, poseHz, sentPerSecond, generatorCpu, generatorLongestMs }) => ({ clients, 'poses, Hz': poseHz, 'sent, 1/s': Math.round(sentPerSecond), 'its core': percent(generatorCpu), 'longest loop, ms': generatorLongestMs.toFixed(1) })))}

Other programs took at most ${percent(Math.max(0, ...report.knees.map(({ knee }) => knee?.othersCpu ?? 0)))} of a core at any knee. The rows of \`epoll\` are the same generator on the barest server: what it counts there, it could count for every other.
`;
  return { name: 'fanout', markdown, charts: charts(report) };
}

function kneeTable(knees: readonly KneeResult[], mode: Mode, members: number): string {
  const rows = knees.filter((result) => result.mode === mode && result.members === members);
  const of = (name: string): number => deliveries(knees, name, mode, members);
  return markdownTable(rows.map(({ name, knee, ...result }) => ({
    server: name,
    senders: knee === undefined ? 0 : `${isBounded({ ...result, name, knee }) ? '≥ ' : ''}${knee.senders}`,
    'deliveries, thousands/s': ((knee?.deliveredPerSecond ?? 0) / 1000).toFixed(0),
    'of ws': times(knee?.deliveredPerSecond ?? 0, of('ws')),
    'of socket.io': times(knee?.deliveredPerSecond ?? 0, of('socket.io')),
    'p50, p99, ms': knee === undefined ? '' : `${knee.p50Ms.toFixed(1)}, ${knee.p99Ms.toFixed(1)}`,
    'bytes a delivery': knee === undefined ? '' : (knee.bytesIn / knee.delivered).toFixed(0),
    'server core': knee === undefined ? '' : percent(knee.serverCpu),
    'generator core': knee === undefined ? '' : percent(knee.generatorCpu),
    'its longest loop, ms': knee === undefined ? '' : knee.generatorLongestMs.toFixed(1),
  })));
}

/** What the project set out to reach, each as a ratio within this run. */
function goalTable(knees: readonly KneeResult[]): string {
  const best = (mode: Mode): number => Math.max(...OURS.map((name) => deliveries(knees, name, mode, 16)));
  const ratio = (mode: Mode, ours: number, other: string): number => ours / deliveries(knees, other, mode, 16);
  const clients = Math.max(...OURS.map((name) => kneeOf(knees, name, 36, 16)?.senders ?? 0));
  const beyond = knees.filter(({ name }) => name.startsWith('copresence')).flatMap((result) => result.beyond.map(({ point }) => (point?.p99Ms ?? Infinity)));
  const uws = (mode: Mode): number => deliveries(knees, 'copresence-uws', mode, 16);
  const goal = (text: string, least: number, measured: number): Record<string, string> => ({ goal: text, measured: measured.toFixed(1), reached: measured >= least ? 'yes' : 'no' });
  return markdownTable([
    goal('relay, 16 a session: 6 times `ws`', 6, ratio('relay', best('relay'), 'ws')),
    goal('relay, 16 a session: 15 times socket.io', 15, ratio('relay', best('relay'), 'socket.io')),
    goal('ticks of 36 Hz, 16 a session: 3 times socket.io', 3, ratio(36, best(36), 'socket.io')),
    goal('ticks of 72 Hz, 16 a session: 3 times socket.io', 3, ratio(72, best(72), 'socket.io')),
    goal('ticks of 36 Hz on uWebSockets.js: 1.7 times Colyseus on it', 1.7, ratio(36, uws(36), 'colyseus-uws')),
    goal('ticks of 72 Hz on uWebSockets.js: 1.7 times Colyseus on it', 1.7, ratio(72, uws(72), 'colyseus-uws')),
    { goal: '1000 clients a core at 36 Hz', measured: String(clients), reached: clients >= 1000 ? 'yes' : 'no' },
    { goal: 'p99 under 100 ms at up to twice the knee', measured: `${Math.max(...beyond).toFixed(0)} ms`, reached: Math.max(...beyond) < 100 ? 'yes' : 'no' },
  ]);
}

function beyondTable(knees: readonly KneeResult[]): string {
  const rows = knees.flatMap((result) => result.beyond.map(({ times: factor, point }) => ({
    mode: modeName(result.mode),
    'a session': result.members,
    server: result.name,
    'times the knee': factor,
    senders: point?.senders ?? '',
    'p50, p99, ms': point === undefined ? 'connections were lost' : `${point.p50Ms.toFixed(1)}, ${point.p99Ms.toFixed(1)}`,
    'deliveries, thousands/s': point === undefined ? '' : (point.deliveredPerSecond / 1000).toFixed(0),
    'not delivered': point === undefined ? '' : percent(Math.max(0, 1 - point.deliveredShare)),
    'not sent, of that': point === undefined ? '' : percent(point.skipped / (point.sent + point.skipped)),
  })));
  return rows.length === 0 ? '' : markdownTable(rows);
}

function charts({ knees, memory }: FanoutReport): SectionChart[] {
  const memberCounts = [...new Set(knees.filter(({ mode }) => mode === 36).map(({ members }) => members))].sort((a, b) => a - b);
  // A server that was measured at one size alone has no curve.
  const growing = [...new Set(knees.filter(({ mode }) => mode === 36).map(({ name }) => name))].filter((name) => memberCounts.filter((members) => Number.isFinite(deliveries(knees, name, 36, members))).length > 1);
  const byMembers = growing.map((name): Series => ({
    name, colour: COLOURS[name] ?? 0,
    points: memberCounts.flatMap((members) => {
      const y = deliveries(knees, name, 36, members) / 1000;
      return Number.isFinite(y) ? [{ x: members, y }] : [];
    }),
  }));
  return [
    { name: 'sessions', alt: 'p99 by the number of sessions of 16, ticks of 36 Hz, for each server', svg: latencyChart(knees, 36, 'Ticks of 36 Hz: p99, ms, by sessions of 16') },
    { name: 'relay', alt: 'p99 by the number of sessions of 16, relayed, for each server', svg: latencyChart(knees, 'relay', 'Relay of 72 Hz: p99, ms, by sessions of 16') },
    { name: 'members', alt: 'Deliveries a second at the knee by the size of sessions', svg: lineChart({ width: 760, title: 'Ticks of 36 Hz: thousand deliveries a second at the knee, by participants a session', x: { label: 'participants a session', scale: 'log' }, y: { label: 'thousands/s' }, series: byMembers }) },
    { name: 'memory', alt: 'Memory of an idle participant, for each server', svg: barChart({ width: 760, title: 'Memory of an idle participant', xLabel: '', yLabel: 'KiB', bars: memory.map(({ name, kibPerParticipant }) => ({ label: name, value: Math.max(0, kibPerParticipant) })) }) },
  ];
}

function latencyChart(knees: readonly KneeResult[], mode: Mode, title: string): string {
  const shown = knees.filter((result) => result.mode === mode && result.members === 16 && COLOURS[result.name] !== undefined);
  const series = shown.map(({ name, points, beyond }): Series => ({ name, colour: COLOURS[name] ?? 0, points: latencies([...points, ...beyond.flatMap(({ point }) => point ?? [])]) }));
  const limit = shown[0]?.limitMs ?? 0;
  return lineChart({ width: 760, height: 280, title, x: { label: 'sessions', scale: 'log' }, y: { label: 'ms', scale: 'log', domain: [1, P99_SHOWN_MS] }, series, mark: { y: limit, label: `${limit.toFixed(0)} ms` } });
}

/** The last trial at each number of senders; what is beyond the chart is drawn at its top. */
function latencies(points: readonly Point[]): Series['points'] {
  const bySenders = new Map(points.map(({ senders, p99Ms }) => [senders, p99Ms]));
  return [...bySenders].sort(([a], [b]) => a - b).map(([senders, p99Ms]) => ({ x: senders / 16, y: Math.min(P99_SHOWN_MS, p99Ms) }));
}

function kneeOf(knees: readonly KneeResult[], name: string, mode: Mode, members: number): Point | undefined {
  return knees.find((result) => result.name === name && result.mode === mode && result.members === members)?.knee;
}

/** NaN where there is no knee. */
function deliveries(knees: readonly KneeResult[], name: string, mode: Mode, members: number): number {
  return kneeOf(knees, name, mode, members)?.deliveredPerSecond ?? NaN;
}

/** Whether the load generator may be what bounded a server. */
function isBounded({ knee, points }: Pick<KneeResult, 'knee' | 'points' | 'name'>): boolean {
  const next = points.find(({ senders, borne }) => !borne && senders > (knee?.senders ?? 0));
  return next === undefined || next.generatorBusy;
}

function times(value: number, of: number): string {
  return Number.isFinite(of) && of > 0 ? `${(value / of).toFixed(1)}` : '';
}

function modeName(mode: Mode): string {
  return mode === 'relay' ? 'Relay' : `Ticks of ${mode} Hz`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}
