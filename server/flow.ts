/**
 * What travels through the gateway, and the ports between its stages.
 *
 * Packet → PoseSample | VideoChunk | ChatMessage → InferenceRequest → Batch → InferenceResult → Delivery.
 * No stage imports another; `app.ts` joins them through these types.
 */
import type { ErrorCode } from '../core/errors.ts';
import type { Task } from '../core/tasks.ts';
import type { Consent } from '../protocol/message/common.ts';
import type { ResultValue } from '../protocol/message/result.ts';
import type { SnapshotEntry } from '../protocol/codec/snapshot.ts';

// ── transport ───────────────────────────────────────────────────────────────

/** `latest` may be superseded under back-pressure and is never queued; `reliable` is queued up to a bound. */
export type Lane = 'latest' | 'reliable';

/** `closed`: the link is gone, or this message ended it (a full reliable lane). */
export type SendOutcome = 'sent' | 'superseded' | 'closed';

/** One transport link to one device. */
export interface Connection {
  readonly id: string;
  /** Bytes that were handed over and that the network has not taken yet. */
  readonly bufferedBytes: number;
  /** Puts one framed message into this turn's packet. @param message - read only, and not kept past the turn. */
  send(message: Uint8Array, lane: Lane): SendOutcome;
  /** Ends the link after what was sent; a second call does nothing. */
  close(code: ErrorCode | 'NORMAL', reason: string): void;
}

/** Who hears of a connection. @param packet - valid during the call only: the transport may reuse it. */
export interface ConnectionListener {
  onOpen(connection: Connection): void;
  onPacket(connection: Connection, packet: Uint8Array, arrivedMs: number): void;
  onClose(connection: Connection, code: ErrorCode | 'NORMAL'): void;
}

// ── what every stage counts ─────────────────────────────────────────────────

export type MessageKindLabel = 'pose' | 'video' | 'chat' | 'control';

/** Where the stages report what they did; the HTTP side turns it into metrics. Never throws, never blocks. */
export interface Meter {
  connectionOpened(): void;
  connectionClosed(code: ErrorCode | 'NORMAL'): void;
  message(kind: MessageKindLabel, outcome: 'accepted' | 'refused' | 'superseded'): void;
  refusal(code: ErrorCode): void;
  /** A pose left for its session this long after it arrived. */
  poseResidence(durationMs: number): void;
  snapshot(delivery: { readonly bytes: number; readonly participants: number; readonly sent: number; readonly superseded: number }): void;
  result(task: Task, delivery: { readonly ageMs: number; readonly sent: number; readonly superseded: number }): void;
}

// ── session → broadcast ─────────────────────────────────────────────────────

/** One participant who may hear the session. */
export interface Receiver {
  /** Undefined while the participant is away. */
  readonly connection: Connection | undefined;
  /** Whether the next snapshot must hold everybody: after joining, resuming, or missing one. */
  needsKey: boolean;
}

/** A session as the broadcast stage sees it. */
export interface Audience {
  readonly id: string;
  /** Those with the grant `subscribe`. */
  readonly receivers: Iterable<Receiver>;
  /** Samples that came since the last call, with capture times on the server's clock; valid until the next turn. */
  takeChanged(): readonly TimedEntry[];
  /** Everybody's newest sample; valid until the next turn. */
  everybody(): readonly TimedEntry[];
}

/** A snapshot entry with the time at which its packet arrived. */
export interface TimedEntry extends SnapshotEntry {
  readonly arrivedMs: number;
}

/** Sends to a whole session. */
export interface Delivery {
  /** @param message - framed; the same bytes go to everybody. */
  deliver(audience: Audience, message: Uint8Array, lane: Lane): { sent: number; superseded: number };
}

// ── session → recording ─────────────────────────────────────────────────────

/** Something that a consenting participant sent, or that a model said of it. */
export interface RecordedItem {
  readonly kind: 'pose' | 'video' | 'chat' | 'result';
  readonly participantId: string;
  readonly slot: number;
  /** As on the wire, without its frame: read only, copied by the recorder. */
  readonly bytes: Uint8Array;
  readonly captureDeviceMs: number;
  readonly captureServerMs: number;
  readonly arrivedMs: number;
}

/** One recording in progress. */
export interface RecordingTap {
  record(item: RecordedItem): void;
  /** Notes who takes part and what they consented to, whenever that changes. */
  participant(info: { readonly participantId: string; readonly slot: number; readonly name: string; readonly consent: Consent }): void;
  /** Resolves when everything is on the disk. */
  stop(): Promise<void>;
}

/** Starts recordings. @throws CopresenceError RECORDING_FAILED when the file cannot be made. */
export type StartRecording = (sessionId: string) => Promise<RecordingTap>;

// ── session → scheduler ─────────────────────────────────────────────────────

/** Whose input a request is, so that the result finds its way back. */
export interface Origin {
  readonly sessionId: string;
  readonly slot: number;
  /** For a gesture, which hand; for language, the chat message's number. */
  readonly part: string;
}

/** One input for one model. */
export interface InferenceRequest {
  readonly id: number;
  readonly task: Task;
  /** The model's name; its version is the pool's business. */
  readonly model: string;
  /** Within one stream the newest request supersedes a waiting older one. */
  readonly streamId: string;
  readonly origin: Origin;
  /** The compressed picture, the encoded hand or the UTF-8 text. Owned by the request. */
  readonly payload: Uint8Array;
  /** On the server's clock. */
  readonly captureMs: number;
  readonly arrivedMs: number;
  readonly deadlineMs: number;
  /** 0 is the most urgent class. */
  readonly priority: number;
}

// ── scheduler ⇄ model ───────────────────────────────────────────────────────

/** Why a batch left the queue. */
export type ReleaseReason = 'full' | 'deadline' | 'idle-device' | 'hold-over';

export interface Batch {
  readonly id: number;
  readonly model: string;
  /** 1..maxBatchSize; all for `model`. */
  readonly requests: readonly InferenceRequest[];
  readonly releasedMs: number;
  readonly release: ReleaseReason;
}

/** What a device says of one request of a batch. */
export type ItemOutcome = { readonly kind: 'done'; readonly value: ResultValue } | { readonly kind: 'failed'; readonly code: ErrorCode };

/** `lost`: the worker died or hung, so that the requests may be tried again elsewhere. */
export type BatchOutcome =
  | { readonly kind: 'done'; readonly items: readonly ItemOutcome[]; readonly runMs: number; readonly modelVersion: string }
  | { readonly kind: 'lost'; readonly cause: string };

/** The measured time of a batch: `latencyMs(b)` is l(b), the p99 for b requests, from payload to result. */
export interface LatencyTable {
  readonly maxBatchSize: number;
  /** @param size - 1..maxBatchSize. */
  latencyMs(size: number): number;
}

/** `starting` includes warm-up; a `down` device comes back as `starting`. */
export type DeviceState = 'starting' | 'idle' | 'busy' | 'down';

/** One accelerator, or one core: runs one batch at a time. */
export interface Device {
  readonly id: string;
  readonly state: DeviceState;
  /** The models that it can run now, with what they cost on it. */
  readonly latency: ReadonlyMap<string, LatencyTable>;
  /** Never rejects. @throws only when the device is not `idle`: that is our bug. */
  run(batch: Batch): Promise<BatchOutcome>;
}

/** The devices behind the scheduler. */
export interface DevicePool {
  readonly devices: readonly Device[];
  /** Called when a device's state or costs change. One listener; a later call replaces the earlier. */
  onChange(listener: () => void): void;
}

// ── scheduler → broadcast ───────────────────────────────────────────────────

/** How a request ended: exactly one for each. `unavailable`: no device could run it in time, even after a retry. */
export type RequestOutcome =
  | { readonly kind: 'done'; readonly value: ResultValue; readonly batch: BatchSummary }
  | { readonly kind: 'failed'; readonly code: ErrorCode }
  | { readonly kind: 'expired' }
  | { readonly kind: 'superseded' }
  | { readonly kind: 'shed' }
  | { readonly kind: 'unavailable' };

export interface BatchSummary {
  readonly id: number;
  readonly size: number;
  readonly deviceId: string;
  readonly modelVersion: string;
  readonly release: ReleaseReason;
  readonly releasedMs: number;
  readonly finishedMs: number;
  readonly runMs: number;
}

export interface InferenceScheduler {
  /** Takes a request; its outcome comes through `OutcomeListener`, possibly before this returns. */
  submit(request: InferenceRequest): void;
  /** Ends every waiting request of a participant who left, as `superseded`. */
  forget(sessionId: string, slot: number): void;
  close(): void;
}

export type OutcomeListener = (request: InferenceRequest, outcome: RequestOutcome) => void;
