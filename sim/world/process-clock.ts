/** The clock of one simulated process: a server or a device, whose time runs differently and which may stall or end. */
import type { Clock, Timer } from '../../core/clock.ts';
import { randomBetween, type Random } from '../../core/random.ts';
import type { SimClock } from './sim-clock.ts';

export interface ProcessClockOptions {
  /** Added to the world's time. */
  readonly offsetMs: number;
  /** How much faster than the world's its time runs, in parts per million. */
  readonly driftPpm: number;
  /** Timers fire up to this late, as on a real machine. */
  readonly latenessMs: number;
  readonly random: Random;
}

/** While the process stalls nothing of it runs, and afterwards everything that was due, in order. */
export class ProcessClock implements Clock {
  readonly #world: SimClock;
  readonly #options: ProcessClockOptions;
  readonly #startMs: number;
  readonly #rate: number;
  #stalledUntilMs = -Infinity;
  #ended = false;
  #pending = 0;
  readonly #backlog: (() => void)[] = [];

  constructor(world: SimClock, options: ProcessClockOptions) {
    this.#world = world;
    this.#options = options;
    this.#startMs = world.nowMs();
    this.#rate = 1 + options.driftPpm / 1e6;
  }

  nowMs(): number {
    return this.#startMs + this.#options.offsetMs + (this.#world.nowMs() - this.#startMs) * this.#rate;
  }

  wallMs(): number {
    return this.#world.wallMs();
  }

  /** Timers that have neither fired nor been cancelled. */
  get pendingCount(): number {
    return this.#pending;
  }

  get isEnded(): boolean {
    return this.#ended;
  }

  schedule(delayMs: number, run: () => void): Timer {
    const { latenessMs, random } = this.#options;
    const lateMs = latenessMs === 0 ? 0 : randomBetween(random, 0, latenessMs);
    return this.#schedule(Math.max(0, delayMs) / this.#rate + lateMs, run);
  }

  defer(run: () => void): void {
    this.#schedule(0, run);
  }

  /** Nothing runs for so long. */
  stall(durationMs: number): void {
    this.#stalledUntilMs = Math.max(this.#stalledUntilMs, this.#world.nowMs() + durationMs);
  }

  /** Nothing runs any more. */
  end(): void {
    this.#ended = true;
    this.#backlog.length = 0;
  }

  /** Runs what comes from outside, once the process can; in the order of coming. */
  enter(run: () => void): void {
    if (this.#ended) return;
    if (this.#backlog.length === 0 && this.#stalledUntilMs <= this.#world.nowMs()) return run();
    this.#backlog.push(run);
    if (this.#backlog.length === 1) this.#wake();
  }

  /** One at a time, so that promise callbacks run in between. */
  #wake(): void {
    this.#world.schedule(this.#stalledUntilMs - this.#world.nowMs(), () => {
      if (this.#ended) return;
      if (this.#stalledUntilMs > this.#world.nowMs()) return this.#wake();
      const run = this.#backlog.shift();
      if (this.#backlog.length > 0) this.#wake();
      run?.();
    });
  }

  #schedule(delayMs: number, run: () => void): Timer {
    let waiting = true;
    this.#pending++;
    const done = (): void => {
      if (waiting) this.#pending--;
      waiting = false;
    };
    const timer = this.#world.schedule(delayMs, () => {
      this.enter(() => {
        if (!waiting) return;
        done();
        run();
      });
    });
    return {
      cancel: () => {
        done();
        timer.cancel();
      },
    };
  }
}
