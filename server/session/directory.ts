/** Every session of this server, and the ways into and out of them. */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';
import { CopresenceError } from '../../core/errors.ts';
import type { VideoTask } from '../../core/tasks.ts';
import { encodeDown } from '../../protocol/codec/control.ts';
import { LIMITS } from '../../protocol/limits.ts';
import type { UpMessageOf } from '../../protocol/up.ts';
import type { Capability } from '../../protocol/version.ts';
import type { Connection, Delivery } from '../flow.ts';
import type { ClockOffset } from './clock-offset.ts';
import { HeldMessages } from './held-messages.ts';
import { Participant, type ParticipantOptions } from './participant.ts';
import { closeWith } from './refusal.ts';
import { ResumeTokens } from './resume-tokens.ts';
import { Session } from './session.ts';
import { admits, type TokenClaims } from './token.ts';

/** A participant and the session that they are in. */
export interface Membership {
  readonly session: Session;
  readonly participant: Participant;
}

/** Who stands at the door. */
export interface Visitor {
  readonly connection: Connection;
  readonly claims: TokenClaims;
  readonly clock: ClockOffset;
  readonly capabilities: readonly Capability[];
}

/** A session as it was on another server. */
export interface RestoredSession {
  readonly id: string;
  readonly nextChatId: number;
  /** One or more, each with a slot and an id of its own. */
  readonly members: Iterable<{ readonly options: Omit<ParticipantOptions, 'presence' | 'nowMs'>; readonly resumeDigest: string | undefined }>;
}

export interface DirectoryOptions {
  readonly clock: Clock;
  readonly delivery: Delivery;
  readonly tickRateHz: number;
  readonly maxSessions: number;
  /** A participant has come, or come back: they need to hear of everybody. */
  readonly onEntered: (membership: Membership) => void;
  /** A participant is gone for good: forget what waits for them. */
  readonly onLeft: (membership: Membership) => void;
  /** The last participant of a session has left. */
  readonly onEmpty: (session: Session) => void;
}

/** What models look for in pictures where a participant does not say. */
const DEFAULT_VIDEO: readonly VideoTask[] = ['body-pose'];

/** @bound `maxSessions` sessions. */
export class SessionDirectory {
  readonly #options: DirectoryOptions;
  readonly #sessions = new Map<string, Session>();
  readonly #resumeTokens = new ResumeTokens<Participant, Membership>();

  constructor(options: DirectoryOptions) {
    this.#options = options;
  }

  get sessions(): Iterable<Session> {
    return this.#sessions.values();
  }

  get size(): number {
    return this.#sessions.size;
  }

  session(id: string): Session | undefined {
    return this.#sessions.get(id);
  }

  /**
   * Makes the visitor a participant, in a new session if there is none of that name.
   *
   * @throws CopresenceError SESSION_FORBIDDEN, SESSION_FULL or SERVER_FULL; nothing has changed then.
   */
  join(visitor: Visitor, message: UpMessageOf<'join'>): Membership {
    if (!admits(visitor.claims, message.session)) throw new CopresenceError('SESSION_FORBIDDEN', 'the token is for another session');
    const session = this.#sessions.get(message.session) ?? this.#create(message.session);
    const slot = session.freeSlot();
    if (slot === undefined) throw new CopresenceError('SESSION_FULL', `${session.size} participants`);
    const { name, consent, video = DEFAULT_VIDEO } = message;
    const { connection, clock, claims, capabilities } = visitor;
    const presence = { state: 'live', connection, clock, capabilities } as const;
    const participant = new Participant({ participantId: randomUUID(), slot, name, claims, consent, video, presence, nowMs: this.#options.clock.nowMs() });
    session.tell({ type: 'presence', event: 'joined', participant: participant.info() });
    session.add(participant);
    const membership = { session, participant };
    this.#welcome(membership, connection, false);
    this.#options.onEntered(membership);
    return membership;
  }

  /**
   * Puts a participant whose connection went onto a new one; the same slot, the same id.
   *
   * @throws CopresenceError RESUME_REFUSED when the token is unknown, used, too old or somebody else's;
   * SESSION_FORBIDDEN when the visitor's own token is for another session.
   */
  resume(visitor: Visitor, resumeToken: string): Membership {
    const membership = this.#resumeTokens.redeem(resumeToken);
    if (membership === undefined) throw new CopresenceError('RESUME_REFUSED', 'unknown, used or too old');
    const { session, participant } = membership;
    if (participant.claims.subject !== visitor.claims.subject) throw new CopresenceError('RESUME_REFUSED', 'of another subject');
    if (!admits(visitor.claims, session.id)) throw new CopresenceError('SESSION_FORBIDDEN', 'the token is for another session');
    const before = participant.presence;
    if (before.state === 'away') before.leaving.cancel();
    participant.presence = { state: 'live', connection: visitor.connection, clock: visitor.clock, capabilities: visitor.capabilities };
    if (before.state === 'live') closeWith(before.connection, 'REPLACED', 'resumed on another connection', 'resume');
    participant.needsKey = true;
    participant.forgetCaptureTime();
    this.#welcome(membership, visitor.connection, true);
    if (before.state === 'away') before.held?.handOver(visitor.connection);
    session.tell({ type: 'presence', event: 'back', participant: participant.info() });
    this.#options.onEntered(membership);
    return membership;
  }

  /** The connection is gone; the participant may come back for LIMITS.resumeMs. */
  disconnect(membership: Membership, connection: Connection): void {
    const { session, participant } = membership;
    if (participant.presence.state !== 'live' || participant.presence.connection !== connection) return;
    const leaving = this.#options.clock.schedule(LIMITS.resumeMs, () => this.leave(membership));
    participant.presence = { state: 'away', leaving };
    session.tell({ type: 'presence', event: 'away', participant: participant.info() });
  }

  /** Ends the membership; an empty session ends with it. */
  leave(membership: Membership): void {
    const { session, participant } = membership;
    if (participant.presence.state === 'left') return;
    if (participant.presence.state === 'away') participant.presence.leaving.cancel();
    participant.presence = { state: 'left' };
    this.#resumeTokens.revoke(participant);
    session.remove(participant);
    session.tell({ type: 'presence', event: 'left', participant: participant.info() });
    this.#options.onLeft(membership);
    if (session.size > 0) return;
    this.#sessions.delete(session.id);
    this.#options.onEmpty(session);
  }

  /** Whose place a resume token is for; it is not spent by that. */
  placeOf(resumeToken: string): Membership | undefined {
    return this.#resumeTokens.find(resumeToken);
  }

  /** By which another server can know a participant's resume token. */
  resumeDigest(participant: Participant): string | undefined {
    return this.#resumeTokens.digest(participant);
  }

  /**
   * Makes a session that comes from another server. Its participants are away, for LIMITS.resumeMs, and miss nothing reliable
   * meanwhile.
   *
   * @throws CopresenceError SESSION_EXISTS or SERVER_FULL; nothing has changed then.
   */
  restore({ id, nextChatId, members }: RestoredSession): Session {
    if (this.#sessions.has(id)) throw new CopresenceError('SESSION_EXISTS', 'somebody has joined it here');
    const session = this.#create(id, nextChatId);
    for (const { options, resumeDigest } of members) {
      const leaving = this.#options.clock.schedule(LIMITS.resumeMs, () => this.leave(membership));
      const held = new HeldMessages(() => this.leave(membership));
      const participant: Participant = new Participant({ ...options, presence: { state: 'away', leaving, held }, nowMs: this.#options.clock.nowMs() });
      const membership: Membership = { session, participant };
      session.add(participant);
      if (resumeDigest !== undefined) this.#resumeTokens.adopt(membership, resumeDigest);
    }
    return session;
  }

  #create(id: string, nextChatId?: number): Session {
    if (this.#sessions.size >= this.#options.maxSessions) throw new CopresenceError('SERVER_FULL', `${this.#sessions.size} sessions`);
    const session = new Session(id, this.#options.delivery, nextChatId);
    this.#sessions.set(id, session);
    return session;
  }

  #welcome(membership: Membership, connection: Connection, resumed: boolean): void {
    const { session, participant } = membership;
    const joined = encodeDown({
      type: 'joined',
      session: session.id,
      slot: participant.slot,
      participantId: participant.participantId,
      role: participant.claims.role,
      grants: [...participant.claims.grants],
      resumed,
      resumeToken: this.#resumeTokens.issue(membership),
      resumeMs: LIMITS.resumeMs,
      tickRateHz: this.#options.tickRateHz,
      recording: session.recording.state === 'on',
      participants: session.roster(),
    });
    connection.send(joined, 'reliable');
  }
}
