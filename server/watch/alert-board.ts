/** What is wrong now and was lately: each trouble is told once when it begins and once when it ends. */
import type { Clock } from '../../core/clock.ts';

/** What an alert is about; there is one at most of each at a time. */
export interface AlertAbout {
  readonly kind: string;
  readonly model: string;
  readonly version: string;
}

export interface Alert extends AlertAbout {
  readonly state: 'raised' | 'cleared';
  /** Unix time, milliseconds. */
  readonly sinceMs: number;
  readonly clearedMs?: number;
  /** What was seen, the last time that it was; figures only. */
  readonly facts: object;
  /** Why it ended. */
  readonly reason?: string;
}

/** Takes alerts. */
export interface Alerts {
  /** Those that stand. */
  readonly raised: readonly Alert[];
  raise(about: AlertAbout, facts: object): void;
  clear(about: AlertAbout, reason: string): void;
  /** Ends everything about a version. */
  clearVersion(model: string, version: string, reason: string): void;
}

/** Further ones are not raised: with so many nobody needs another. */
const MAX_RAISED = 256;
const MAX_CLEARED = 100;

export class AlertBoard implements Alerts {
  readonly #clock: Clock;
  readonly #tell: (alert: Alert) => void;
  readonly #raised = new Map<string, Alert>();
  readonly #cleared: Alert[] = [];

  /**
   * @param tell - hears of each that begins or ends. Never throws.
   * @param before - the list of an earlier board: those that stood then stand now, and are told again only when they end.
   */
  constructor(clock: Clock, tell: (alert: Alert) => void, before: readonly Alert[] = []) {
    this.#clock = clock;
    this.#tell = tell;
    for (const alert of before.filter(({ state }) => state === 'raised').slice(0, MAX_RAISED)) this.#raised.set(keyOf(alert), alert);
    this.#cleared.push(...before.filter(({ state }) => state === 'cleared').slice(0, MAX_CLEARED));
  }

  /** Those that stand, oldest first, then those that ended, newest first. */
  get list(): readonly Alert[] {
    return [...this.#raised.values(), ...this.#cleared];
  }

  get raised(): readonly Alert[] {
    return [...this.#raised.values()];
  }

  raise(about: AlertAbout, facts: object): void {
    const key = keyOf(about);
    const before = this.#raised.get(key);
    if (before !== undefined) return void this.#raised.set(key, { ...before, facts });
    if (this.#raised.size >= MAX_RAISED) return;
    const alert: Alert = { ...about, state: 'raised', sinceMs: this.#clock.wallMs(), facts };
    this.#raised.set(key, alert);
    this.#tell(alert);
  }

  clear(about: AlertAbout, reason: string): void {
    const before = this.#raised.get(keyOf(about));
    if (before === undefined) return;
    this.#raised.delete(keyOf(about));
    const alert: Alert = { ...before, state: 'cleared', clearedMs: this.#clock.wallMs(), reason };
    this.#cleared.unshift(alert);
    this.#cleared.length = Math.min(this.#cleared.length, MAX_CLEARED);
    this.#tell(alert);
  }

  clearVersion(model: string, version: string, reason: string): void {
    for (const alert of this.raised) if (alert.model === model && alert.version === version) this.clear(alert, reason);
  }
}

function keyOf({ kind, model, version }: AlertAbout): string {
  return `${kind} ${model} ${version}`;
}
