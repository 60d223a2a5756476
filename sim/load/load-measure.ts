/** Measures a load run from inside its headsets. */
import type { Clock } from '../../core/clock.ts';
import type { ResultMessage } from '../../protocol/message/result.ts';
import type { Sent } from '../target/target.ts';
import { Distribution } from './distribution.ts';
import type { LoadCounts, SecondPoint } from './load-result.ts';
import { InputWindows } from './input-windows.ts';
import { noSends, type ParticipantTally, type StreamCounts, type StreamName } from './participant-tally.ts';
import { ReliableLedger, sumReliable } from './reliable-ledger.ts';
import { TIMED_NAMES, type TimedName } from './thresholds.ts';

/** A send later than this after it was meant to be counts as late. */
const LATE_MS = 5;

/** One send that was due. */
export interface SendOutcome {
  readonly sent: Sent;
  readonly missed: number;
  /** How many should get it. */
  readonly receivers: number;
  readonly bytes: number;
}

/** All of one process. Before `begin` nothing is counted but joins. @bound one distribution for each timed thing, one point a second, and the ledgers. */
export class LoadMeasure {
  readonly timed: Readonly<Record<TimedName, Distribution>> = Object.fromEntries(TIMED_NAMES.map((name) => [name, new Distribution()])) as Record<TimedName, Distribution>;
  readonly counts: LoadCounts = {
    sent: 0, late: 0, missed: 0, superseded: 0, notLive: 0, expected: 0, delivered: 0, repeated: 0, packetsIn: 0, bytesIn: 0, sampleBytesIn: 0, sampleBytesOut: 0,
    pictures: 0, results: 0, joinsAsked: 0, joined: 0, resumed: 0, joinsFailed: 0, linksLost: 0, linksCut: 0, predictions: 0, predictionMm: 0, heldMm: 0, headsetSeconds: 0,
  };
  /** Sums of what the participants sent. */
  readonly streams: Readonly<Record<StreamName, StreamCounts>> = { pose: noSends(), video: noSends(), chat: noSends() };
  /** From `begin` on. */
  windows: InputWindows | undefined;
  readonly refusals = new Map<string, number>();
  /** Why links were lost that no fault had cut. */
  readonly ends = new Map<string, number>();
  readonly batches = new Map<string, Map<number, number>>();
  readonly #ledgers = new Map<number, ReliableLedger>();
  readonly #seconds = new Map<number, SecondPoint>();
  readonly #clock: Clock;
  readonly #startMs: number;
  #fromMs = Infinity;
  #untilMs = Infinity;
  #livePast = -1;

  /** @param startMs - second 0 of the run, warm-up included. */
  constructor(clock: Clock, startMs: number) {
    this.#clock = clock;
    this.#startMs = startMs;
  }

  /** What is meant to be sent from then on counts. @param untilMs - when it is to end. */
  begin(fromMs: number, untilMs: number): void {
    this.#fromMs = fromMs;
    this.#untilMs = untilMs;
    this.windows = new InputWindows({ fromMs, untilMs });
  }

  /** What is meant to be sent from now on counts no more. */
  end(nowMs: number): void {
    this.#untilMs = nowMs;
  }

  counting(intendedMs: number): boolean {
    return intendedMs >= this.#fromMs && intendedMs < this.#untilMs;
  }

  ledger(session: number): ReliableLedger {
    const ledger = this.#ledgers.get(session) ?? new ReliableLedger();
    this.#ledgers.set(session, ledger);
    return ledger;
  }

  get reliable(): ReturnType<ReliableLedger['figures']> {
    return sumReliable([...this.#ledgers.values()].map((ledger) => ledger.figures()));
  }

  get complete(): boolean {
    return [...this.#ledgers.values()].every((ledger) => ledger.complete);
  }

  expireLines(nowMs: number): void {
    for (const ledger of this.#ledgers.values()) ledger.expire(nowMs);
  }

  /** @param by - who sent it. */
  noteSent(stream: StreamName, intendedMs: number, outcome: SendOutcome, by: ParticipantTally): void {
    if (!this.counting(intendedMs)) return;
    const { counts } = this;
    const second = this.second();
    counts.missed += outcome.missed;
    second.missed += outcome.missed;
    const nowMs = this.#clock.nowMs();
    for (const of of [this.streams[stream], by.streams[stream]]) countSend(of, outcome, nowMs - intendedMs);
    if (outcome.sent === 'superseded') counts.superseded++;
    else if (outcome.sent === 'not-live') counts.notLive++;
    else this.#noteOut(stream, nowMs, intendedMs, outcome, by);
  }

  #noteOut(stream: StreamName, nowMs: number, intendedMs: number, { receivers, bytes }: SendOutcome, by: ParticipantTally): void {
    const { counts } = this;
    counts.sent++;
    if (nowMs - intendedMs > LATE_MS) counts.late++;
    if (stream === 'chat') this.windows?.note('lines', nowMs);
    if (stream === 'video') {
      counts.pictures++;
      this.windows?.note('pictures', nowMs);
    }
    if (stream !== 'pose') return;
    counts.sampleBytesOut += bytes;
    counts.expected += receivers;
    by.expected += receivers;
    this.second().expected += receivers;
  }

  /** @param from - who sent it, where that is known. @param to - who heard it. */
  notePose(intendedMs: number, nowMs: number, sampleBytes: number, { from, to }: { readonly from: ParticipantTally | undefined; readonly to: ParticipantTally }): void {
    if (!this.counting(intendedMs)) return;
    const atS = this.atS(nowMs);
    this.timed.pose.record(nowMs - intendedMs, atS);
    from?.poses.record(nowMs - intendedMs);
    to.heard++;
    to.heardBytes += sampleBytes;
    this.counts.delivered++;
    this.counts.sampleBytesIn += sampleBytes;
    this.second().delivered++;
  }

  /** @param of - whose input it is of, where that is known. */
  noteResult({ value, batchId, batchSize }: ResultMessage, latencyMs: number, seen: Set<string>, of: ParticipantTally | undefined): void {
    const nowMs = this.#clock.nowMs();
    if (!this.counting(nowMs - latencyMs)) return;
    of?.results.record(latencyMs);
    this.counts.results++;
    this.second().results++;
    this.timed[value.task].record(latencyMs, this.atS(nowMs));
    const batch = `${value.task} ${batchId}`;
    if (seen.has(batch)) return;
    seen.add(batch);
    const sizes = this.batches.get(value.task) ?? new Map<number, number>();
    this.batches.set(value.task, sizes.set(batchSize, (sizes.get(batchSize) ?? 0) + 1));
  }

  /** What a display would show now. @param of - whose avatar it is. */
  noteDisplay(ageMs: number, of: ParticipantTally): void {
    const nowMs = this.#clock.nowMs();
    if (!this.counting(nowMs)) return;
    this.timed.display.record(ageMs, this.atS(nowMs));
    of.display.record(ageMs);
  }

  /** @param predictedMm - how far a head drawn by its last two poses is from where its recording truly is. @param heldMm - of one drawn where it was. */
  notePrediction(predictedMm: number, heldMm: number, tally: ParticipantTally): void {
    this.counts.predictions++;
    for (const sums of [this.counts, tally]) {
      sums.predictionMm += predictedMm;
      sums.heldMm += heldMm;
    }
    tally.predictions++;
  }

  noteTime(name: TimedName, durationMs: number): void {
    this.timed[name].record(durationMs, this.atS(this.#clock.nowMs()));
  }

  noteReceived(packetBytes: number, by: ParticipantTally): void {
    const nowMs = this.#clock.nowMs();
    this.#pointAt(this.atS(nowMs)).bytesIn += packetBytes;
    if (!this.counting(nowMs)) return;
    by.bytesIn += packetBytes;
    this.counts.packetsIn++;
    this.counts.bytesIn += packetBytes;
  }

  atS(nowMs: number): number {
    return Math.max(0, Math.floor((nowMs - this.#startMs) / 1000));
  }

  second(): SecondPoint {
    return this.#pointAt(this.atS(this.#clock.nowMs()));
  }

  #pointAt(atS: number): SecondPoint {
    const point = this.#seconds.get(atS) ?? { atS, live: 0, expected: 0, delivered: 0, missed: 0, results: 0, bytesIn: 0 };
    this.#seconds.set(atS, point);
    return point;
  }

  /** Who is in, for every second since this was noted last: a stall of the simulator takes nobody out. */
  noteLive(live: number): void {
    const atS = this.atS(this.#clock.nowMs());
    for (let second = this.#livePast + 1; second <= atS; second++) this.#pointAt(second).live = live;
    this.#livePast = Math.max(this.#livePast, atS);
  }

  seconds(): SecondPoint[] {
    return [...this.#seconds.values()].sort((a, b) => a.atS - b.atS);
  }
}

function countSend(counts: StreamCounts, { sent, missed, bytes }: SendOutcome, lateMs: number): void {
  counts.missed += missed;
  if (sent === 'superseded') counts.superseded++;
  else if (sent === 'not-live') counts.notLive++;
  else {
    counts.sent++;
    counts.bytes += bytes;
    if (lateMs > LATE_MS) counts.late++;
  }
}

/** Adds one to a count by name. */
export function countIn(map: Map<string, number>, name: string): void {
  map.set(name, (map.get(name) ?? 0) + 1);
}
