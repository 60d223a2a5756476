/** What a client tells its listeners, by event name. */
import { ERRORS, type ErrorCode, type RetryAdvice } from '../core/errors.ts';
import type { PoseSample } from '../protocol/codec/pose-sample.ts';
import type { DownMessageOf } from '../protocol/down.ts';
import type { KeyFrameMessage } from '../protocol/message/key-frame.ts';
import type { MoveMessage } from '../protocol/message/move.ts';
import type { SessionInfo } from '../protocol/message/session.ts';
import type { ResultMessage } from '../protocol/message/result.ts';

/** Where a client is. Every `sinceMs` is on the device's clock. */
export type ClientState =
  /** On the way in; `anew` when an earlier participation could not be resumed, so that a new one begins. */
  | { readonly state: 'joining'; readonly sinceMs: number; readonly anew: boolean }
  | { readonly state: 'live'; readonly sinceMs: number }
  /** The connection went; the participant is `away` for the others until it is back. */
  | { readonly state: 'resuming'; readonly sinceMs: number; readonly cause: string }
  /** The end. `code` is `NORMAL` after `leave` or `close`, else the server's code or CONNECTION_LOST. */
  | { readonly state: 'closed'; readonly sinceMs: number; readonly code: string; readonly detail: string };

/** One tick of the server has been taken in; its poses were told before. */
export interface SnapshotEvent {
  readonly tick: number;
  /** Server clock. */
  readonly serverMs: number;
  /** Everybody's newest pose was in it, not only of those who moved. */
  readonly key: boolean;
  readonly count: number;
}

/** One participant's pose from a snapshot. The event and its sample are borrowed: both are reused for the next one. */
export interface PoseEvent {
  readonly slot: number;
  /** Its `captureMs` is on the server's clock. */
  readonly sample: PoseSample;
  /** Size on the wire. */
  readonly sampleBytes: number;
  /** How often the server sends this participant at most, now: less often where they are far or out of view. 0 where it has no rate. */
  readonly periodMs: number;
  /** Device clock; add `clockOffsetMs` to compare with `captureMs`. */
  readonly arrivedMs: number;
}

/** A refusal by the server, or something from the server that could not be read. */
export interface ErrorEvent {
  /** From core/errors.ts, or one that this build does not know. */
  readonly code: string;
  readonly detail: string;
  readonly about: string;
  readonly retry: RetryAdvice;
  readonly retryAfterMs?: number | undefined;
  /** The connection ends after this. */
  readonly closing: boolean;
  /** `client`: found here, in what came from the server. */
  readonly origin: 'server' | 'client';
}

/** Something from the server that could not be read. */
export function unreadable(code: ErrorCode, about: string, detail: string = ERRORS[code].summary): ErrorEvent {
  return { code, detail, about, retry: ERRORS[code].retry, closing: false, origin: 'client' };
}

export type JoinedEvent = DownMessageOf<'joined'>;
export type PresenceEvent = DownMessageOf<'presence'>;
export type ChatEvent = DownMessageOf<'chat'>;
export type RecordingEvent = DownMessageOf<'recording'>;
export type PaceEvent = DownMessageOf<'pace'>;
export type MoveEvent = MoveMessage;

/** Event names and what their listeners get. */
export interface ClientEvents {
  state: ClientState;
  /** After every way in: the first join, a resume, a join anew. */
  joined: JoinedEvent;
  presence: PresenceEvent;
  snapshot: SnapshotEvent;
  pose: PoseEvent;
  result: ResultMessage;
  chat: ChatEvent;
  recording: RecordingEvent;
  /** When the server would like a stream to be captured; `connect` does not follow by itself. */
  pace: PaceEvent;
  /** The next picture of the stream should stand alone: those between cannot be decoded. */
  'key-frame': KeyFrameMessage;
  /** The server wants this client to go elsewhere; `connect` follows by itself. */
  move: MoveEvent;
  /** After every way in, and whenever something of it changes. */
  'session-info': SessionInfo;
  error: ErrorEvent;
}
export type ClientEventName = keyof ClientEvents;
export type Listener<Name extends ClientEventName> = (event: ClientEvents[Name]) => void;
