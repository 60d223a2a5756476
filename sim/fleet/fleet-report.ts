/** What a run of the simulator found: plain data, written as JSON and drawn by the report. */
import { cpus, release, totalmem, type } from 'node:os';
import type { Task } from '../../core/tasks.ts';
import type { StreamKind } from '../headset/virtual-headset.ts';
import type { ChatFigures } from '../measure/chat-ledger.ts';
import type { SessionFigures, StreamFigures, ThroughputPoint, Timed } from '../measure/fleet-measure.ts';
import type { LatencyFigures, TimelinePoint } from '../measure/latency.ts';
import type { CountTable } from '../measure/prometheus.ts';

/** What was run. */
export interface FleetSettings {
  readonly url: string;
  readonly headsets: number;
  readonly sessions: number;
  readonly durationS: number;
  readonly warmUpS: number;
  readonly poseHz: number;
  readonly videoHz: number;
  readonly cameras: number;
  readonly seed: number;
}

/** Where it was run. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly node: string;
}

/** A threshold, and whether the run kept it. */
export interface Verdict {
  readonly name: string;
  /** As text, such as "at least 90 %". */
  readonly limit: string;
  readonly value: string;
  readonly passed: boolean;
}

export interface FleetReport {
  readonly format: 'copresence.fleet-report';
  readonly version: 1;
  readonly startedAt: string;
  readonly settings: FleetSettings;
  readonly machine: Machine;
  /** Which recordings were replayed, and which parts a program generated. */
  readonly origins: readonly { readonly headset: string; readonly origin: string; readonly source: string }[];
  readonly joins: { readonly joined: number; readonly asked: number; readonly timeMs: LatencyFigures; readonly failures: Readonly<Record<string, number>> };
  readonly reconnects: number;
  readonly errors: Readonly<Record<string, number>>;
  readonly streams: Readonly<Record<StreamKind, StreamFigures>>;
  readonly chat: ChatFigures;
  readonly sessions: readonly SessionFigures[];
  readonly latency: Readonly<Record<Timed, LatencyFigures>>;
  /** Capture to the moment when the server sent the result. */
  readonly serverAge: Readonly<Record<Task, LatencyFigures>>;
  /** Poses from their true capture, which only a simulator knows, to the others. */
  readonly truePose: LatencyFigures;
  /** How far capture times on the server's clock are from the true ones, without sign. */
  readonly clockError: LatencyFigures;
  readonly timelines: Readonly<Record<Timed, readonly TimelinePoint[]>>;
  readonly throughput: readonly ThroughputPoint[];
  /** Per task: how many batches there were of each size, as told by their results. */
  readonly batches: Readonly<Record<Task, readonly { readonly size: number; readonly batches: number }[]>>;
  readonly bytes: { readonly perAvatarUpdate: number; readonly receivedPerHeadsetS: number; readonly sentPerHeadsetS: number };
  /** The gateway's own counters over the run; undefined when it does not serve them. */
  readonly gateway: { readonly requests: CountTable; readonly messages: CountTable } | undefined;
  readonly verdicts: readonly Verdict[];
  readonly passed: boolean;
}

export function describeMachine(): Machine {
  const cores = cpus();
  return {
    cpu: cores[0]?.model.trim() ?? 'unknown', cores: cores.length, memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`, node: process.version,
  };
}
