/** Keeps those who wait for a match, and puts them into sessions as planned. */
import { randomUUID } from 'node:crypto';
import type { Clock, Timer } from '../../core/clock.ts';
import { CopresenceError } from '../../core/errors.ts';
import { encodeDown } from '../../protocol/codec/control.ts';
import type { DownMessageOf } from '../../protocol/down.ts';
import { LIMITS } from '../../protocol/limits.ts';
import type { Metadata } from '../../protocol/message/session.ts';
import type { UpMessageOf } from '../../protocol/up.ts';
import type { SessionDirectory } from './directory.ts';
import type { Guest } from './guest.ts';
import { planMatches, type Opening, type Placement, type Ticket } from './matchmaking.ts';
import type { Session } from './session.ts';
import type { TokenClaims } from './token.ts';

/** How often sessions are looked at that may have room again. */
const LOOK_MS = 500;

export interface MatchDeskOptions {
  readonly clock: Clock;
  readonly directory: SessionDirectory;
  /** Lets somebody in, or tells them why not. */
  readonly enter: (guest: Guest, message: UpMessageOf<'match'>, session: Session) => void;
}

interface Waiting extends Ticket {
  readonly guest: Guest;
  readonly claims: TokenClaims;
  readonly message: UpMessageOf<'match'>;
  readonly sinceMs: number;
  readonly timeout: Timer;
}

/** @bound LIMITS.matchQueue tickets, one for each guest. */
export class MatchDesk {
  readonly #options: MatchDeskOptions;
  /** The oldest first. */
  readonly #waiting = new Map<Guest, Waiting>();
  /** What was formed here, by session. */
  readonly #pools = new Map<Session, string>();
  #look: Timer | undefined;
  #tickets = 0;

  constructor(options: MatchDeskOptions) {
    this.#options = options;
  }

  /** Takes somebody in, who may be in a session before this returns. @throws CopresenceError MESSAGE_INVALID, MESSAGE_UNEXPECTED or SESSION_FORBIDDEN. */
  add(guest: Guest, claims: TokenClaims, message: UpMessageOf<'match'>): void {
    // Where a match leads is known to nobody beforehand.
    if (claims.session !== '*') throw new CopresenceError('SESSION_FORBIDDEN', 'a match needs a token for any session');
    if (this.#waiting.has(guest)) throw new CopresenceError('MESSAGE_UNEXPECTED', 'waiting already');
    if (message.min > message.max) throw new CopresenceError('MESSAGE_INVALID', 'min is more than max');
    if (this.#waiting.size >= LIMITS.matchQueue) return tell(guest, 'full');
    const { clock } = this.#options;
    const timeout = clock.schedule(message.timeoutMs, () => this.#end(guest, 'timeout'));
    const { min, max, metadata = {} } = message;
    this.#waiting.set(guest, { id: ++this.#tickets, pool: poolOf(claims.tenant, metadata), subject: claims.subject, min, max, guest, claims, message, sinceMs: clock.nowMs(), timeout });
    this.#plan();
  }

  /** @returns false when they do not wait. */
  cancel(guest: Guest): boolean {
    return this.#end(guest, 'cancelled');
  }

  /** They are gone, or in a session. */
  forget(guest: Guest): void {
    this.#waiting.get(guest)?.timeout.cancel();
    this.#waiting.delete(guest);
  }

  close(): void {
    this.#look?.cancel();
    for (const guest of [...this.#waiting.keys()]) this.forget(guest);
  }

  #end(guest: Guest, reason: DownMessageOf<'unmatched'>['reason']): boolean {
    if (!this.#waiting.has(guest)) return false;
    this.forget(guest);
    tell(guest, reason);
    return true;
  }

  #plan(): void {
    for (const placement of planMatches([...this.#waiting.values()], this.#openings())) this.#place(placement);
    this.#look?.cancel();
    this.#look = this.#waiting.size === 0 ? undefined : this.#options.clock.schedule(LOOK_MS, () => this.#plan());
  }

  #openings(): Opening[] {
    const openings: Opening[] = [];
    for (const [session, pool] of this.#pools) {
      if (this.#options.directory.session(session.id) !== session) this.#pools.delete(session);
      else if (!session.isFull && !session.rules.locked && !session.rules.ending) {
        openings.push({ session: session.id, pool, size: session.size, capacity: session.rules.capacity, isBanned: (subject) => session.rules.bans.has(subject) });
      }
    }
    return openings;
  }

  #place(placement: Placement<Waiting>): void {
    const session = placement.kind === 'fill' ? this.#options.directory.session(placement.session) : this.#open(placement);
    for (const { guest, message, sinceMs } of placement.tickets) {
      this.forget(guest);
      if (session === undefined) {
        tell(guest, 'full');
        continue;
      }
      guest.connection.send(encodeDown({ type: 'matched', session: session.id, waitedMs: this.#options.clock.nowMs() - sinceMs }), 'reliable');
      this.#options.enter(guest, message, session);
    }
    if (session?.size === 0) this.#options.directory.end(session, 'SESSION_ENDED');
  }

  /** The oldest counts as its maker. Undefined when there is no room for it. */
  #open({ tickets, capacity }: Placement<Waiting> & { kind: 'form' }): Session | undefined {
    const [first] = tickets;
    if (first === undefined) return undefined;
    try {
      const session = this.#options.directory.openFor(first.claims, randomUUID(), { capacity, metadata: first.message.metadata });
      this.#pools.set(session, first.pool);
      return session;
    } catch (error) {
      if (error instanceof CopresenceError) return undefined;
      throw error;
    }
  }
}

/** The same for the same wishes, in whatever order they are said. */
function poolOf(tenant: string, wanted: Metadata): string {
  return JSON.stringify([tenant, Object.entries(wanted).sort(([a], [b]) => (a < b ? -1 : 1))]);
}

function tell(guest: Guest, reason: DownMessageOf<'unmatched'>['reason']): void {
  guest.connection.send(encodeDown({ type: 'unmatched', reason }), 'reliable');
}
