/** Ends the process: gently the first time it is told to, at once by a second signal, and after a limit in any case. */
import type { Clock } from '../core/clock.ts';

export interface ShutdownParts {
  readonly clock: Clock;
  /** Sees everybody out and closes what is open. */
  readonly close: () => Promise<void>;
  readonly exit: (code: number) => void;
  /** What `close` could not do. */
  readonly fail: (error: unknown) => void;
  /** For a shutdown that a signal begins. */
  readonly limitMs: number;
}

/** Exit codes: 0 when everybody was seen out, 1 when a second signal or the limit came first. */
export class Shutdown {
  readonly #parts: ShutdownParts;
  #begun = false;
  #signals = 0;

  constructor(parts: ShutdownParts) {
    this.#parts = parts;
  }

  /** A signal came. One that follows an admin's word is the first signal: whoever manages processes sends one after the other. */
  signal(): void {
    if (++this.#signals > 1) return this.#parts.exit(1);
    this.begin();
  }

  /** Begins, unless it has. @param limitMs - from now on, after which the process ends whatever hangs. */
  begin(limitMs = this.#parts.limitMs): void {
    if (this.#begun) return;
    this.#begun = true;
    const { clock, close, exit, fail } = this.#parts;
    clock.schedule(limitMs, () => exit(1));
    close().then(() => exit(0), fail);
  }
}
