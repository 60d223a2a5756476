/** Simulated time: a heap of events. Nothing happens between two of them, so a minute takes as long as its events do. */
import { systemClock, type Clock, type Timer } from '../../core/clock.ts';

interface SimEvent {
  readonly atMs: number;
  /** Events of one moment run in the order in which they were scheduled. */
  readonly sequence: number;
  /** Undefined once it ran or was cancelled. */
  run: (() => void) | undefined;
}

/** @bound O(log n) to schedule and to run; a cancelled event stays in the heap until its time, without its callback. */
export class SimClock implements Clock {
  readonly #heap: SimEvent[] = [];
  #nowMs: number;
  #sequence = 0;
  #pending = 0;

  constructor(startMs: number) {
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#nowMs;
  }

  /** Events that will still run. */
  get pendingCount(): number {
    return this.#pending;
  }

  schedule(delayMs: number, run: () => void): Timer {
    const event: SimEvent = { atMs: this.#nowMs + Math.max(0, delayMs), sequence: this.#sequence++, run };
    this.#pending++;
    this.#push(event);
    return {
      cancel: () => {
        if (event.run === undefined) return;
        event.run = undefined;
        this.#pending--;
      },
    };
  }

  defer(run: () => void): void {
    this.schedule(0, run);
  }

  /** Moves to the next event and runs it. @returns false, without moving, when there is none until `untilMs`. */
  step(untilMs: number): boolean {
    for (let first = this.#heap[0]; first !== undefined && first.atMs <= untilMs; first = this.#heap[0]) {
      this.#pop();
      const { run } = first;
      if (run === undefined) continue;
      first.run = undefined;
      this.#pending--;
      this.#nowMs = Math.max(this.#nowMs, first.atMs);
      run();
      return true;
    }
    return false;
  }

  /** Moves to a time until which nothing is left to run. */
  skipTo(atMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, atMs);
  }

  #push(event: SimEvent): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const parentAt = (at - 1) >> 1;
      const parent = heap[parentAt] as SimEvent;
      if (!isBefore(event, parent)) break;
      heap[at] = parent;
      at = parentAt;
    }
    heap[at] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as SimEvent;
    if (heap.length === 0) return;
    let at = 0;
    for (let childAt = 1; childAt < heap.length; childAt = 2 * at + 1) {
      if (childAt + 1 < heap.length && isBefore(heap[childAt + 1] as SimEvent, heap[childAt] as SimEvent)) childAt++;
      const child = heap[childAt] as SimEvent;
      if (!isBefore(child, last)) break;
      heap[at] = child;
      at = childAt;
    }
    heap[at] = last;
  }
}

function isBefore(one: SimEvent, other: SimEvent): boolean {
  return one.atMs === other.atMs ? one.sequence < other.sequence : one.atMs < other.atMs;
}

const machine = systemClock();

/** Lets every promise callback run that is ready, as the machine does after each of its own events. */
export function settlePromises(): Promise<void> {
  return new Promise((resolve) => machine.defer(resolve));
}
