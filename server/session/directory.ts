/** Every session of this server, and the ways into and out of them. */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';
import { assert } from '../../core/assert.ts';
import { CopresenceError, ERRORS, type ErrorCode } from '../../core/errors.ts';
import type { VideoTask } from '../../core/tasks.ts';
import { encodeDown } from '../../protocol/codec/control.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { GRANT_CAPABILITY, type Grant } from '../../protocol/roles.ts';
import type { UpMessageOf } from '../../protocol/up.ts';
import type { Capability } from '../../protocol/version.ts';
import type { DownMessageOf } from '../../protocol/down.ts';
import type { Connection, Delivery } from '../flow.ts';
import type { ClockOffset } from './clock-offset.ts';
import { GuessLimit } from './guess-limit.ts';
import { HeldMessages } from './held-messages.ts';
import { Participant, type ParticipantOptions } from './participant.ts';
import { closeWith } from './refusal.ts';
import { ResumeTokens } from './resume-tokens.ts';
import { SessionAges } from './session-ages.ts';
import { SessionCodes } from './session-codes.ts';
import { listSessions } from './session-list.ts';
import { hasMetadata, type SessionSettings } from './session-rules.ts';
import { hearsOfSession, Session } from './session.ts';
import { SessionQuota } from './session-quota.ts';
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
  /** Its code may be taken here, and is another then. Without them it is as one that was made by `join`. */
  readonly settings?: WantedSettings | undefined;
  /** One or more, each with a slot and an id of its own. */
  readonly members: Iterable<{ readonly options: Omit<ParticipantOptions, 'presence' | 'nowMs'>; readonly resumeDigest: string | undefined }>;
}

export interface DirectoryOptions {
  readonly clock: Clock;
  readonly delivery: Delivery;
  readonly tickRateHz: number;
  readonly maxSessions: number;
  /** How old a session may become; undefined for as old as it likes. */
  readonly maxAgeMs?: number | undefined;
  /** Chance for codes; see `SessionCodes`. */
  readonly drawCode?: (bound: number) => number;
  /** That one subject has made and that are still there. */
  readonly maxSessionsPerSubject: number;
  /** A participant has come, or come back: they need to hear of everybody. */
  readonly onEntered: (membership: Membership) => void;
  /** A participant is gone for good: forget what waits for them. */
  readonly onLeft: (membership: Membership) => void;
  /** The last participant of a session has left. */
  readonly onEmpty: (session: Session) => void;
}

/** Who comes in, by whichever way. */
type Entry = Pick<UpMessageOf<'join'>, 'name' | 'consent' | 'video'>;
type WantedSettings = { readonly [Key in keyof SessionSettings]?: SessionSettings[Key] | undefined };

/** What models look for in pictures where a participant does not say. */
const DEFAULT_VIDEO: readonly VideoTask[] = ['body-pose'];

/** @bound `maxSessions` sessions. */
export class SessionDirectory {
  readonly #options: DirectoryOptions;
  readonly #sessions = new Map<string, Session>();
  readonly #codes: SessionCodes;
  readonly #guesses = new GuessLimit(LIMITS.codeGuessesPerMinute, LIMITS.connections);
  readonly #ages: SessionAges;
  #opened = 0;
  readonly #quota: SessionQuota;
  readonly #resumeTokens = new ResumeTokens<Participant, Membership>();

  constructor(options: DirectoryOptions) {
    this.#options = options;
    this.#codes = new SessionCodes(options.drawCode);
    this.#ages = new SessionAges(options.clock, (session) => this.end(session, 'SESSION_ENDED'));
    this.#quota = new SessionQuota(options.maxSessionsPerSubject);
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
   * @throws CopresenceError SESSION_FORBIDDEN, SERVER_FULL, or what `enter` throws; nothing has changed then.
   */
  join(visitor: Visitor, message: UpMessageOf<'join'>): Membership {
    if (!admits(visitor.claims, message.session)) throw new CopresenceError('SESSION_FORBIDDEN', 'the token is for another session');
    const session = this.#sessions.get(message.session);
    if (session?.rules.visibility === 'private') throw new CopresenceError('SESSION_FORBIDDEN', 'only its code leads into this session');
    return this.enter(visitor, message, session ?? this.openFor(visitor.claims, message.session));
  }

  /**
   * Makes a session as wanted, and the visitor its first participant.
   *
   * @throws CopresenceError GRANT_MISSING, SESSION_EXISTS, SESSION_FORBIDDEN or SERVER_FULL; nothing has changed then.
   */
  create(visitor: Visitor, message: UpMessageOf<'create'>): Membership {
    const { claims } = visitor;
    if (!claims.grants.includes('moderate')) throw new CopresenceError('GRANT_MISSING', 'making a session needs the grant moderate');
    const id = message.session ?? (claims.session === '*' ? randomUUID() : claims.session);
    if (!admits(claims, id)) throw new CopresenceError('SESSION_FORBIDDEN', 'the token is for another session');
    if (this.#sessions.has(id)) throw new CopresenceError('SESSION_EXISTS', 'somebody was first');
    const { visibility, capacity, metadata, maxAgeS } = message;
    return this.enter(visitor, message, this.openFor(claims, id, { visibility, capacity, metadata, maxAgeMs: maxAgeS === undefined ? undefined : maxAgeS * 1000 }));
  }

  /**
   * Makes the visitor a participant of the session with this code.
   *
   * @throws CopresenceError NOT_FOUND, also when the token is for another session, so that nobody learns which codes there are;
   * RATE_LIMITED after too many of these; or what `enter` throws.
   */
  joinByCode(visitor: Visitor, message: UpMessageOf<'join-code'>): Membership {
    const nowMs = this.#options.clock.nowMs();
    const { subject } = visitor.claims;
    if (!this.#guesses.allows(subject, nowMs)) throw new CopresenceError('RATE_LIMITED', 'too many wrong codes');
    const session = this.#sessions.get(this.#codes.find(message.code) ?? '');
    if (session === undefined || !admits(visitor.claims, session.id)) {
      this.#guesses.failed(subject, nowMs);
      throw new CopresenceError('NOT_FOUND', 'no session has this code');
    }
    return this.enter(visitor, message, session);
  }

  /**
   * Makes the visitor a participant of a session, whatever it is called and whatever their token is for.
   *
   * @throws CopresenceError KICKED, SESSION_LOCKED or SESSION_FULL; nothing has changed then.
   */
  enter(visitor: Visitor, entry: Entry, session: Session): Membership {
    const { connection, clock, claims, capabilities } = visitor;
    refuseEntry(session, claims);
    const slot = session.freeSlot();
    assert(slot !== undefined, 'a session with room has a slot');
    const { name, consent, video = DEFAULT_VIDEO } = entry;
    const hostBefore = session.host;
    const presence = { state: 'live', connection, clock, capabilities } as const;
    const participant = new Participant({ participantId: randomUUID(), slot, name, claims, consent, video, presence, nowMs: this.#options.clock.nowMs() });
    session.tell({ type: 'presence', event: 'joined', participant: participant.info() });
    session.add(participant);
    const membership = { session, participant };
    this.#welcome(membership, connection, false);
    if (session.host !== hostBefore && session.size > 1) session.announce();
    else inform(membership);
    this.#options.onEntered(membership);
    return membership;
  }

  /**
   * Puts a participant whose connection went onto a new one; the same slot, the same id.
   *
   * @throws CopresenceError KICKED when the subject is banned by now; RESUME_REFUSED when the token is unknown, used, too old or somebody else's;
   * SESSION_FORBIDDEN when the visitor's own token is for another session.
   */
  resume(visitor: Visitor, resumeToken: string): Membership {
    const membership = this.#resumeTokens.redeem(resumeToken);
    if (membership === undefined) throw new CopresenceError('RESUME_REFUSED', 'unknown, used or too old');
    const { session, participant } = membership;
    if (participant.claims.subject !== visitor.claims.subject) throw new CopresenceError('RESUME_REFUSED', 'of another subject');
    if (!admits(visitor.claims, session.id)) throw new CopresenceError('SESSION_FORBIDDEN', 'the token is for another session');
    if (session.rules.bans.has(visitor.claims.subject)) throw new CopresenceError('KICKED', 'a moderator removed this participant');
    const before = participant.presence;
    if (before.state === 'away') before.leaving.cancel();
    participant.presence = { state: 'live', connection: visitor.connection, clock: visitor.clock, capabilities: visitor.capabilities };
    if (before.state === 'live') closeWith(before.connection, 'REPLACED', 'resumed on another connection', 'resume');
    participant.needsKey = true;
    participant.forgetCaptureTime();
    this.#welcome(membership, visitor.connection, true);
    inform(membership);
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
    session.recordPresence(participant, 'away', this.#options.clock.nowMs());
  }

  /** Ends the membership; an empty session ends with it. */
  leave(membership: Membership): void {
    const { session, participant } = membership;
    if (participant.presence.state === 'left') return;
    if (participant.presence.state === 'away') participant.presence.leaving.cancel();
    participant.presence = { state: 'left' };
    this.#resumeTokens.revoke(participant);
    const hostBefore = session.host;
    session.remove(participant);
    session.tell({ type: 'presence', event: 'left', participant: participant.info() });
    this.#options.onLeft(membership);
    if (session.size === 0) this.#close(session);
    else if (session.host !== hostBefore) session.announce();
  }

  /**
   * Sends a participant away: a ban keeps their subject out as long as the session lasts, and sends away everybody of it.
   *
   * @param by - who wants it, where that is a participant.
   * @returns NOT_FOUND, or MESSAGE_INVALID when `by` would send themselves away; undefined when it is done.
   */
  kick(session: Session, participantId: string, { ban, by }: { readonly ban: boolean; readonly by?: Participant }): ErrorCode | undefined {
    const members = [...session.participants];
    const target = members.find((member) => member.participantId === participantId);
    if (target === undefined) return 'NOT_FOUND';
    const { subject } = target.claims;
    const leaving = ban ? members.filter((member) => member.claims.subject === subject) : [target];
    if (by !== undefined && leaving.includes(by)) return 'MESSAGE_INVALID';
    if (ban) session.rules.bans.add(subject);
    for (const participant of leaving) {
      const { connection } = participant;
      this.leave({ session, participant });
      if (connection !== undefined) closeWith(connection, 'KICKED', 'removed by a moderator', 'kick');
    }
    return undefined;
  }

  /** Ends a session with everybody in it, who are told why and nothing of each other's leaving. */
  end(session: Session, code: ErrorCode): void {
    if (this.#sessions.get(session.id) !== session) return;
    for (const participant of [...session.participants]) {
      const { presence } = participant;
      if (presence.state === 'away') presence.leaving.cancel();
      participant.presence = { state: 'left' };
      this.#resumeTokens.revoke(participant);
      session.remove(participant);
      if (presence.state === 'live') closeWith(presence.connection, code, ERRORS[code].summary, 'session');
      this.#options.onLeft({ session, participant });
    }
    this.#close(session);
  }

  /** One page of the sessions that a list shows to whoever has this token, the oldest first. */
  list(claims: TokenClaims, { filter = {}, after = 0, limit = LIMITS.sessionsPerPage }: UpMessageOf<'list'>): DownMessageOf<'sessions'> {
    return listSessions(this.#sessions.values(), (session) => admits(claims, session.id) && hasMetadata(session.rules.metadata, filter), { after, limit });
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
  restore({ id, nextChatId, settings, members }: RestoredSession): Session {
    if (this.#sessions.has(id)) throw new CopresenceError('SESSION_EXISTS', 'somebody has joined it here');
    const session = this.open(id, settings, nextChatId);
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

  /**
   * Makes a session, which whoever called this has to put somebody into.
   *
   * @param wanted - where it says nothing: open, for as many as may be, without metadata. It lives no longer than the server lets it.
   * @throws CopresenceError SERVER_FULL.
   */
  open(id: string, wanted: WantedSettings = {}, nextChatId?: number): Session {
    if (this.#sessions.size >= this.#options.maxSessions) throw new CopresenceError('SERVER_FULL', `${this.#sessions.size} sessions`);
    const { visibility = 'open', capacity = LIMITS.participantsPerSession, metadata = {}, createdMs = this.#options.clock.nowMs() } = wanted;
    const ages = [wanted.maxAgeMs, this.#options.maxAgeMs].filter((ageMs) => ageMs !== undefined);
    const maxAgeMs = ages.length === 0 ? undefined : Math.min(...ages);
    const code = this.#codes.issue(id, wanted.code);
    const settings: SessionSettings = { visibility, capacity, metadata, createdMs, maxAgeMs, code, locked: wanted.locked ?? false, banned: wanted.banned ?? [] };
    const session = new Session(id, this.#options.delivery, { settings, ordinal: ++this.#opened, nextChatId });
    this.#sessions.set(id, session);
    this.#ages.watch(session);
    return session;
  }

  /** Makes a session for somebody, who may only have made so many. @throws CopresenceError SERVER_FULL. */
  openFor({ subject }: TokenClaims, id: string, wanted?: WantedSettings): Session {
    this.#quota.check(subject);
    const session = this.open(id, wanted);
    this.#quota.take(subject, id);
    return session;
  }

  #close(session: Session): void {
    this.#sessions.delete(session.id);
    this.#quota.release(session.id);
    this.#codes.release(session.rules.code);
    this.#ages.forget(session);
    this.#options.onEmpty(session);
  }

  #welcome(membership: Membership, connection: Connection, resumed: boolean): void {
    const { session, participant } = membership;
    const joined = encodeDown({
      type: 'joined',
      session: session.id,
      slot: participant.slot,
      participantId: participant.participantId,
      role: participant.claims.role,
      grants: grantsFor(participant),
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

/** Without those that came with a capability which the client does not know, and would not read a `joined` that names. */
function grantsFor(participant: Participant): Grant[] {
  return participant.claims.grants.filter((grant) => {
    const capability = GRANT_CAPABILITY[grant];
    return capability === undefined || participant.understands(capability);
  });
}

/** @throws CopresenceError KICKED, SESSION_LOCKED or SESSION_FULL. */
function refuseEntry(session: Session, claims: TokenClaims): void {
  if (session.rules.bans.has(claims.subject)) throw new CopresenceError('KICKED', 'a moderator removed this participant');
  // A session whose last moderator is gone could never be unlocked otherwise.
  if (session.rules.locked && !claims.grants.includes('moderate')) throw new CopresenceError('SESSION_LOCKED', 'a moderator has locked it');
  if (session.isFull) throw new CopresenceError('SESSION_FULL', `${session.size} participants`);
}

/** How the session stands, to somebody who has just come. */
function inform({ session, participant }: Membership): void {
  if (hearsOfSession(participant)) participant.connection?.send(encodeDown(session.info()), 'reliable');
}
