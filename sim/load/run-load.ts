/** Runs a profile with one process or several, and puts what they found into one report. */
import { sleep, type Clock } from '../../core/clock.ts';
import { TASKS } from '../../core/tasks.ts';
import { describeMachine } from '../fleet/fleet-report.ts';
import type { Distribution } from './distribution.ts';
import { goodputOf } from './goodput.ts';
import { figuresOf, joinResults, type LoadReport, type ProcessResult, type ServerFigures } from './load-result.ts';
import type { Profile } from './profile.ts';
import { profileSeconds } from './profile.ts';
import type { ProgressState } from './run-process.ts';
import { watchServer } from './server-figures.ts';
import { forkShard, prepareShard, type ReadyShard, type ShardTask } from './shard-task.ts';
import { judgeThresholds, TIMED_NAMES, type TimedName } from './thresholds.ts';

export interface LoadParts {
  /** The machine's: see `machineClock`. */
  readonly clock: Clock;
  readonly url: string;
  readonly tokenKey: string | undefined;
  readonly token: string | undefined;
  readonly sessionPrefix: string;
  readonly recording: string | undefined;
  readonly processes: number;
  readonly signal: AbortSignal;
  readonly progress: (state: ProgressState) => void;
}

/** What is always judged beside a profile's thresholds: else nothing that was measured means anything. */
const MOST_MISSED = 0.01;
/** From everybody being ready to second 0. */
const START_MS = 100;

export async function runLoad(profile: Profile, parts: LoadParts): Promise<LoadReport> {
  const { clock, url, processes, signal } = parts;
  const startedAt = new Date(clock.wallMs()).toISOString();
  const shards = await Promise.all(Array.from({ length: processes }, (_, index) => {
    const task: ShardTask = { profile, url, tokenKey: parts.tokenKey, token: parts.token, sessionPrefix: parts.sessionPrefix, recording: parts.recording, shard: { index, of: processes } };
    // Native code that may crash is not to take the report with it.
    return processes === 1 && profile.transport !== 'rtc' ? prepareShard(task) : forkShard(task);
  }));
  const abort = (): void => { for (const shard of shards) shard.abort(); };
  signal.addEventListener('abort', abort, { once: true });
  try {
    const startMs = clock.nowMs() + START_MS;
    const server = profile.target === 'copresence' ? watchServer(url, { clock, startMs, fromMs: startMs + profile.warmUpS * 1000, untilMs: startMs + profileSeconds(profile) * 1000 }) : undefined;
    const results = await runShards(shards, startMs, parts.progress);
    return makeReport(profile, { parts, startedAt, results, server: await server?.stop() });
  } finally {
    signal.removeEventListener('abort', abort);
    // Sessions of the run before must be gone when the next begins.
    await sleep(clock, START_MS);
  }
}

function runShards(shards: readonly ReadyShard[], startMs: number, progress: (state: ProgressState) => void): Promise<ProcessResult[]> {
  const states = new Map<number, ProgressState>();
  return Promise.all(shards.map((shard, index) => shard.run(startMs, (state) => {
    states.set(index, state);
    if (index === 0) progress(joinStates([...states.values()]));
  })));
}

/** Percentiles of several processes do not add up; the worst is shown while a run lasts. */
function joinStates(states: readonly ProgressState[]): ProgressState {
  return states.reduce((all, next) => ({
    atS: Math.max(all.atS, next.atS), live: all.live + next.live, wanted: all.wanted + next.wanted, p50Ms: Math.max(all.p50Ms, next.p50Ms), p99Ms: Math.max(all.p99Ms, next.p99Ms),
    missed: all.missed + next.missed, lostLines: all.lostLines + next.lostLines,
  }));
}

interface Outcome {
  readonly parts: LoadParts;
  readonly startedAt: string;
  readonly results: readonly ProcessResult[];
  readonly server: ServerFigures | undefined;
}

function makeReport(profile: Profile, { parts, startedAt, results, server }: Outcome): LoadReport {
  const joined = joinResults(results);
  const timed = perName(joined.timed, (distribution) => distribution.figures());
  const figures = figuresOf(joined);
  const measuredS = Math.max(0, profileSeconds(profile) - profile.warmUpS);
  const heard = Object.fromEntries(TASKS.map((task) => [task, timed[task].count]));
  const goodput = server === undefined ? [] : goodputOf({ server, windows: joined.windows, heard, measuredS });
  const verdicts = [
    { name: 'the simulator kept its schedule (sent.missed)', limit: `<= ${MOST_MISSED}`, value: String(Number(figures['sent.missed'].toPrecision(3))), passed: figures['sent.missed'] <= MOST_MISSED },
    ...judgeThresholds(profile.thresholds, { timed, figures, goodput }),
  ];
  return {
    format: 'copresence.load-report', version: 1, startedAt, url: parts.url, profile, processes: results.length, machine: describeMachine(),
    measuredS, timed, timelines: perName(joined.timed, (distribution) => distribution.seconds()),
    counts: joined.counts, streams: joined.streams, participants: joined.participants, goodput, reliable: joined.reliable, figures, refusals: joined.refusals, ends: joined.ends, batches: joined.batches, seconds: joined.seconds, events: joined.events,
    generators: results.map(({ generator }) => generator), server, knee: undefined, verdicts, passed: joined.aborted === undefined && verdicts.every(({ passed }) => passed), aborted: joined.aborted,
  };
}

function perName<Value>(timed: Readonly<Record<TimedName, Distribution>>, of: (distribution: Distribution) => Value): Record<TimedName, Value> {
  return Object.fromEntries(TIMED_NAMES.map((name) => [name, of(timed[name])])) as Record<TimedName, Value>;
}
