/** The end of a turn: when everything that was read has been handled, and what is to be sent goes out. */
import type { Clock } from '../../core/clock.ts';

/** What waits for the end of the turn on one clock. */
export class Turn {
  readonly #clock: Clock;
  #waiting: (() => void)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `flush` at the end of this turn, once. */
  add(flush: () => void): void {
    if (this.#waiting.push(flush) === 1) this.#clock.defer(() => this.end());
  }

  /** Ends the turn now: for who has done all that it brought, as a tick has. */
  end(): void {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    for (const flush of waiting) flush();
  }
}

const turns = new WeakMap<Clock, Turn>();

/** The turn of everything that runs on this clock. */
export function turnOf(clock: Clock): Turn {
  const turn = turns.get(clock) ?? new Turn(clock);
  turns.set(clock, turn);
  return turn;
}
