/** What one process of a load run found, as plain data that adds up; and the report of all of them together. */
import type { Machine, Verdict } from '../fleet/fleet-report.ts';
import type { CountTable } from '../measure/prometheus.ts';
import type { LatencyFigures } from '../measure/latency.ts';
import { Distribution, type EncodedDistribution, type SecondFigures } from './distribution.ts';
import type { Profile } from './profile.ts';
import type { TaskGoodput } from './goodput.ts';
import { joinWindows, type InputWindow } from './input-windows.ts';
import type { ServedModel } from './served-model.ts';
import { STREAM_NAMES, type ParticipantFigures, type StreamCounts, type StreamName } from './participant-tally.ts';
import { sumReliable, type ReliableFigures } from './reliable-ledger.ts';
import { TIMED_NAMES, type FigureName, type TimedName } from './thresholds.ts';

/** Sums over what is measured. */
export interface LoadCounts {
  /** Given to the network. */
  sent: number;
  /** More than 5 ms after they were meant to be. */
  late: number;
  /** Left out by the simulator, since a whole period went by. */
  missed: number;
  /** Held back since the link was congested. */
  superseded: number;
  notLive: number;
  /** Poses sent, times those who should get them. */
  expected: number;
  delivered: number;
  /** Deliveries of what the receiver had. */
  repeated: number;
  packetsIn: number;
  bytesIn: number;
  sampleBytesIn: number;
  sampleBytesOut: number;
  pictures: number;
  results: number;
  joinsAsked: number;
  joined: number;
  resumed: number;
  joinsFailed: number;
  /** Without a fault of the profile. */
  linksLost: number;
  linksCut: number;
  predictions: number;
  /** Sums of millimetres. */
  predictionMm: number;
  heldMm: number;
  headsetSeconds: number;
}

/** One second of the run, warm-up included. */
export interface SecondPoint {
  readonly atS: number;
  live: number;
  expected: number;
  delivered: number;
  missed: number;
  results: number;
  bytesIn: number;
}

/** What the generator itself took. */
export interface GeneratorFigures {
  readonly cpuShare: number;
  /** Megabytes resident over time. */
  readonly residentMb: readonly { readonly atS: number; readonly mb: number }[];
  /** Longest time that its loop did not turn. */
  readonly longestStallMs: number;
}

export interface ProcessResult {
  readonly timed: Readonly<Record<TimedName, EncodedDistribution>>;
  readonly counts: LoadCounts;
  readonly streams: Readonly<Record<StreamName, StreamCounts>>;
  readonly participants: readonly ParticipantFigures[];
  readonly windows: readonly InputWindow[];
  readonly reliable: ReliableFigures;
  readonly refusals: Readonly<Record<string, number>>;
  readonly ends: Readonly<Record<string, number>>;
  /** Per task, of each size how many batches. */
  readonly batches: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly seconds: readonly SecondPoint[];
  readonly events: readonly TimelineEvent[];
  readonly generator: GeneratorFigures;
  /** Why the run ended before its time. */
  readonly aborted: string | undefined;
}

/** What happened when, for the charts. */
export interface TimelineEvent {
  readonly fromS: number;
  readonly untilS: number;
  readonly kind: 'phase' | 'fault';
  readonly label: string;
  /** Headsets that it befell. */
  readonly headsets: number;
}

/** The server's own counters over the run, and what its process took. */
export interface ServerFigures {
  readonly messages: CountTable;
  readonly requests: CountTable;
  readonly snapshots: Readonly<Record<string, number>>;
  readonly refusals: Readonly<Record<string, number>>;
  readonly closed: Readonly<Record<string, number>>;
  readonly residentMb: readonly { readonly atS: number; readonly mb: number }[];
  /** Of the server's counters, that is between the first look and the last send. */
  readonly countedS: number;
  /** Each model as the server knows it, at the end of what is measured. */
  readonly models: readonly ServedModel[];
}

export interface LoadReport {
  readonly format: 'copresence.load-report';
  readonly version: 1;
  readonly startedAt: string;
  readonly url: string;
  readonly profile: Profile;
  readonly processes: number;
  readonly machine: Machine;
  readonly measuredS: number;
  readonly timed: Readonly<Record<TimedName, LatencyFigures>>;
  readonly timelines: Readonly<Record<TimedName, readonly SecondFigures[]>>;
  readonly counts: LoadCounts;
  readonly streams: Readonly<Record<StreamName, StreamCounts>>;
  /** Of everybody, or of the MOST_PARTICIPANTS of whose poses the smallest share was delivered. */
  readonly participants: readonly ParticipantFigures[];
  /** By task; empty where the server does not tell, or no model was asked. */
  readonly goodput: readonly TaskGoodput[];
  readonly reliable: ReliableFigures;
  readonly figures: Readonly<Record<FigureName, number>>;
  readonly refusals: Readonly<Record<string, number>>;
  readonly ends: Readonly<Record<string, number>>;
  readonly batches: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly seconds: readonly SecondPoint[];
  readonly events: readonly TimelineEvent[];
  readonly generators: readonly GeneratorFigures[];
  /** Undefined when the server does not tell. */
  readonly server: ServerFigures | undefined;
  readonly knee: KneeReport | undefined;
  readonly verdicts: readonly Verdict[];
  readonly passed: boolean;
  readonly aborted: string | undefined;
}

/** Where a server gives in. */
export interface KneeReport {
  readonly headsets: number;
  /** Of the mean over the repetitions, 95 %. */
  readonly interval: readonly [number, number];
  readonly repetitions: readonly number[];
  readonly probes: readonly { readonly headsets: number; readonly kept: boolean; readonly broken: string; readonly p99Ms: number }[];
}

/** What several processes found together. */
export interface Joined extends Omit<ProcessResult, 'timed' | 'generator'> {
  readonly timed: Readonly<Record<TimedName, Distribution>>;
}

/** Adds the results of processes up. Their seconds are the same seconds. */
export function joinResults(results: readonly ProcessResult[]): Joined {
  const timed = Object.fromEntries(TIMED_NAMES.map((name) => [name, new Distribution()])) as Record<TimedName, Distribution>;
  for (const result of results) for (const name of TIMED_NAMES) timed[name].add(result.timed[name]);
  return {
    timed,
    counts: sumRecords(results.map(({ counts }) => counts as unknown as Record<string, number>)) as unknown as LoadCounts,
    streams: Object.fromEntries(STREAM_NAMES.map((name) => [name, sumRecords(results.map(({ streams }) => streams[name] as unknown as Record<string, number>))])) as unknown as Record<StreamName, StreamCounts>,
    participants: worstFirst(results.flatMap(({ participants }) => participants)).slice(0, MOST_PARTICIPANTS),
    windows: joinWindows(results.map(({ windows }) => windows)),
    reliable: sumReliable(results.map(({ reliable }) => reliable)),
    refusals: sumRecords(results.map(({ refusals }) => refusals)),
    ends: sumRecords(results.map(({ ends }) => ends)),
    batches: sumTables(results.map(({ batches }) => batches)),
    seconds: sumSeconds(results.map(({ seconds }) => seconds)),
    events: sumEvents(results.map(({ events }) => events)),
    aborted: results.find(({ aborted }) => aborted !== undefined)?.aborted,
  };
}

/** A report of a large run is not to be larger than a browser opens. */
const MOST_PARTICIPANTS = 5000;

function worstFirst(participants: readonly ParticipantFigures[]): ParticipantFigures[] {
  const share = ({ delivered, expected }: ParticipantFigures): number => (expected === 0 ? 1 : delivered / expected);
  return [...participants].sort((one, other) => share(one) - share(other) || other.poseP99Ms - one.poseP99Ms);
}

/** The figures that thresholds are about. */
export function figuresOf({ counts, reliable, refusals }: Pick<Joined, 'counts' | 'reliable' | 'refusals'>): Record<FigureName, number> {
  const due = counts.sent + counts.superseded + counts.notLive + counts.missed;
  const share = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);
  return {
    'pose.delivered': share(counts.delivered, counts.expected), 'sent.late': share(counts.late, counts.sent), 'sent.missed': share(counts.missed, due), 'sent.superseded': share(counts.superseded, due),
    'reliable.lost': reliable.lost, 'reliable.twice': reliable.twice, 'reliable.outOfOrder': reliable.outOfOrder, 'joins.failed': counts.joinsFailed, 'links.lost': counts.linksLost,
    refusals: Object.values(refusals).reduce((sum, times) => sum + times, 0), 'prediction.meanMm': share(counts.predictionMm, counts.predictions),
  };
}

function sumRecords(records: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const record of records) for (const [key, value] of Object.entries(record)) sum[key] = (sum[key] ?? 0) + value;
  return sum;
}

function sumTables(tables: readonly Readonly<Record<string, Readonly<Record<string, number>>>>[]): Record<string, Record<string, number>> {
  const names = new Set(tables.flatMap((table) => Object.keys(table)));
  return Object.fromEntries([...names].map((name) => [name, sumRecords(tables.map((table) => table[name] ?? {}))]));
}

function sumSeconds(all: readonly (readonly SecondPoint[])[]): SecondPoint[] {
  const sum = new Map<number, SecondPoint>();
  for (const point of all.flat()) {
    const of = sum.get(point.atS) ?? { atS: point.atS, live: 0, expected: 0, delivered: 0, missed: 0, results: 0, bytesIn: 0 };
    for (const key of ['live', 'expected', 'delivered', 'missed', 'results', 'bytesIn'] as const) of[key] += point[key];
    sum.set(point.atS, of);
  }
  return [...sum.values()].sort((a, b) => a.atS - b.atS);
}

/** Every process has the same events, each for its own headsets. */
function sumEvents(all: readonly (readonly TimelineEvent[])[]): TimelineEvent[] {
  const sum = new Map<string, TimelineEvent>();
  for (const event of all.flat()) {
    const key = `${event.kind} ${event.fromS} ${event.label}`;
    sum.set(key, { ...event, headsets: event.headsets + (sum.get(key)?.headsets ?? 0) });
  }
  return [...sum.values()].sort((a, b) => a.fromS - b.fromS);
}
