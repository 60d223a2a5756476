/** The profile of MCAP that recordings follow: names of channels and records, and the header of a message. */
import { CopresenceError } from '../core/errors.ts';
import type { Consent } from '../protocol/message/common.ts';

/** The `profile` of the file's header. */
export const RECORDING_PROFILE = 'copresence';
/** Goes up when a reader of the older format would misread the newer. */
export const RECORDING_VERSION = 2;
/** Those that can be read. The first told each pose whole, in ITEM_ENCODING. */
export const READABLE_VERSIONS: readonly number[] = [1, 2];
/** The encodings that channels name: each message for itself, or a participant's poses one after the other. */
export const ITEM_ENCODING = 'copresence.item.v1';
export const POSE_CHAIN_ENCODING = 'copresence.chain.v1';
/** Names of the metadata records. */
export const SESSION_RECORD = 'copresence.session';
export const PARTICIPANT_RECORD = 'copresence.participant';

/** No chunk is larger, compressed or not: more than that is a damaged length. Ours have 512 KiB. */
export const MAX_CHUNK_BYTES = 64 * 1024 * 1024;
/** Metadata, schemas and channels are small; a longer one is a damaged length. */
export const SMALL_RECORD_BYTES = 1024 * 1024;

/** What a channel holds. `presence` and `consent` are JSON, `chat` is text and `result` MessagePack. */
export const RECORDED_KINDS = ['pose', 'video', 'chat', 'result', 'presence', 'consent'] as const;
export type RecordedKind = (typeof RECORDED_KINDS)[number];

/** `measured` by sensors of a device, or `generated` in whole or in part by a program. */
export type RecordingSource = 'measured' | 'generated';

/** What the payload of each kind is: the text of its MCAP schema. */
export const PAYLOADS: Readonly<Record<RecordedKind, string>> = {
  pose: 'A pose sample: whole, as the key of a chain, or as what differs from the one before in the chunk, as in docs/recording.md.',
  video: 'One encoded video chunk, as in docs/spec.md.',
  chat: 'One line of chat: UTF-8 text.',
  result: 'One control message of type result: MessagePack.',
  presence: 'JSON {"event": "joined" | "away" | "back" | "left"}.',
  consent: 'JSON {"inference": boolean, "recording": boolean, "training": boolean}.',
};

/** The three clocks of one item, milliseconds. */
export interface ItemClocks {
  /** When the device captured it, on the device's clock. */
  readonly captureDeviceMs: number;
  /** The same moment on the server's clock. */
  readonly captureServerMs: number;
  /** When it reached the server, on the server's clock. */
  readonly arrivedMs: number;
}

/** One message of a recording. */
export interface RecordingItem extends ItemClocks {
  readonly kind: RecordedKind;
  readonly participantId: string;
  readonly slot: number;
  /** As on the wire, without its frame. A writer copies it; a reader's belongs to the caller. */
  readonly bytes: Uint8Array;
}

/** When a recording began, on two clocks; their difference makes MCAP's times. */
export interface RecordingStart {
  readonly wallMs: number;
  readonly serverMs: number;
}

/** Who took part, and what they allowed. */
export interface RecordedParticipant {
  readonly participantId: string;
  readonly slot: number;
  readonly name: string;
  readonly consent: Consent;
}

/** Three little-endian float64 in front of each payload. */
export const ITEM_HEADER_BYTES = 24;

/** Puts the clocks in front of a payload, in a new buffer. */
export function encodeItem(item: ItemClocks & { readonly bytes: Uint8Array }): Uint8Array {
  const out = new Uint8Array(ITEM_HEADER_BYTES + item.bytes.length);
  const view = new DataView(out.buffer);
  view.setFloat64(0, item.captureDeviceMs, true);
  view.setFloat64(8, item.captureServerMs, true);
  view.setFloat64(16, item.arrivedMs, true);
  out.set(item.bytes, ITEM_HEADER_BYTES);
  return out;
}

/**
 * The clocks and the payload of a message.
 *
 * @returns undefined when it is too short or a clock is not finite. The payload is a copy.
 */
export function decodeItem(data: Uint8Array): (ItemClocks & { bytes: Uint8Array }) | undefined {
  if (data.length < ITEM_HEADER_BYTES) return undefined;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const captureDeviceMs = view.getFloat64(0, true);
  const captureServerMs = view.getFloat64(8, true);
  const arrivedMs = view.getFloat64(16, true);
  if (!Number.isFinite(captureDeviceMs) || !Number.isFinite(captureServerMs) || !Number.isFinite(arrivedMs)) return undefined;
  // A Buffer's slice would be a view.
  return { captureDeviceMs, captureServerMs, arrivedMs, bytes: new Uint8Array(data.subarray(ITEM_HEADER_BYTES)) };
}

/** The topic of a participant's channel; the id is percent-encoded, since it may hold a slash. */
export function topicOf(participantId: string, kind: RecordedKind): string {
  return `/participants/${encodeURIComponent(participantId)}/${kind}`;
}

/** @throws CopresenceError RECORDING_INVALID, which says at which byte of the file. */
export function invalidAt(byteOffset: number | bigint, detail: string): CopresenceError {
  return new CopresenceError('RECORDING_INVALID', `${detail} (at byte ${byteOffset})`);
}

/** The encoding of a channel of this kind. */
export function encodingOf(kind: RecordedKind): string {
  return kind === 'pose' ? POSE_CHAIN_ENCODING : ITEM_ENCODING;
}

/** MCAP's `log_time` and `publish_time` of a moment on the server's clock: nanoseconds since the Unix epoch, to the microsecond. */
export function logTimeOf(serverMs: number, { wallMs, serverMs: startServerMs }: RecordingStart): bigint {
  return BigInt(Math.max(0, Math.round((serverMs + wallMs - startServerMs) * 1000))) * 1000n;
}

/** The moment on the server's clock that `logTimeOf` was given, to the microsecond. @param ns - may be rounded to 256. */
export function serverMsOf(ns: number, { wallMs, serverMs: startServerMs }: RecordingStart): number {
  return (Math.round(ns / 1000) - Math.round((wallMs - startServerMs) * 1000)) / 1000;
}
