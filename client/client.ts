/** The SDK's face: what `connect` takes and what it gives. */
import type { Clock } from '../core/clock.ts';
import type { ErrorCode } from '../core/errors.ts';
import type { Random } from '../core/random.ts';
import type { VideoTask } from '../core/tasks.ts';
import type { PoseSample } from '../protocol/codec/pose-sample.ts';
import type { VideoChunk, VideoCodec } from '../protocol/codec/video-chunk.ts';
import type { Consent, ParticipantInfo } from '../protocol/message/common.ts';
import type { Metadata, SessionInfo, Visibility } from '../protocol/message/session.ts';
import type { Grant, Role } from '../protocol/roles.ts';
import type { ClientEventName, ClientState, Listener } from './events.ts';
import type { SocketFactory } from './socket.ts';

/** A way into a session. Refusals are the server's: NOT_FOUND, RATE_LIMITED, SESSION_EXISTS, GRANT_MISSING ... */
export type WayIn =
  | { readonly kind: 'code'; readonly code: string }
  /** Needs the grant `moderate`. */
  | { readonly kind: 'create'; readonly wanted?: { readonly capacity?: number; readonly metadata?: Metadata; readonly visibility?: Visibility; readonly maxAgeS?: number } }
  /** With others who want the same `metadata` and, themselves among them, `min` to `max` people. REQUEST_EXPIRED when there were none in time. */
  | { readonly kind: 'match'; readonly wanted: { readonly metadata?: Metadata; readonly min: number; readonly max: number; readonly timeoutMs: number } };

/** For a device or a link that is slower than the server. */
export interface SnapshotWish {
  /** 1..120; the server sends no slower than 5 Hz. */
  readonly rateHz?: number;
  /** Kept by having those who matter least come less often, though not below 5 Hz. */
  readonly bytesPerSecond?: number;
}

export interface ConnectOptions {
  /** The server: `ws:`, `wss:`, `http:` or `https:`; the path is filled in. */
  readonly url: string;
  readonly token: string;
  /** The session's name: to join, or with `way` `create` what it is to be called. Needed unless there is a `way`. */
  readonly session?: string;
  /** Another way into a session than its name. */
  readonly way?: WayIn;
  /** How the others see this participant: 1..64 characters. */
  readonly name: string;
  readonly consent: Consent;
  /** What models are to look for in this participant's pictures; body poses alone when left out. */
  readonly video?: readonly VideoTask[];
  /** The device's clock: capture times are on it. */
  readonly clock: Clock;
  readonly openSocket: SocketFactory;
  /** Spreads reconnects out; the machine's chance when left out. */
  readonly random?: Random;
  /** Silence after which a connection counts as lost; LIMITS.heartbeatTimeoutMs when left out. */
  readonly heartbeatTimeoutMs?: number;
  /** Whether to join anew, as a new participant, when resuming is refused or too late; true when left out. */
  readonly reconnect?: boolean;
  /** Whether to keep samples for `avatarAt` and `avatarNow` (about 50 KB a participant); true when left out. */
  readonly interpolate?: boolean;
  /** What this client would have of snapshots at most; as much as the server gives where left out. */
  readonly snapshots?: SnapshotWish;
  /** Called with the client before anything is sent, so that no event is missed. */
  readonly listen?: (client: CopresenceClient) => void;
}

/**
 * `superseded`: the link is congested, so this one was not queued and the next one will be fresher. `not-live`: there
 * is no connection now. A code says why the message cannot be sent at all.
 */
export type SendResult = 'sent' | 'superseded' | 'not-live' | ErrorCode;

/** How `avatarAt` came by a pose. `held`: nothing newer came, so it is not to be trusted; `none`: nothing is known. */
export type AvatarSource = 'interpolated' | 'extrapolated' | 'held' | 'none';

/** This participant, as the server admitted it. */
export interface Self {
  readonly session: string;
  readonly slot: number;
  readonly participantId: string;
  readonly role: Role;
  readonly grants: readonly Grant[];
  readonly tickRateHz: number;
}

/** What a participant with the grant `moderate` may do; for others the event `error` brings GRANT_MISSING. */
export interface Moderation {
  /** Lets nobody in who may not moderate, until `unlock`. */
  lock(): SendResult;
  unlock(): SendResult;
  /** Sends a participant away, and with `ban` everybody of their subject for as long as the session lasts. */
  kick(participantId: string, options?: { readonly ban?: boolean }): SendResult;
  /** @param metadata - takes the place of what was there. */
  setMetadata(metadata: Metadata): SendResult;
}

/** How the connections do: times in milliseconds, counts since `connect` over all of them. Bytes are those of packets, without the headers of what carries them. */
export interface ClientStatistics {
  /** The shortest round trip of the last 16 s. */
  readonly rttMs: number;
  /** See `CopresenceClient.jitterMs`. */
  readonly jitterMs: number;
  /** Server clock minus device clock. */
  readonly clockOffsetMs: number;
  /** How late the others are drawn: the playout delay. */
  readonly renderDelayMs: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** Between the two calls before that were a second or more apart; 0 before there are two. */
  readonly sentBytesPerS: number;
  readonly receivedBytesPerS: number;
  /** Not sent because the link was congested; each was followed by a fresher one. */
  readonly posesSuperseded: number;
  readonly picturesSuperseded: number;
  /** Came after a newer one and were left out, which happens only where order is not kept. */
  readonly snapshotsOvertaken: number;
  /** Messages of the server that this client could not read. */
  readonly unreadable: number;
  /** Since the newest snapshot came; undefined before the first one. */
  readonly snapshotAgeMs: number | undefined;
  /** Ways in after the first, resumes and joins anew. */
  readonly reconnects: number;
}

/** One participant in one session, over as many connections as it takes. */
export interface CopresenceClient {
  readonly state: ClientState;
  /** @throws when nothing was joined yet, which is only possible inside `listen`. */
  readonly self: Self;
  /** Everybody in the session by slot, oneself among them. */
  readonly participants: ReadonlyMap<number, ParticipantInfo>;
  readonly recording: boolean;
  /** Host, code, capacity, lock, metadata and end of the session; undefined before the server has told, and from servers that do not. */
  readonly info: SessionInfo | undefined;

  /** What the server takes of a camera: JPEG always, others where it can decode them. */
  readonly videoCodecs: readonly VideoCodec[];

  /** Server clock minus device clock. */
  readonly clockOffsetMs: number;
  readonly rttMs: number;
  /** Variation of the time that a pose takes from its capture to here. */
  readonly jitterMs: number;
  serverNowMs(): number;
  /**
   * How far behind `serverNowMs` to draw all the others at one moment, 0..250: at it 99 of 100 samples of whoever comes latest are
   * there. It changes by a few per cent of the time that goes by, so that motion neither jumps nor goes back.
   */
  readonly renderDelayMs: number;
  /** How the connections do now. */
  statistics(): ClientStatistics;

  /** Adds a listener; the returned function takes it away. What a listener throws is swallowed. */
  on<Name extends ClientEventName>(event: Name, listener: Listener<Name>): () => void;

  /** @param sample - `captureMs` on the device's clock. Read only, encoded before this returns. */
  sendPose(sample: PoseSample): SendResult;
  /** @param chunk - read only, copied before this returns. Where one that others build on is not `sent`, the next has to be a key. */
  sendVideo(chunk: VideoChunk): SendResult;
  /** @param text - 1..500 characters, else MESSAGE_INVALID. */
  say(text: string): SendResult;
  /** Takes effect at once, and is what a later join anew gives. */
  setConsent(consent: Consent): SendResult;
  record(action: 'start' | 'stop'): SendResult;
  /** Takes the place of `ConnectOptions.snapshots`. Nothing is said to a server that does not know of it. */
  askSnapshots(wish: SnapshotWish): SendResult;
  readonly moderation: Moderation;

  /**
   * Where a participant was at `serverMs`.
   *
   * @param serverMs - usually `serverNowMs() - renderDelayMs`.
   * @param into - overwritten, unless the answer is `none`; `valid` says which parts are known.
   */
  avatarAt(slot: number, serverMs: number, into: PoseSample): AvatarSource;
  /**
   * Where to draw a participant now: each at a moment of their own, as early as their link and the rate at which the server
   * sends them allow. `into.captureMs` says which moment that is.
   */
  avatarNow(slot: number, into: PoseSample): AvatarSource;

  /** Leaves the session for good; resolves when the server knows, or after a second. */
  leave(): Promise<void>;
  /** Ends the connection at once, without leaving: the others see the participant `away` until the grace time is over. */
  close(): void;
}

/**
 * Connects, joins the session and resolves with a live client.
 *
 * @throws CopresenceError with the server's code when it refuses (TOKEN_INVALID, SESSION_FORBIDDEN, SESSION_FULL,
 * VERSION_UNSUPPORTED ...), CONNECTION_LOST when there is no connection, HELLO_TIMEOUT when nothing answers.
 */
export type Connect = (options: ConnectOptions) => Promise<CopresenceClient>;
