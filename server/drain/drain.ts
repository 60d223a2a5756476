/** Empties a server: asks everybody to go, one after the other or session by session, and waits until they have. */
import type { Clock, Timer } from '../../core/clock.ts';
import type { Random } from '../../core/random.ts';
import { encodeDown } from '../../protocol/codec/control.ts';
import type { MoveMessage } from '../../protocol/message/move.ts';
import type { SessionDirectory } from '../session/directory.ts';
import type { Guest } from '../session/guest.ts';
import type { Reception } from '../session/reception.ts';
import type { Session } from '../session/session.ts';
import type { Usher } from '../session/usher.ts';
import { planTurns } from './plan-turns.ts';

/** How long a client has to say that it sends nothing more: a few round trips on a bad link. */
const ANSWER_MS = 2000;
/** The same where it connects to another server first. */
const MOVE_MS = 5000;
/** Beyond one connection each 50 ms nothing is won by waiting: whoever comes next has taken the one before in by then. */
const MOST_PER_CONNECTION_MS = 50;
/** After the last turn: for answers, and for the closes of links that take long. */
export const DRAIN_REST_MS = 15_000;

export interface DrainParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly reception: Reception;
  readonly directory: SessionDirectory;
  /** Gives a session to another server. @returns where its clients reach it, undefined when it did not take it. */
  readonly give?: ((session: Session) => Promise<string | undefined>) | undefined;
}

export interface DrainOptions {
  /** Over how long the turns are spread, at most. */
  readonly spreadMs: number;
  /** After which it is over whoever is still there. */
  readonly limitMs: number;
}

/** How it went. */
export interface DrainReport {
  /** Turns that were given: to connections, or to sessions where they move. */
  readonly turns: number;
  /** Sessions that another server took. */
  readonly moved: number;
  /** Connections that were still there at the limit. */
  readonly left: number;
}

/** Those who go together: they hear each other until the last of them has sent what it had to say. */
interface Group {
  readonly waitingFor: Set<Guest>;
  readonly guests: readonly Guest[];
  deadline: Timer | undefined;
}

/** Where a session is: `given` away, or on its way until that is known. */
type Whereabouts = { readonly state: 'giving' } | { readonly state: 'given'; readonly to: string } | { readonly state: 'kept' };

/** One drain of one server; nobody new comes in from its start on. */
export class Drain implements Usher {
  readonly #parts: DrainParts;
  readonly #options: DrainOptions;
  readonly #groups = new Map<Guest, Group>();
  readonly #whereabouts = new Map<Session, Whereabouts>();
  #turnsLeft = 0;
  #finish: (() => void) | undefined;

  constructor(parts: DrainParts, options: DrainOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  /** Resolves when nobody is connected any more, or at the limit. Called once. */
  async run(): Promise<DrainReport> {
    const { clock, random, reception } = this.#parts;
    reception.usher = this;
    const items = this.#items();
    this.#turnsLeft = items.length;
    const emptied = new Promise<void>((resolve) => (this.#finish = resolve));
    const limit = clock.schedule(this.#options.limitMs, () => this.#finish?.());
    const spreadMs = Math.min(this.#options.spreadMs, [...reception.guests].length * MOST_PER_CONNECTION_MS);
    for (const { item, delayMs } of planTurns(items, spreadMs, random)) clock.schedule(delayMs, () => this.#turn(item));
    this.#endWhenEmpty();
    await emptied;
    limit.cancel();
    const moved = [...this.#whereabouts.values()].filter(({ state }) => state === 'given').length;
    return { turns: items.length, moved, left: [...reception.guests].length };
  }

  turnAway(guest: Guest, message: Parameters<Usher['turnAway']>[1]): boolean {
    const place = message.type === 'resume' ? this.#parts.directory.placeOf(message.resumeToken) : undefined;
    const where = place && this.#whereabouts.get(place.session);
    // Their session has yet to go, and they with it.
    if (place !== undefined && where === undefined && this.#parts.give !== undefined) return false;
    if (where?.state === 'given' && guest.capabilities.includes('move')) ask(guest, { to: where.to, withinMs: 0, resume: true });
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

  /** Sessions where they move as a whole, also those of whom everybody is away; else, and of who is in none, connections. */
  #items(): (Session | Guest)[] {
    const { reception, directory, give } = this.#parts;
    const guests = [...reception.guests];
    return give === undefined ? guests : [...directory.sessions, ...guests.filter(({ membership }) => membership === undefined)];
  }

  #turn(item: Session | Guest): void {
    const { give, reception } = this.#parts;
    if (!('participants' in item)) {
      // Who has resumed in the meantime goes with their session.
      const alone = give === undefined || item.membership === undefined;
      return this.#ask(alone ? [item] : [], { withinMs: ANSWER_MS, resume: false });
    }
    this.#whereabouts.set(item, { state: 'giving' });
    void (give?.(item) ?? Promise.resolve(undefined)).then((to) => {
      this.#whereabouts.set(item, to === undefined ? { state: 'kept' } : { state: 'given', to });
      const guests = [...reception.guests].filter(({ membership }) => membership?.session === item);
      this.#ask(guests, to === undefined ? { withinMs: ANSWER_MS, resume: false } : { to, withinMs: MOVE_MS, resume: true });
    });
  }

  #ask(guests: readonly Guest[], move: Omit<MoveMessage, 'type' | 'reason'>): void {
    const group: Group = { guests, waitingFor: new Set(), deadline: undefined };
    for (const guest of guests) {
      if (guest.closing || guest.membership === undefined || !guest.capabilities.includes('move')) continue;
      this.#groups.set(guest, group);
      group.waitingFor.add(guest);
      ask(guest, move);
    }
    group.deadline = this.#parts.clock.schedule(move.withinMs, () => this.#end(group));
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

function ask(guest: Guest, move: Omit<MoveMessage, 'type' | 'reason'>): void {
  guest.connection.send(encodeDown({ type: 'move', reason: 'drain', ...move }), 'reliable');
}
