/** Slows down whoever tries codes in turn. */

const WINDOW_MS = 60_000;

/** @bound `mostKept` names; one more forgets whoever failed first. */
export class GuessLimit {
  readonly #perMinute: number;
  readonly #mostKept: number;
  readonly #failures = new Map<string, { count: number; readonly sinceMs: number }>();

  constructor(perMinute: number, mostKept: number) {
    this.#perMinute = perMinute;
    this.#mostKept = mostKept;
  }

  /** Whether this one may try again. */
  allows(name: string, nowMs: number): boolean {
    const failures = this.#failures.get(name);
    if (failures === undefined) return true;
    if (nowMs - failures.sinceMs < WINDOW_MS) return failures.count < this.#perMinute;
    this.#failures.delete(name);
    return true;
  }

  failed(name: string, nowMs: number): void {
    const failures = this.#failures.get(name);
    if (failures !== undefined) {
      failures.count++;
      return;
    }
    this.#failures.set(name, { count: 1, sinceMs: nowMs });
    const oldest = this.#failures.keys().next();
    if (this.#failures.size > this.#mostKept && oldest.done === false) this.#failures.delete(oldest.value);
  }
}
