/** Receives every connection: greets it, checks who it is, and hands what it sends to the right place. */
import type { Clock } from '../../core/clock.ts';
import { CopresenceError, ERRORS, type ErrorCode } from '../../core/errors.ts';
import { decodeUp, encodeDown } from '../../protocol/codec/control.ts';
import { KIND, readContainer } from '../../protocol/codec/container.ts';
import type { DownMessageOf } from '../../protocol/down.ts';
import { LIMITS } from '../../protocol/limits.ts';
import type { UpMessage, UpMessageOf } from '../../protocol/up.ts';
import { OLDEST_PROTOCOL_VERSION, PROTOCOL_VERSION } from '../../protocol/version.ts';
import type { Connection, ConnectionListener, MessageKindLabel, Meter } from '../flow.ts';
import { auditEntry, isAudited, type SessionAudit } from './audit.ts';
import { ClockOffset } from './clock-offset.ts';
import type { Membership, SessionDirectory, Visitor } from './directory.ts';
import { admit, type EntryMessage } from './entry.ts';
import { Guest } from './guest.ts';
import { Heartbeat } from './heartbeat.ts';
import { MatchDesk } from './match-desk.ts';
import { moderate, type ModerationMessage } from './moderation.ts';
import type { Ingest } from './ingest.ts';
import type { MediaControl } from './media-control.ts';
import type { Pacing } from './pacing.ts';
import type { Participant } from './participant.ts';
import type { RecordingControl } from './recording-control.ts';
import { closeWith, sendRefusal } from './refusal.ts';
import { SingleUse } from './single-use.ts';
import { agreedCapabilities, takeAcknowledgement, takeWish } from './snapshot-terms.ts';
import type { TokenVerifier } from './token.ts';
import type { Usher } from './usher.ts';

/** Messages that may come in one packet with hello, before the token has been checked. */
const BACKLOG = 16;
/** Tokens for one use that are remembered until they expire. */
const SPENT_TOKENS = 65_536;

type MemberMessage = UpMessageOf<'consent' | 'say' | 'record'>;

/** Only for clients that named the capability `sessions`. */
const OF_SESSIONS: ReadonlySet<UpMessage['type']> = new Set(['create', 'join-code', 'list', 'lock', 'unlock', 'kick', 'set-metadata', 'match', 'match-cancel']);

export interface ReceptionOptions {
  readonly clock: Clock;
  readonly meter: Meter;
  readonly tokens: TokenVerifier;
  readonly directory: SessionDirectory;
  readonly ingest: Ingest;
  readonly recording: RecordingControl;
  readonly pacing: Pacing;
  /** Where the server forwards voice and video. */
  readonly media?: MediaControl | undefined;
  /** Whether pictures of other codecs than JPEG can be decoded now. */
  readonly decodesVideo?: (() => boolean) | undefined;
  readonly serverName: string;
  readonly audit?: SessionAudit | undefined;
}

export class Reception implements ConnectionListener {
  readonly #options: ReceptionOptions;
  readonly #guests = new Map<Connection, Guest>();
  readonly #heartbeat: Heartbeat;
  readonly #matches: MatchDesk;
  readonly #singleUse: SingleUse;
  /** Sees everybody out while the server goes down. */
  usher: Usher | undefined;

  constructor(options: ReceptionOptions) {
    this.#options = options;
    const { clock, directory } = options;
    this.#matches = new MatchDesk({ clock, directory, enter: (guest, message, session) => this.#admit(guest, message, (visitor) => directory.enter(visitor, message, session)) });
    this.#singleUse = new SingleUse(() => clock.wallMs(), SPENT_TOKENS);
    this.#heartbeat = new Heartbeat(options.clock, () => this.#guests.values());
  }

  /** Tells every connection that the server goes, and ends it. */
  drain(): void {
    for (const guest of this.#guests.values()) this.end(guest, 'SERVER_DRAINING', 'packet');
  }

  /** Everybody who is connected. */
  get guests(): Iterable<Guest> {
    return this.#guests.values();
  }

  /** Tells a connection why it ends, and ends it. */
  end(guest: Guest, code: ErrorCode, about: string): void {
    this.#endGuest(guest, code, ERRORS[code].summary, about);
  }

  close(): void {
    this.#heartbeat.stop();
    this.#matches.close();
  }

  onOpen(connection: Connection): void {
    const { clock, meter } = this.#options;
    const timeout = clock.schedule(LIMITS.helloTimeoutMs, () => closeWith(connection, 'HELLO_TIMEOUT', 'no hello', 'hello'));
    this.#guests.set(connection, new Guest(connection, { state: 'greeting', timeout }, clock.nowMs()));
    meter.connectionOpened();
  }

  onClose(connection: Connection, code: ErrorCode | 'NORMAL'): void {
    const guest = this.#guests.get(connection);
    if (guest === undefined) return;
    this.#guests.delete(connection);
    this.#matches.forget(guest);
    const { phase } = guest;
    guest.phase = { state: 'closed' };
    guest.closing = true;
    if (phase.state === 'greeting') phase.timeout.cancel();
    if (phase.state === 'member') this.#options.directory.disconnect(phase.membership, connection);
    this.#options.meter.connectionClosed(code);
    this.usher?.gone(guest);
    this.#options.media?.gone(guest);
  }

  onPacket(connection: Connection, packet: Uint8Array, arrivedMs: number): void {
    const guest = this.#guests.get(connection);
    if (guest === undefined) return;
    guest.lastHeardMs = arrivedMs;
    const problem = readContainer(packet, (kind, payload) => {
      if (!guest.closing) this.#message(guest, kind, payload, arrivedMs);
    });
    if (problem === undefined) return;
    this.#options.meter.refusal(problem);
    closeWith(connection, problem, ERRORS[problem].summary, 'packet');
  }

  /** What is refused of a track is told once a second and not counted: it goes on by itself until the browser hears of it. */
  onTrackPicture(connection: Connection, chunk: Uint8Array, ageMs: number, arrivedMs: number): void {
    const guest = this.#guests.get(connection);
    if (guest === undefined || guest.closing) return;
    guest.lastHeardMs = arrivedMs;
    const { membership } = guest;
    const problem = membership === undefined ? 'MESSAGE_UNEXPECTED' : this.#options.ingest.trackPicture(membership, chunk, ageMs, arrivedMs);
    if (problem === undefined) return;
    this.#options.meter.message('video', 'refused');
    if (problem === 'FLOODING') this.#close(guest, problem, ERRORS[problem].summary, 'video');
    else if (membership?.participant.limits.notice.take(arrivedMs) === true) this.notifyParticipant(membership.participant, problem, 'video');
  }

  /** Refuses one message of a participant's, wherever they are connected now. */
  refuseParticipant(participant: Participant, code: ErrorCode, about: string): void {
    const guest = participant.connection && this.#guests.get(participant.connection);
    if (guest !== undefined) this.#refuse(guest, code, ERRORS[code].summary, about);
  }

  /** Tells a participant what went wrong through no fault of theirs. */
  notifyParticipant(participant: Participant, code: ErrorCode, about: string): void {
    this.#options.meter.refusal(code);
    if (participant.connection !== undefined) sendRefusal(participant.connection, code, ERRORS[code].summary, about);
  }

  #message(guest: Guest, kind: number, payload: Uint8Array, arrivedMs: number): void {
    switch (kind) {
      case KIND.control:
        return this.#control(guest, payload, arrivedMs);
      case KIND.poseSample:
        return this.#stream(guest, 'pose', (membership) => this.#options.ingest.pose(membership, payload, arrivedMs));
      case KIND.videoChunk:
        return this.#stream(guest, 'video', (membership) => this.#options.ingest.video(membership, payload, arrivedMs));
      case KIND.acknowledgement:
        return this.#refuseIf(guest, takeAcknowledgement(guest, payload, { arrivedMs, meter: this.#options.meter }), 'acknowledgement');
      default:
        return this.#refuse(guest, 'MESSAGE_UNKNOWN', `kind ${kind}`, 'packet');
    }
  }

  #stream(guest: Guest, kind: MessageKindLabel, take: (membership: Membership) => ErrorCode | undefined): void {
    const problem = guest.membership === undefined ? 'MESSAGE_UNEXPECTED' : take(guest.membership);
    if (problem === undefined) return;
    this.#options.meter.message(kind, 'refused');
    if (problem === 'FLOODING') return this.#close(guest, problem, ERRORS[problem].summary, kind);
    this.#refuse(guest, problem, ERRORS[problem].summary, kind);
  }

  #control(guest: Guest, payload: Uint8Array, arrivedMs: number): void {
    const { meter } = this.#options;
    const decoded = decodeUp(payload);
    if (decoded.kind === 'refused') {
      meter.message('control', 'refused');
      return this.#refuse(guest, decoded.code, decoded.detail, decoded.about);
    }
    if (!guest.controlLimit.take(arrivedMs)) {
      meter.message('control', 'refused');
      return this.#refuse(guest, 'RATE_LIMITED', 'too many control messages', decoded.message.type);
    }
    meter.message('control', 'accepted');
    if (guest.phase.state === 'verifying') return this.#postpone(guest, guest.phase.backlog, decoded.message);
    this.#take(guest, decoded.message, arrivedMs);
  }

  #postpone(guest: Guest, backlog: UpMessage[], message: UpMessage): void {
    if (message.type === 'hello' || backlog.length === BACKLOG) return this.#refuse(guest, 'MESSAGE_UNEXPECTED', 'the token is being checked', message.type);
    backlog.push(message);
  }

  #take(guest: Guest, message: UpMessage, arrivedMs: number): void {
    if (OF_SESSIONS.has(message.type) && !guest.capabilities.includes('sessions')) return this.#refuse(guest, 'MESSAGE_UNEXPECTED', 'name the capability sessions first', message.type);
    switch (message.type) {
      case 'hello':
        return this.#hello(guest, message, arrivedMs);
      case 'pong':
      case 'clock':
        return this.#timing(guest, message, arrivedMs);
      case 'join':
      case 'resume':
      case 'create':
      case 'join-code':
        return this.#enter(guest, message);
      case 'leave':
        return this.#leave(guest);
      case 'moved':
        return this.usher?.moved(guest) === true ? undefined : this.#refuse(guest, 'MESSAGE_UNEXPECTED', 'nobody asked', 'moved');
      case 'list':
        return this.#list(guest, message);
      case 'match':
        return this.#match(guest, message);
      case 'match-cancel':
        return this.#matches.cancel(guest) ? undefined : this.#refuse(guest, 'MESSAGE_UNEXPECTED', 'not waiting for a match', 'match-cancel');
      case 'lock':
      case 'unlock':
      case 'kick':
      case 'set-metadata':
        return this.#moderate(guest, message);
      case 'media':
        return this.#media(guest, message);
      case 'snapshots':
        return this.#refuseIf(guest, takeWish(guest, message), 'snapshots');
      case 'consent':
      case 'say':
      case 'record':
        return this.#asMember(guest, message, arrivedMs);
      default:
        return message satisfies never;
    }
  }

  #hello(guest: Guest, message: UpMessageOf<'hello'>, arrivedMs: number): void {
    if (guest.phase.state !== 'greeting') return this.#refuse(guest, 'MESSAGE_UNEXPECTED', 'hello comes once', 'hello');
    guest.phase.timeout.cancel();
    const version = Math.min(PROTOCOL_VERSION, message.version);
    if (version < OLDEST_PROTOCOL_VERSION || version < message.oldestVersion) {
      return this.#close(guest, 'VERSION_UNSUPPORTED', `this server speaks ${OLDEST_PROTOCOL_VERSION} to ${PROTOCOL_VERSION}`, 'hello');
    }
    const backlog: UpMessage[] = [];
    guest.phase = { state: 'verifying', backlog };
    const clock = new ClockOffset(arrivedMs - message.deviceMs);
    this.#options.tokens.verify(message.token).then(
      (claims) => {
        if (guest.phase.state !== 'verifying') return;
        guest.phase = { state: 'lobby', claims, clock };
        this.#welcome(guest, message, version);
        this.#takeBacklog(guest, backlog);
      },
      (error: unknown) => this.#close(guest, error instanceof CopresenceError ? error.code : 'TOKEN_INVALID', error instanceof Error ? error.message : 'not a token', 'hello'),
    );
  }

  #takeBacklog(guest: Guest, backlog: readonly UpMessage[]): void {
    const nowMs = this.#options.clock.nowMs();
    for (const message of backlog) if (!guest.closing) this.#take(guest, message, nowMs);
  }

  #welcome(guest: Guest, message: UpMessageOf<'hello'>, version: number): void {
    const { clock, serverName, media, decodesVideo } = this.#options;
    guest.capabilities = agreedCapabilities(message.capabilities, { connection: guest.connection, hasMedia: media !== undefined, decodesVideo: decodesVideo?.() === true });
    const { id: connectionId } = guest.connection;
    const welcome: DownMessageOf<'welcome'> = { type: 'welcome', version, capabilities: [...guest.capabilities], server: serverName, connectionId, serverMs: clock.nowMs(), heartbeatMs: LIMITS.heartbeatMs };
    guest.connection.send(encodeDown(welcome), 'reliable');
    this.#heartbeat.greet(guest);
  }

  #timing(guest: Guest, message: UpMessageOf<'clock' | 'pong'>, arrivedMs: number): void {
    const { deviceMs } = message;
    if (guest.clock === undefined) return this.#refuse(guest, 'MESSAGE_UNEXPECTED', 'say hello first', message.type);
    if (message.type === 'pong') return guest.clock.update(message.serverMs, deviceMs, arrivedMs);
    const reply = { type: 'clock-reply', deviceMs, arrivedMs, sentMs: this.#options.clock.nowMs() } as const;
    guest.connection.send(encodeDown(reply), 'reliable');
  }

  #enter(guest: Guest, message: EntryMessage): void {
    this.#admit(guest, message, (visitor) => admit(this.#options.directory, visitor, message));
  }

  /** @param enter - throws what the directory throws. */
  #admit(guest: Guest, message: EntryMessage | UpMessageOf<'match'>, enter: (visitor: Visitor) => Membership): void {
    const { phase, connection } = guest;
    if (phase.state !== 'lobby') return this.#refuse(guest, 'MESSAGE_UNEXPECTED', 'say hello first, and leave before joining again', message.type);
    if (this.usher?.turnAway(guest, message) === true) return;
    const { claims, clock } = phase;
    const { recording, pacing } = this.#options;
    this.#orRefuse(guest, message.type, () => {
      if (message.type !== 'resume') this.#singleUse.check(claims);
      const membership = enter({ connection, claims, clock, capabilities: guest.capabilities });
      if (message.type !== 'resume') this.#singleUse.spend(claims);
      this.#matches.forget(guest);
      guest.phase = { state: 'member', claims, clock, membership };
      recording.enter(membership, message.type === 'resume' ? 'back' : 'joined');
      if (message.type === 'resume') pacing.resumed(membership.participant);
    });
  }

  #match(guest: Guest, message: UpMessageOf<'match'>): void {
    const { phase } = guest;
    if (phase.state !== 'lobby') return this.#refuse(guest, 'MESSAGE_UNEXPECTED', 'say hello first, and leave before joining again', 'match');
    if (this.usher?.turnAway(guest, message) === true) return;
    this.#orRefuse(guest, 'match', () => {
      this.#singleUse.check(phase.claims);
      this.#matches.add(guest, phase.claims, message);
    });
  }

  #orRefuse(guest: Guest, about: string, run: () => void): void {
    try {
      run();
    } catch (error) {
      if (!(error instanceof CopresenceError)) throw error;
      if (error.entry.scope === 'message') this.#refuse(guest, error.code, error.message, about);
      else this.#close(guest, error.code, error.message, about);
    }
  }

  #leave(guest: Guest): void {
    if (guest.phase.state !== 'member') return this.#refuse(guest, 'MESSAGE_UNEXPECTED', 'not in a session', 'leave');
    const { claims, clock, membership } = guest.phase;
    guest.phase = { state: 'lobby', claims, clock };
    this.#options.directory.leave(membership);
    this.#options.media?.gone(guest);
    guest.connection.send(encodeDown({ type: 'left' }), 'reliable');
  }

  #asMember(guest: Guest, message: MemberMessage, arrivedMs: number): void {
    const { membership } = guest;
    if (membership === undefined) return this.#refuse(guest, 'MESSAGE_UNEXPECTED', 'not in a session', message.type);
    const { ingest, recording } = this.#options;
    if (message.type === 'consent') {
      if (!message.consent.inference) ingest.withdraw(membership, arrivedMs);
      return recording.consent(membership, message.consent);
    }
    if (message.type === 'say') return this.#refuseIf(guest, ingest.chat(membership, message, arrivedMs), 'say');
    recording.control(membership, message.action).then(
      (problem) => this.#refuseIf(guest, problem, 'record'),
      () => this.#refuseIf(guest, 'RECORDING_FAILED', 'record'),
    );
  }

  #list(guest: Guest, message: UpMessageOf<'list'>): void {
    if (guest.claims === undefined) return this.#refuse(guest, 'MESSAGE_UNEXPECTED', 'say hello first', 'list');
    guest.connection.send(encodeDown(this.#options.directory.list(guest.claims, message)), 'reliable');
  }

  #moderate(guest: Guest, message: ModerationMessage): void {
    const { membership } = guest;
    if (membership === undefined) return this.#refuse(guest, 'MESSAGE_UNEXPECTED', 'not in a session', message.type);
    const problem = moderate(this.#options.directory, membership, message);
    if (problem === undefined) this.#options.audit?.(auditEntry(guest, message.type, 'done', message.type === 'kick' ? message.participantId : undefined));
    this.#refuseIf(guest, problem, message.type);
  }

  #media(guest: Guest, message: UpMessageOf<'media'>): void {
    const { membership, capabilities } = guest;
    const { media } = this.#options;
    if (media === undefined || !capabilities.includes('media')) return this.#refuse(guest, 'MESSAGE_UNEXPECTED', 'the capability media was not agreed on', 'media');
    void media.ask(guest, membership, message).then((refusal) => {
      if (refusal !== undefined) this.#refuse(guest, refusal.code, refusal.message, 'media');
    });
  }

  #refuseIf(guest: Guest, problem: ErrorCode | undefined, about: string): void {
    if (problem !== undefined) this.#refuse(guest, problem, ERRORS[problem].summary, about);
  }

  #refuse(guest: Guest, code: ErrorCode, detail: string, about: string): void {
    this.#options.meter.refusal(code);
    if (guest.closing) return;
    if (isAudited(code)) this.#options.audit?.(auditEntry(guest, about, code));
    if (guest.countRefusal(this.#options.clock.nowMs())) this.#close(guest, 'TOO_MANY_ERRORS', detail, about);
    else sendRefusal(guest.connection, code, detail, about);
  }

  #close(guest: Guest, code: ErrorCode, detail: string, about: string): void {
    if (!guest.closing && isAudited(code)) this.#options.audit?.(auditEntry(guest, about, code));
    this.#endGuest(guest, code, detail, about);
  }

  #endGuest(guest: Guest, code: ErrorCode, detail: string, about: string): void {
    if (guest.closing) return;
    guest.closing = true;
    this.#options.meter.refusal(code);
    closeWith(guest.connection, code, detail, about);
  }
}
