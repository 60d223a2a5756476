/** Measures a fleet from inside its headsets: what they sent, what reached the others, and how long that took. */
import type { Clock } from '../../core/clock.ts';
import { TASKS, type Task } from '../../core/tasks.ts';
import type { CopresenceClient } from '../../client/client.ts';
import type { PoseEvent } from '../../client/events.ts';
import type { ResultMessage } from '../../protocol/message/result.ts';
import { POSE_HZ, type HeadsetWatcher, type StreamKind } from '../headset/virtual-headset.ts';
import { ChatLedger, lineNumber, numberLine } from './chat-ledger.ts';
import { LatencyRecorder, LatencyTimeline, type LatencyFigures, type TimelinePoint } from './latency.ts';

/** What is timed, from capture to the receiving participant. */
export const TIMED = ['pose', 'chat', ...TASKS] as const;
export type Timed = (typeof TIMED)[number];

/** A send later than this after its intended time counts as late. */
const LATE_MS = 5;

/** What became of one kind of stream. */
export interface StreamFigures {
  /** Handed to the network. */
  readonly sent: number;
  /** Sent more than 5 ms after the intended time. */
  readonly late: number;
  /** Skipped by the simulator, because it was too slow. */
  readonly missed: number;
  /** Not sent: the link was congested. */
  readonly superseded: number;
  /** Not sent: no connection, or a message that cannot be sent. */
  readonly unsent: number;
  /** Sent, times those who should get it. */
  readonly expected: number;
  readonly delivered: number;
}

/** Counts of one second, over the whole fleet. */
export interface ThroughputPoint {
  readonly atS: number;
  /** Poses sent, times those who should get them. */
  readonly posesExpected: number;
  readonly posesDelivered: number;
  readonly results: Readonly<Record<Task, number>>;
}

/** One session's share. */
export interface SessionFigures {
  readonly session: string;
  readonly headsets: number;
  readonly pictures: number;
  readonly chatLines: number;
  readonly results: Readonly<Record<Task, number>>;
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };
type StreamCounts = Mutable<StreamFigures>;

/** The whole fleet's measures. Before `begin` nothing counts, so that connections and models can warm up. */
export class FleetMeasure {
  readonly chat = new ChatLedger();
  readonly errors = new Map<string, number>();
  readonly batchSizes: Record<Task, Map<number, number>> = perKey(TASKS, () => new Map<number, number>());
  readonly latency: Record<Timed, LatencyRecorder>;
  /** From capture to when the server sent the result. */
  readonly serverAge: Record<Task, LatencyRecorder>;
  /** From true capture to the others, free of the clocks' error. */
  readonly truePose = new LatencyRecorder();
  /** How far the capture times on the server's clock are from the true ones, which only a simulator knows. */
  readonly clockError = new LatencyRecorder();
  reconnects = 0;
  sampleBytes = 0;
  samples = 0;
  readonly #clock: Clock;
  readonly #members = new Map<string, Map<number, HeadsetProbe>>();
  readonly #streams: Record<StreamKind, StreamCounts> = { pose: noStream(), video: noStream(), chat: noStream() };
  readonly #sessions = new Map<string, Mutable<SessionFigures>>();
  readonly #batches = new Set<string>();
  #timelines: Record<Timed, LatencyTimeline>;
  readonly #throughput = new Map<number, Mutable<ThroughputPoint>>();
  #fromMs = Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.latency = perKey(TIMED, () => new LatencyRecorder());
    this.serverAge = perKey(TASKS, () => new LatencyRecorder());
    this.#timelines = perKey(TIMED, () => new LatencyTimeline(0));
  }

  /** Counts what is captured from now on, which is second 0. */
  begin(): void {
    // A ticker sends up to half a millisecond early: what it has sent already must not count on one side only.
    this.#fromMs = this.#clock.nowMs() + 1;
    this.#timelines = perKey(TIMED, () => new LatencyTimeline(this.#fromMs));
  }

  /** A watcher for one headset, whose first results in a session stand for what the session got. */
  watch(session: string, name: string, options: { readonly deviceOffsetMs: number }): HeadsetProbe {
    const figures = this.#sessions.get(session) ?? { session, headsets: 0, pictures: 0, chatLines: 0, results: noResults() };
    const probe = new HeadsetProbe(this, { session, name, deviceOffsetMs: options.deviceOffsetMs, first: figures.headsets === 0 });
    figures.headsets++;
    this.#sessions.set(session, figures);
    return probe;
  }

  get nowMs(): number {
    return this.#clock.nowMs();
  }

  get begun(): boolean {
    return this.#fromMs !== Infinity;
  }

  counts(captureMs: number): boolean {
    return captureMs >= this.#fromMs;
  }

  /** The headset that the server gave this slot, which may be a new one after a join anew. */
  seat(probe: HeadsetProbe, slot: number): void {
    const slots = this.#members.get(probe.session) ?? new Map<number, HeadsetProbe>();
    this.#members.set(probe.session, slots.set(slot, probe));
  }

  memberAt(session: string, slot: number): HeadsetProbe | undefined {
    return this.#members.get(session)?.get(slot);
  }

  noteSent(probe: HeadsetProbe, kind: StreamKind, intendedMs: number, outcome: Parameters<HeadsetWatcher['sent']>[2]): void {
    if (!this.counts(intendedMs)) return;
    const counts = this.#streams[kind];
    counts.missed += outcome.missed;
    if (outcome.result === 'superseded') counts.superseded++;
    else if (outcome.result !== 'sent') counts.unsent++;
    if (outcome.result !== 'sent') return;
    counts.sent++;
    if (this.nowMs - intendedMs > LATE_MS) counts.late++;
    const session = this.#sessions.get(probe.session);
    if (session === undefined) return;
    if (kind !== 'video') counts.expected += kind === 'pose' ? session.headsets - 1 : session.headsets;
    if (kind === 'pose') this.#second().posesExpected += session.headsets - 1;
    if (kind === 'video') session.pictures++;
    if (kind === 'chat') session.chatLines++;
  }

  notePose(pose: { sampleBytes: number; latencyMs: number; trueLatencyMs: number; clockErrorMs: number }): void {
    this.noteTime('pose', pose.latencyMs);
    this.truePose.record(pose.trueLatencyMs);
    this.clockError.record(pose.clockErrorMs);
    this.sampleBytes += pose.sampleBytes;
    this.samples++;
    this.#streams.pose.delivered++;
    this.#second().posesDelivered++;
  }

  noteChat(latencyMs: number): void {
    this.noteTime('chat', latencyMs);
    this.#streams.chat.delivered++;
  }

  /** @param first - whether this receiver stands for its session. */
  noteResult(session: string, message: ResultMessage, { latencyMs, first }: { latencyMs: number; first: boolean }): void {
    const { task } = message.value;
    this.noteTime(task, latencyMs);
    if (!first) return;
    this.serverAge[task].record(message.ageMs);
    const figures = this.#sessions.get(session);
    if (figures !== undefined) (figures.results as Record<Task, number>)[task]++;
    (this.#second().results as Record<Task, number>)[task]++;
    const batch = `${task} ${message.batchId}`;
    if (this.#batches.has(batch)) return;
    this.#batches.add(batch);
    this.batchSizes[task].set(message.batchSize, (this.batchSizes[task].get(message.batchSize) ?? 0) + 1);
  }

  noteTime(timed: Timed, latencyMs: number): void {
    this.latency[timed].record(latencyMs);
    this.#timelines[timed].record(this.nowMs, latencyMs);
  }

  noteError(code: string): void {
    this.errors.set(code, (this.errors.get(code) ?? 0) + 1);
  }

  streams(): Readonly<Record<StreamKind, StreamFigures>> {
    return { pose: { ...this.#streams.pose }, video: { ...this.#streams.video }, chat: { ...this.#streams.chat } };
  }

  sessions(): SessionFigures[] {
    return [...this.#sessions.values()].map((figures) => ({ ...figures, results: { ...figures.results } }));
  }

  throughput(): ThroughputPoint[] {
    return [...this.#throughput.values()].sort((a, b) => a.atS - b.atS);
  }

  timelines(): Record<Timed, TimelinePoint[]> {
    return perKey(TIMED, (timed) => this.#timelines[timed].points());
  }

  latencies(): Record<Timed, LatencyFigures> {
    return perKey(TIMED, (timed) => this.latency[timed].figures());
  }

  #second(): Mutable<ThroughputPoint> {
    const atS = Math.floor((this.nowMs - this.#fromMs) / 1000);
    const point = this.#throughput.get(atS) ?? { atS, posesExpected: 0, posesDelivered: 0, results: noResults() };
    this.#throughput.set(atS, point);
    return point;
  }
}

/** One headset's ears. */
export class HeadsetProbe implements HeadsetWatcher {
  readonly session: string;
  readonly name: string;
  slot: number | undefined;
  readonly #measure: FleetMeasure;
  readonly #deviceOffsetMs: number;
  readonly #first: boolean;
  /** Of each other headset, the newest pose: its capture on the server's clock, and truly. */
  readonly #newest = new Map<number, { readonly captureMs: number; readonly trueMs: number }>();
  /** The grid on which this headset's poses are captured, once it has sent one. */
  #grid: { readonly atMs: number; readonly periodMs: number } | undefined;

  constructor(measure: FleetMeasure, options: { session: string; name: string; deviceOffsetMs: number; first: boolean }) {
    this.#measure = measure;
    this.session = options.session;
    this.name = options.name;
    this.#deviceOffsetMs = options.deviceOffsetMs;
    this.#first = options.first;
  }

  connecting(client: CopresenceClient): void {
    client.on('joined', ({ slot, session }) => {
      if (this.slot === undefined) this.#measure.chat.join(session, this.name);
      this.slot = slot;
      this.#measure.seat(this, slot);
    });
    client.on('pose', (event) => this.#onPose(client, event));
    client.on('chat', ({ slot, text, captureMs }) => this.#onChat(client, { slot, text, captureMs }));
    client.on('result', (message) => this.#onResult(client, message));
    client.on('error', ({ code, about }) => this.#measure.noteError(`${code} (${about})`));
    client.on('state', ({ state }) => {
      if (state === 'resuming') this.#measure.reconnects++;
    });
  }

  sent(kind: StreamKind, intendedMs: number, outcome: Parameters<HeadsetWatcher['sent']>[2]): void {
    if (kind === 'pose') this.#grid ??= { atMs: intendedMs, periodMs: 1000 / POSE_HZ };
    if (kind === 'chat' && outcome.result === 'sent') this.#measure.chat.say(this.name);
    this.#measure.noteSent(this, kind, intendedMs, outcome);
  }

  label(text: string): string {
    return numberLine(text, this.#measure.chat.nextNumber(this.name));
  }

  /**
   * The time at which this headset truly captured a pose that a listener sees: the nearest of its grid.
   *
   * @param expectedMs - on the fleet's clock, right to half a period. A listener goes on from the pose before it by the
   * step on the server's clock, so that an error of the clocks that grows beyond half a period does no harm.
   */
  trueCaptureMs(expectedMs: number): number {
    if (this.#grid === undefined) return expectedMs;
    const { atMs, periodMs } = this.#grid;
    return atMs + Math.round((expectedMs - atMs) / periodMs) * periodMs;
  }

  #onPose(client: CopresenceClient, { slot, sample, sampleBytes, arrivedMs }: PoseEvent): void {
    const before = this.#newest.get(slot);
    if (slot === this.slot || sample.captureMs <= (before?.captureMs ?? -Infinity)) return;
    const sender = this.#measure.memberAt(this.session, slot);
    if (sender === undefined) return;
    const captureMs = this.#toFleet(client, sample.captureMs);
    // During the warm-up the clocks are still settling, so a count of steps would go on from a wrong start.
    const expectedMs = before === undefined || !this.#measure.begun ? captureMs : before.trueMs + sample.captureMs - before.captureMs;
    const trueMs = sender.trueCaptureMs(expectedMs);
    this.#newest.set(slot, { captureMs: sample.captureMs, trueMs });
    if (!this.#measure.counts(trueMs)) return;
    this.#measure.notePose({ sampleBytes, latencyMs: arrivedMs - this.#deviceOffsetMs - captureMs, trueLatencyMs: arrivedMs - this.#deviceOffsetMs - trueMs, clockErrorMs: Math.abs(captureMs - trueMs) });
  }

  #onChat(client: CopresenceClient, { slot, text, captureMs }: { slot: number; text: string; captureMs: number }): void {
    const number = lineNumber(text);
    const speaker = this.#measure.memberAt(this.session, slot);
    if (number === undefined || speaker === undefined) return;
    this.#measure.chat.hear(this.name, speaker.name, number);
    const saidMs = this.#toFleet(client, captureMs);
    if (this.#measure.counts(saidMs)) this.#measure.noteChat(this.#measure.nowMs - saidMs);
  }

  #onResult(client: CopresenceClient, message: ResultMessage): void {
    const captureMs = this.#toFleet(client, message.captureMs);
    if (!this.#measure.counts(captureMs)) return;
    this.#measure.noteResult(this.session, message, { latencyMs: this.#measure.nowMs - captureMs, first: this.#first });
  }

  /** A time on the server's clock as this headset sees it, on the fleet's clock. */
  #toFleet(client: CopresenceClient, serverMs: number): number {
    return serverMs - client.clockOffsetMs - this.#deviceOffsetMs;
  }
}

function noStream(): StreamCounts {
  return { sent: 0, late: 0, missed: 0, superseded: 0, unsent: 0, expected: 0, delivered: 0 };
}

function noResults(): Record<Task, number> {
  return perKey(TASKS, () => 0);
}

/** A record with a value for each key. */
export function perKey<Key extends string, Value>(keys: readonly Key[], make: (key: Key) => Value): Record<Key, Value> {
  return Object.fromEntries(keys.map((key) => [key, make(key)])) as Record<Key, Value>;
}
