/** Many regular calls on one timer: a fleet's headsets would otherwise keep a timer for each of their streams. */
import type { Clock, Timer } from '../../core/clock.ts';

/** One regular call. */
export interface Beat {
  /** When the first call is meant to be, on the ticker's clock. */
  readonly startMs: number;
  readonly periodMs: number;
  /**
   * @param intendedMs - when this call was meant to be: on the grid of the start, unless `next` says otherwise.
   * @param missed - how many calls before this one were skipped, because their whole period went by unserved.
   */
  run(intendedMs: number, missed: number): void;
  /**
   * When the call after the one at `intendedMs` is meant to be, where that is not a period later; undefined to rest until
   * `resume`. Asked after `run`.
   */
  readonly next?: (intendedMs: number) => number | undefined;
}

/** Calls that are due this soon are made at once: the machine's timers are no finer. */
const SLACK_MS = 0.5;

/** Runs beats in the order in which they are due. */
export class Ticker {
  readonly #clock: Clock;
  readonly #beats = new Map<Beat, number>();
  #timer: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Starts a beat; the returned function ends it. */
  add(beat: Beat): () => void {
    this.#beats.set(beat, beat.startMs);
    this.#arm();
    return () => this.#beats.delete(beat);
  }

  /** Calls a beat next at `atMs`, whatever it was waiting for; one that was ended stays so. */
  resume(beat: Beat, atMs: number): void {
    if (!this.#beats.has(beat)) return;
    this.#beats.set(beat, atMs);
    this.#arm();
  }

  stop(): void {
    this.#beats.clear();
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #arm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    let earliestMs = Infinity;
    for (const dueMs of this.#beats.values()) if (dueMs < earliestMs) earliestMs = dueMs;
    if (earliestMs === Infinity) return;
    this.#timer = this.#clock.schedule(Math.max(0, earliestMs - this.#clock.nowMs()), () => this.#fire());
  }

  #fire(): void {
    const untilMs = this.#clock.nowMs() + SLACK_MS;
    const due = [...this.#beats].filter(([, dueMs]) => dueMs <= untilMs).sort(([, a], [, b]) => a - b);
    for (const [beat, dueMs] of due) {
      if (!this.#beats.has(beat)) continue;
      const missed = Math.max(0, Math.floor((untilMs - dueMs) / beat.periodMs));
      const intendedMs = dueMs + missed * beat.periodMs;
      this.#beats.set(beat, intendedMs + beat.periodMs);
      beat.run(intendedMs, missed);
      if (beat.next !== undefined && this.#beats.has(beat)) this.#beats.set(beat, beat.next(intendedMs) ?? Infinity);
    }
    this.#arm();
  }
}
