/**
 * What travels through the gateway, and the ports between its stages.
 *
 * Packet → PoseSample | VideoChunk | ChatMessage → InferenceRequest → Batch → InferenceResult → Delivery.
 * No stage imports another; `app.ts` joins them through these types.
 */
import type { ErrorCode } from '../core/errors.ts';
import type { Task } from '../core/tasks.ts';
import type { MediaAsk, MediaProducer } from '../protocol/message/media.ts';
import type { Consent } from '../protocol/message/common.ts';
import type { ResultValue } from '../protocol/message/result.ts';
import type { Acknowledgement } from '../protocol/codec/acknowledgement.ts';
import type { SnapshotEntry } from '../protocol/codec/snapshot.ts';
import type { DeltaWork, SnapshotWish } from './snapshot-flow.ts';

// ── transport ───────────────────────────────────────────────────────────────

/** `latest` may be superseded under back-pressure and is never queued; `reliable` is queued up to a bound. */
export type Lane = 'latest' | 'reliable';

/** `closed`: the link is gone, or this message ended it (a full reliable lane). */
export type SendOutcome = 'sent' | 'superseded' | 'closed';

/** One transport link to one device. */
export interface Connection {
  readonly id: string;
  /** The network address that it comes from, as far as the server can see. */
  readonly remoteAddress: string;
  /** Whether all messages of the lane `latest` that are sent arrive, in their order; else one may be lost or overtaken. */
  readonly ordered: boolean;
  /** Each message is made into something else on the way, so none may lean on one before it. */
  readonly isTranslated?: boolean;
  /** Bytes that were handed over and that the network has not taken yet. */
  readonly bufferedBytes: number;
  /** Puts one framed message into this turn's packet. @param message - read only, and not kept past the turn. */
  send(message: Uint8Array, lane: Lane): SendOutcome;
  /** Asks the sender of the link's own video track for a key picture; false where it has none. */
  requestKeyPicture?(): boolean;
  /** Ends the link after what was sent; a second call does nothing. */
  close(code: ErrorCode | 'NORMAL', reason: string): void;
}

/** Who hears of a connection. @param packet - valid during the call only: the transport may reuse it. */
export interface ConnectionListener {
  onOpen(connection: Connection): void;
  onPacket(connection: Connection, packet: Uint8Array, arrivedMs: number): void;
  /** A picture came on a video track of the connection. @param chunk - an encoded video chunk without a capture time; valid during the call. @param ageMs - since its capture. */
  onTrackPicture?(connection: Connection, chunk: Uint8Array, ageMs: number, arrivedMs: number): void;
  onClose(connection: Connection, code: ErrorCode | 'NORMAL'): void;
}

// ── what every stage counts ─────────────────────────────────────────────────

export type MessageKindLabel = 'pose' | 'video' | 'chat' | 'control' | 'acknowledgement';

/** Where the stages report what they did; the HTTP side turns it into metrics. Never throws, never blocks. */
export interface Meter {
  /** Refused at the door, before there was a connection. @param status - of the HTTP answer. */
  handshakeRefused(status: number): void;
  connectionOpened(): void;
  connectionClosed(code: ErrorCode | 'NORMAL'): void;
  message(kind: MessageKindLabel, outcome: 'accepted' | 'refused' | 'superseded'): void;
  refusal(code: ErrorCode): void;
  /** A pose left for its session this long after it arrived. */
  poseResidence(durationMs: number): void;
  /** @param delivery - `bytes`: of all that were sent. */
  snapshot(delivery: { readonly bytes: number; readonly sent: number; readonly superseded: number }): void;
  /** One tick of a session with receivers of deltas. */
  deltas(work: DeltaWork): void;
  result(task: Task, delivery: { readonly ageMs: number; readonly sent: number; readonly superseded: number }): void;
}

// ── session → broadcast ─────────────────────────────────────────────────────

/** One participant who may hear the session. */
export interface Receiver {
  readonly slot: number;
  /** Whether the connection that they have now reads delta snapshots. */
  readonly readsDeltas: boolean;
  readonly wish: SnapshotWish;
  /** Undefined while the participant is away. */
  readonly connection: Connection | undefined;
  /** Whether the next snapshot must hold everybody: after joining, resuming, or missing one. */
  needsKey: boolean;
  /** What has been acknowledged since the last call, on a connection without order. */
  takeAcknowledgement(): Acknowledgement | undefined;
}

/** One participant as a source of samples. */
export interface Source {
  readonly slot: number;
  readonly newest: TimedEntry | undefined;
  /** When they last said something, server clock; -Infinity for never. */
  readonly spokeMs: number;
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
  /** How many have left so far. */
  readonly departures: number;
  source(slot: number): Source | undefined;
}

/** A snapshot entry with the time at which its packet arrived. */
export interface TimedEntry extends SnapshotEntry {
  readonly arrivedMs: number;
}

/** Sends to a whole session. */
export interface Delivery {
  /** @param message - framed; the same bytes go to everybody. */
  deliver(audience: Pick<Audience, 'receivers'>, message: Uint8Array, lane: Lane): { sent: number; superseded: number };
}

// ── session → recording ─────────────────────────────────────────────────────

/** Something that a consenting participant sent or did, or that a model said of it. */
export interface RecordedItem {
  readonly kind: 'pose' | 'video' | 'chat' | 'result' | 'presence';
  readonly participantId: string;
  readonly slot: number;
  /** As on the wire, without its frame; of a presence JSON `{event}`. Read only, copied by the recorder. */
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

// ── session ⇄ forwarding ───────────────────────────────────────────────────

/** One connection of a participant who may send or receive voice and video. */
export interface MediaPeer {
  /** The connection's: media end with it. */
  readonly id: string;
  readonly sessionId: string;
  readonly slot: number;
  readonly publishes: boolean;
  readonly receives: boolean;
}

/** What everybody is told who may receive: of one session, or of all when the forwarding unit itself is meant. */
export type MediaEvent =
  | { readonly event: 'produced' | 'ended'; readonly sessionId: string; readonly producer: MediaProducer }
  | { readonly event: 'lost' | 'ready' };

/** Forwards voice and video between the participants of a session. */
export interface MediaForwarding {
  /**
   * Does what a peer asks, after what it asked before.
   *
   * @returns the reply's value: plain, and small enough for a control message.
   * @throws CopresenceError GRANT_MISSING, RATE_LIMITED, MEDIA_INVALID, MEDIA_LIMIT or MEDIA_UNAVAILABLE; nothing has changed then.
   */
  ask(peer: MediaPeer, ask: MediaAsk): Promise<Record<string, unknown> | undefined>;
  /** Ends everything of a peer, and what it still asks. */
  forget(peerId: string): void;
  /** One listener; a later call replaces the earlier. */
  onEvent(listener: (event: MediaEvent) => void): void;
  close(): Promise<void>;
}

// ── session → scheduler ─────────────────────────────────────────────────────

/** Whose input a request is, so that the result finds its way back. */
export interface Origin {
  readonly sessionId: string;
  readonly slot: number;
  /** For a gesture, which hand; for language, the chat message's number. */
  readonly part: string;
}

/** A square of a picture that a model looks at, instead of the whole picture. */
export interface PictureRegion {
  /** Its centre, as a share of the picture's width and height; the square may reach beyond the picture. */
  readonly centreX: number;
  readonly centreY: number;
  /** Its side, as a share of the picture's longer side. */
  readonly side: number;
  /** Radians, clockwise, by which the square is turned against the picture. */
  readonly angle: number;
}

/** `task`: a compressed picture, an encoded hand or UTF-8 text. `tensors`: the rows of the model's inputs, one after the other, little-endian. */
export type PayloadEncoding = 'task' | 'tensors';

/** One input for one model. */
export interface InferenceRequest {
  readonly id: number;
  /** What it is for, which several models may have a part in. */
  readonly task: Task;
  /** The model's name; its version is the pool's business. */
  readonly model: string;
  /** Within one stream the newest request supersedes a waiting older one. */
  readonly streamId: string;
  readonly origin: Origin;
  /** Owned by the request. */
  readonly payload: Uint8Array;
  readonly encoding: PayloadEncoding;
  /** Of a picture; the whole of it where left out. */
  readonly region?: PictureRegion;
  /** Whose share of the devices it takes: a customer, a studio. */
  readonly tenant: string;
  /** On the server's clock. */
  readonly captureMs: number;
  readonly arrivedMs: number;
  readonly deadlineMs: number;
  /** 0 is the most urgent class. */
  readonly priority: number;
  /** Hears how it ended, in place of the scheduler's own listener. */
  readonly onOutcome?: OutcomeListener;
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

/** A hand that was found in a picture, and where to look for its joints. */
export interface DetectedHand {
  readonly region: PictureRegion;
  /** 0..1 */
  readonly score: number;
}

/** What a model gives that is only a step on the way to a result. */
export type StageValue =
  | { readonly task: 'hand-detection'; readonly hands: readonly DetectedHand[] }
  | {
      readonly task: 'hand-landmarks';
      readonly hand: 'left' | 'right';
      /** How likely there is a hand in the region at all, 0..1. */
      readonly presence: number;
      /** [21, 3]: x, y as shares of the picture's width and height, z in the same unit as x, towards the camera negative. */
      readonly landmarks: readonly number[];
      /** [21, 3] metres about the hand's centre. */
      readonly world: readonly number[];
      /** Where to look in the next picture. */
      readonly next: PictureRegion;
    }
  | {
      readonly task: 'body-landmarks';
      /** How likely there is a body in the region at all, 0..1. */
      readonly presence: number;
      /** [33, 4]: x, y as shares of the picture's width and height, z in the same unit as x, visibility 0..1. */
      readonly landmarks: readonly number[];
      /** [33, 3] metres about the middle of the hips. */
      readonly world: readonly number[];
      readonly next: PictureRegion;
    }
  /** The rows of the model's outputs, in the manifest's order, little-endian; for an input of encoding `tensors`. */
  | { readonly task: 'tensors'; readonly outputs: Uint8Array };

/** What a model gives for one input. */
export type ModelValue = ResultValue | StageValue;

/** What a device says of one request of a batch. */
export type ItemOutcome = { readonly kind: 'done'; readonly value: ModelValue } | { readonly kind: 'failed'; readonly code: ErrorCode };

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

/** What has gone wrong on a device since it is there. */
export interface DeviceFaults {
  /** Its worker ended, for whatever reason. */
  readonly deaths: number;
  /** Batches that found no memory. */
  readonly outOfMemory: number;
}

/** One accelerator, or one core: runs one batch at a time. */
export interface Device {
  readonly id: string;
  readonly state: DeviceState;
  /** The models that it can run now, with what they cost on it. */
  readonly latency: ReadonlyMap<string, LatencyTable>;
  readonly faults?: DeviceFaults;
  /** Never rejects. @throws only when the device is not `idle`: that is our bug. */
  run(batch: Batch): Promise<BatchOutcome>;
}

/** The devices behind the scheduler. */
export interface DevicePool {
  readonly devices: readonly Device[];
  /** Called when a device's state or costs change. One listener; a later call replaces the earlier. */
  onChange(listener: () => void): void;
}

// ── rollout → model ─────────────────────────────────────────────────────────

/** Which versions the devices serve, for whoever changes that while they do. */
export interface ModelVersions {
  /** By name, the version that answers for everybody without a rollout. Empty until the devices have started. */
  serving(): readonly { readonly name: string; readonly version: string }[];
  /** What requests call the version of a model that is on trial. */
  canaryKey(model: string): string;
  /**
   * Has every device serve these versions of one model; the other models stay as they are. Nothing that waits is lost.
   *
   * @throws CopresenceError MODEL_INVALID, MODEL_TAMPERED, MODEL_UNSIGNED, SHAPE_MISMATCH, GRAPH_UNSUPPORTED, MODEL_UNAVAILABLE or WORKER_FAILED; then they serve what they did before.
   */
  serve(wanted: { readonly model: string; readonly version: string; readonly canary?: string }): Promise<void>;
}

// ── scheduler → broadcast ───────────────────────────────────────────────────

/**
 * Why a request was refused on purpose. `capacity`: its queue was full. `rate`: its stream is slowed down to every second
 * frame. `overload`: its stream is refused altogether. `quarantine`: its sender's inputs ended a worker. `closing`: the server goes down.
 */
export type ShedReason = 'capacity' | 'rate' | 'overload' | 'quarantine' | 'closing';

/** How a request ended: exactly one for each. `unavailable`: no device could run it in time, even after a retry. */
export type RequestOutcome<Value extends ModelValue = ModelValue> =
  | { readonly kind: 'done'; readonly value: Value; readonly batch: BatchSummary }
  | { readonly kind: 'failed'; readonly code: ErrorCode }
  | { readonly kind: 'expired' }
  | { readonly kind: 'superseded' }
  | { readonly kind: 'shed'; readonly reason: ShedReason }
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

/** What a stream's sender is told of how it is looked at; the fields are those of the message `pace`. */
export interface PaceSuggestion {
  readonly stream: 'camera' | 'hands';
  readonly rateHz: number;
  /** Server clock. */
  readonly captureMs?: number;
  readonly reason: 'load' | 'phase' | 'recovered';
}

/** Tells the sender of a stream, if they are there and can follow. Never throws. */
export type SuggestPace = (origin: Origin, suggestion: PaceSuggestion) => void;

export type OutcomeListener = (request: InferenceRequest, outcome: RequestOutcome) => void;
