/** Regular calls of thousands of streams on one timer: a heap of the next call of each. */
import type { Clock, Timer } from '../../core/clock.ts';

/** One stream's calls, each on the grid of its start. */
export interface Beat {
  readonly periodMs: number;
  /** The next call's time on the grid, before `shiftMs`. Set by the owner before `add`, afterwards by the heap. */
  gridMs: number;
  /** Where the next call lies beside the grid: jitter. Asked once a call. */
  readonly shiftMs?: () => number;
  /** @param intendedMs - when this call was meant to be, whenever it comes. @param missed - calls before it that were left out. */
  run(intendedMs: number, missed: number): void;
}

interface Entry {
  readonly beat: Beat;
  dueMs: number;
  ended: boolean;
}

/** Calls that are due this soon are made at once: the machine's timers are no finer. */
const SLACK_MS = 0.5;
/** A stream that is this many periods late goes on with the newest and counts the rest. */
const MOST_LATE_PERIODS = 1;

/**
 * Runs beats in the order in which they are due.
 *
 * The schedule is open: what the server does never moves it. A late call is made as soon as it can be and is told when it
 * was meant to be; one that a whole period has passed is left out and counted, as a headset would send only the newest.
 *
 * @bound O(log n) a call.
 */
export class Beats {
  readonly #clock: Clock;
  readonly #heap: Entry[] = [];
  #timer: Timer | undefined;
  #armedMs = Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Starts a beat; the returned function ends it. */
  add(beat: Beat): () => void {
    const entry: Entry = { beat, dueMs: beat.gridMs + (beat.shiftMs?.() ?? 0), ended: false };
    this.#heap.push(entry);
    this.#up(this.#heap.length - 1);
    this.#arm();
    return () => { entry.ended = true; };
  }

  stop(): void {
    this.#heap.length = 0;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#armedMs = Infinity;
  }

  #arm(): void {
    const next = this.#heap[0];
    if (next === undefined || next.dueMs >= this.#armedMs) return;
    this.#timer?.cancel();
    this.#armedMs = next.dueMs;
    this.#timer = this.#clock.schedule(Math.max(0, next.dueMs - this.#clock.nowMs()), () => this.#fire());
  }

  #fire(): void {
    this.#armedMs = Infinity;
    const untilMs = this.#clock.nowMs() + SLACK_MS;
    for (let next = this.#heap[0]; next !== undefined && next.dueMs <= untilMs; next = this.#heap[0]) {
      if (next.ended) this.#drop();
      else this.#call(next, untilMs);
    }
    this.#arm();
  }

  #call(entry: Entry, untilMs: number): void {
    const { beat } = entry;
    const latePeriods = Math.floor((untilMs - entry.dueMs) / beat.periodMs);
    const missed = latePeriods >= MOST_LATE_PERIODS ? latePeriods : 0;
    const intendedMs = entry.dueMs + missed * beat.periodMs;
    beat.gridMs += (missed + 1) * beat.periodMs;
    entry.dueMs = beat.gridMs + (beat.shiftMs?.() ?? 0);
    this.#down(0);
    beat.run(intendedMs, missed);
  }

  #drop(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#down(0);
  }

  #up(at: number): void {
    const heap = this.#heap;
    const entry = heap[at]!;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (heap[above]!.dueMs <= entry.dueMs) break;
      heap[at] = heap[above]!;
      at = above;
    }
    heap[at] = entry;
  }

  #down(at: number): void {
    const heap = this.#heap;
    const entry = heap[at]!;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && heap[below + 1]!.dueMs < heap[below]!.dueMs) below++;
      if (heap[below]!.dueMs >= entry.dueMs) break;
      heap[at] = heap[below]!;
      at = below;
    }
    heap[at] = entry;
  }
}
