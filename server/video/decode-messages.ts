/** What the gateway and the process that decodes pictures tell each other: lists of these, one list a turn. */
import type { ErrorCode } from '../../core/errors.ts';
import type { InterCodec } from '../../protocol/video/picture.ts';
import type { DecodedPicture } from '../video-flow.ts';

/** One encoded picture; `id` rises within its stream. */
export interface QueuedPicture {
  readonly id: number;
  readonly codec: InterCodec;
  readonly key: boolean;
  readonly discardable: boolean;
  readonly bytes: Uint8Array;
}

export type ToDecoder =
  | { readonly kind: 'picture'; readonly stream: number; readonly picture: QueuedPicture }
  | { readonly kind: 'close'; readonly stream: number }
  | { readonly kind: 'ping' };

/** `id`: this picture of the stream and all before it are done with. */
export type StreamEvent =
  | { readonly kind: 'decoded'; readonly stream: number; readonly id: number; readonly picture: DecodedPicture }
  /** Nothing came of them: one that is never shown, or others that build on what is not there. */
  | { readonly kind: 'taken'; readonly stream: number; readonly id: number; readonly needsKey: boolean }
  | { readonly kind: 'refused'; readonly stream: number; readonly id: number; readonly code: ErrorCode };

/** `codecs` is empty where the native package does not load. */
export type FromDecoder = StreamEvent | { readonly kind: 'ready'; readonly codecs: readonly InterCodec[] } | { readonly kind: 'pong' };

/** Pixels of a decoded picture's longer side, at most: what models look at is smaller still. */
export const DECODED_SIDE = 320;
/** The file descriptor at which a decoding process notes the stream that it is about to give to native code, as u32. */
export const NOTE_FD = 4;
