/** Time: the only file that touches the machine's clock and timers. Everything else takes a `Clock`. */

/** A pending call made by `Clock.schedule`. */
export interface Timer {
  /** Stops the call if it has not run yet; harmless otherwise. */
  cancel(): void;
}

/** Where a component gets its time from. */
export interface Clock {
  /** Milliseconds on a monotonic clock with an arbitrary origin. */
  nowMs(): number;
  /** Milliseconds since the Unix epoch; may jump, so it is for labels and never for differences. */
  wallMs(): number;
  /** Calls `run` once, `delayMs` from now (0 means after the current turn). */
  schedule(delayMs: number, run: () => void): Timer;
  /** Calls `run` once, when what is now waiting to be read has been handled: the end of this turn. */
  defer(run: () => void): void;
}

/**
 * The machine's clock.
 *
 * @param offsetMs - added to the monotonic reading; lets a simulated device have a clock of its own.
 */
export function systemClock(offsetMs = 0): Clock {
  return {
    nowMs: () => performance.now() + offsetMs,
    wallMs: () => Date.now(),
    schedule(delayMs, run) {
      const handle = setTimeout(run, Math.max(0, delayMs));
      return { cancel: () => clearTimeout(handle) };
    },
    defer(run) {
      if (typeof setImmediate === 'function') setImmediate(run);
      else queueMicrotask(run);
    },
  };
}

/** Resolves after `delayMs` on `clock`. */
export function sleep(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => clock.schedule(delayMs, resolve));
}

/** A clock whose owner cancels it: `stop` ends the repetition. */
export interface Repeating {
  stop(): void;
}

/**
 * Calls `run` every `periodMs`, on the grid of its start: a late call does not move the ones after it, and calls
 * that were missed altogether are skipped rather than made up for.
 */
export function every(clock: Clock, periodMs: number, run: (nowMs: number) => void): Repeating {
  let dueMs = clock.nowMs() + periodMs;
  let timer = clock.schedule(periodMs, fire);
  let stopped = false;
  function fire(): void {
    const nowMs = clock.nowMs();
    run(nowMs);
    if (stopped) return;
    dueMs += periodMs * Math.max(1, Math.floor((nowMs - dueMs) / periodMs) + 1);
    timer = clock.schedule(dueMs - clock.nowMs(), fire);
  }
  return {
    stop() {
      stopped = true;
      timer.cancel();
    },
  };
}

/** A clock that stands still until a test moves it. */
export class ManualClock implements Clock {
  #nowMs: number;
  #sequence = 0;
  #pending: { atMs: number; sequence: number; run: () => void }[] = [];

  constructor(startMs = 0) {
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#nowMs;
  }

  schedule(delayMs: number, run: () => void): Timer {
    const entry = { atMs: this.#nowMs + Math.max(0, delayMs), sequence: this.#sequence++, run };
    this.#pending.push(entry);
    return {
      cancel: () => {
        this.#pending = this.#pending.filter((other) => other !== entry);
      },
    };
  }

  defer(run: () => void): void {
    this.schedule(0, run);
  }

  /** Moves time forward, running what falls due in order of time, then of scheduling. */
  advance(deltaMs: number): void {
    const untilMs = this.#nowMs + deltaMs;
    for (let next = this.#takeDue(untilMs); next !== undefined; next = this.#takeDue(untilMs)) {
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.run();
    }
    this.#nowMs = untilMs;
  }

  /** Like `advance`, but lets promise callbacks run between timers. */
  async advanceAsync(deltaMs: number): Promise<void> {
    const untilMs = this.#nowMs + deltaMs;
    await settle();
    for (let next = this.#takeDue(untilMs); next !== undefined; next = this.#takeDue(untilMs)) {
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.run();
      await settle();
    }
    this.#nowMs = untilMs;
  }

  /** How many calls are waiting. */
  get pendingCount(): number {
    return this.#pending.length;
  }

  #takeDue(untilMs: number): { atMs: number; run: () => void } | undefined {
    let best: { atMs: number; sequence: number; run: () => void } | undefined;
    for (const entry of this.#pending) {
      if (entry.atMs > untilMs) continue;
      if (best === undefined || entry.atMs < best.atMs || (entry.atMs === best.atMs && entry.sequence < best.sequence)) {
        best = entry;
      }
    }
    if (best !== undefined) this.#pending = this.#pending.filter((entry) => entry !== best);
    return best;
  }
}

/** Lets every promise callback that is ready run, including those that they make ready. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 8; turn++) await Promise.resolve();
}
