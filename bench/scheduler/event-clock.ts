/** Time that jumps from event to event, so that a scheduler can be simulated faster than it runs. */
import type { Clock, Timer } from '../../core/clock.ts';

export class EventClock implements Clock {
  #nowMs = 0;
  /** Latest first, so that the next one is popped from the end. */
  readonly #pending: { readonly atMs: number; readonly run: () => void; cancelled: boolean }[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#nowMs;
  }

  schedule(delayMs: number, run: () => void): Timer {
    const entry = { atMs: this.#nowMs + delayMs, run, cancelled: false };
    let at = this.#pending.length;
    while (at > 0 && (this.#pending[at - 1]?.atMs ?? Infinity) <= entry.atMs) at--;
    this.#pending.splice(at, 0, entry);
    return { cancel: () => void (entry.cancelled = true) };
  }

  defer(run: () => void): void {
    this.schedule(0, run);
  }

  /** Goes on to `untilMs` through everything that falls due, with promise callbacks after each. */
  async advanceTo(untilMs: number): Promise<void> {
    for (let next = this.#pending.at(-1); next !== undefined && next.atMs <= untilMs; next = this.#pending.at(-1)) {
      this.#pending.pop();
      if (next.cancelled) continue;
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.run();
      await undefined;
      await undefined;
    }
    this.#nowMs = untilMs;
  }

  isDue(untilMs: number): boolean {
    return (this.#pending.at(-1)?.atMs ?? Infinity) <= untilMs;
  }

  /** Like `advanceTo`, when nothing is due until then. */
  jumpTo(nowMs: number): void {
    this.#nowMs = nowMs;
  }
}
