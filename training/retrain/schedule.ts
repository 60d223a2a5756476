/** When a retraining is due: after a period, or when an alert comes, and never two close together. */
import type { Clock, Timer } from '../../core/clock.ts';

export interface ScheduleOptions {
  /** From the end of one to the beginning of the next; none by time where left out. */
  readonly everyMs?: number | undefined;
  /** What alerts ask for waits until so long after the last one ended. */
  readonly atMostEveryMs: number;
}

/** Alerts that come while one waits or works ask for one more, not for as many. */
export class RetrainSchedule {
  readonly #clock: Clock;
  readonly #options: ScheduleOptions;
  #endedMs = -Infinity;
  #asked = false;
  #wake: (() => void) | undefined;
  #timer: Timer | undefined;

  constructor(clock: Clock, options: ScheduleOptions) {
    this.#clock = clock;
    this.#options = options;
  }

  /** An alert asks for a retraining. */
  ask(): void {
    this.#asked = true;
    this.#arm();
  }

  /** One has ended. Resolves when the next is due. */
  next(): Promise<void> {
    this.#endedMs = this.#clock.nowMs();
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.#arm();
    });
  }

  #arm(): void {
    if (this.#wake === undefined) return;
    this.#timer?.cancel();
    const { everyMs, atMostEveryMs } = this.#options;
    const dueMs = this.#endedMs + Math.min(everyMs ?? Infinity, this.#asked ? atMostEveryMs : Infinity);
    if (dueMs < Infinity) this.#timer = this.#clock.schedule(dueMs - this.#clock.nowMs(), () => this.#begin());
  }

  #begin(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    this.#asked = false;
    wake?.();
  }
}
