/** Whose pictures have ended the decoding process, and until when they are refused for it. */

/** Two deaths within this are no chance. */
const REMEMBER_MS = 60_000;
const FIRST_REFUSAL_MS = 10_000;
const MAX_DOUBLINGS = 6;
/** Owners that are remembered; the one whose last death is longest ago is forgotten first. */
const CAPACITY = 1024;

interface Record {
  readonly deaths: number;
  readonly lastMs: number;
  readonly untilMs: number;
}

/** The first death is forgiven; each further one within a minute of the end of the one before doubles the time. */
export class Strikes {
  readonly #records = new Map<string, Record>();

  add(owner: string, nowMs: number): void {
    const before = this.#records.get(owner);
    const deaths = before !== undefined && nowMs - Math.max(before.lastMs, before.untilMs) < REMEMBER_MS ? before.deaths + 1 : 1;
    this.#records.delete(owner);
    this.#records.set(owner, { deaths, lastMs: nowMs, untilMs: deaths < 2 ? nowMs : nowMs + FIRST_REFUSAL_MS * 2 ** Math.min(deaths - 2, MAX_DOUBLINGS) });
    const [oldest] = this.#records.keys();
    if (this.#records.size > CAPACITY && oldest !== undefined) this.#records.delete(oldest);
  }

  isRefused(owner: string, nowMs: number): boolean {
    return nowMs < (this.#records.get(owner)?.untilMs ?? nowMs);
  }
}
