/** Empties a server: asks everybody to go, one after the other, and waits until they have. */
import type { Clock, Timer } from '../../core/clock.ts';
import type { Random } from '../../core/random.ts';
import { encodeDown } from '../../protocol/codec/control.ts';
import type { MoveMessage } from '../../protocol/message/move.ts';
import type { Guest } from '../session/guest.ts';
import type { Reception } from '../session/reception.ts';
import type { Usher } from '../session/usher.ts';
import { planTurns } from './plan-turns.ts';

/** How long a client has to say that it sends nothing more: a few round trips on a bad link. */
const ANSWER_MS = 2000;

/** After the last turn: for answers, and for the closes of links that take long. */
export const DRAIN_REST_MS = 10_000;

export interface DrainParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly reception: Reception;
}

export interface DrainOptions {
  /** Over how long the turns are spread, at most. */
  readonly spreadMs: number;
  /** After which it is over whoever is still there. */
  readonly limitMs: number;
}

/** How it went. */
export interface DrainReport {
  /** Connections that had a turn. */
  readonly asked: number;
  /** Those that were still there at the limit. */
  readonly left: number;
}

/** Those who go together: they hear each other until the last of them has sent what it had to say. */
interface Group {
  readonly guests: readonly Guest[];
  readonly waitingFor: Set<Guest>;
  deadline: Timer | undefined;
}

/** One drain of one server; nobody new comes in from its start on. */
export class Drain implements Usher {
  readonly #parts: DrainParts;
  readonly #options: DrainOptions;
  readonly #groups = new Map<Guest, Group>();
  #turnsLeft = 0;
  #asked = 0;
  #finish: (() => void) | undefined;

  constructor(parts: DrainParts, options: DrainOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  /** Resolves when nobody is connected any more, or at the limit. Called once. */
  async run(): Promise<DrainReport> {
    const { clock, random, reception } = this.#parts;
    reception.usher = this;
    const groups = [...reception.guests].map((guest) => [guest]);
    this.#asked = groups.length;
    this.#turnsLeft = groups.length;
    const emptied = new Promise<void>((resolve) => (this.#finish = resolve));
    const limit = clock.schedule(this.#options.limitMs, () => this.#finish?.());
    for (const { item, delayMs } of planTurns(groups, this.#options.spreadMs, random)) clock.schedule(delayMs, () => this.#turn(item));
    this.#endWhenEmpty();
    await emptied;
    limit.cancel();
    return { asked: this.#asked, left: [...reception.guests].length };
  }

  turnAway(guest: Guest, message: Parameters<Usher['turnAway']>[1]): boolean {
    this.#parts.reception.end(guest, 'SERVER_DRAINING', message.type);
    return true;
  }

  moved(guest: Guest): boolean {
    const group = this.#groups.get(guest);
    if (group?.waitingFor.delete(guest) !== true) return false;
    this.#endWhenAnswered(group);
    return true;
  }

  gone(guest: Guest): void {
    const group = this.#groups.get(guest);
    this.#groups.delete(guest);
    if (group?.waitingFor.delete(guest) === true) this.#endWhenAnswered(group);
    this.#endWhenEmpty();
  }

  #turn(guests: readonly Guest[]): void {
    const group: Group = { guests, waitingFor: new Set(), deadline: undefined };
    for (const guest of guests) {
      if (guest.closing || guest.membership === undefined || !guest.capabilities.includes('move')) continue;
      this.#groups.set(guest, group);
      group.waitingFor.add(guest);
      const move: MoveMessage = { type: 'move', reason: 'drain', withinMs: ANSWER_MS, resume: false };
      guest.connection.send(encodeDown(move), 'reliable');
    }
    group.deadline = this.#parts.clock.schedule(ANSWER_MS, () => this.#end(group));
    this.#endWhenAnswered(group);
  }

  #endWhenAnswered(group: Group): void {
    if (group.waitingFor.size === 0) this.#end(group);
  }

  /** Once for each group: everything that was said is sent before the close. */
  #end(group: Group): void {
    if (group.deadline === undefined) return;
    group.deadline.cancel();
    group.deadline = undefined;
    group.waitingFor.clear();
    for (const guest of group.guests) this.#parts.reception.end(guest, 'SERVER_DRAINING', 'packet');
    this.#turnsLeft--;
    this.#endWhenEmpty();
  }

  /** Whoever came after the turns were given out has none, and goes last. */
  #endWhenEmpty(): void {
    if (this.#turnsLeft > 0) return;
    let connected = 0;
    for (const guest of this.#parts.reception.guests) {
      connected++;
      this.#parts.reception.end(guest, 'SERVER_DRAINING', 'packet');
    }
    if (connected === 0) this.#finish?.();
  }
}
