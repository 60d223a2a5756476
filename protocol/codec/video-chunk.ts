/**
 * An encoded picture on its way to a model.
 *
 * Layout: u32 capture time in 1/16 ms; u8 codec; u8 flags (bit 0: key, bit 1: discardable); u16 width; u16 height; the encoded bytes.
 */
import type { ErrorCode } from '../../core/errors.ts';
import { LIMITS } from '../limits.ts';
import { fromTicks, readUint16, readUint32, toTicks, writeUint16, writeUint32 } from './quantise.ts';

const HEADER_BYTES = 10;
const KEY = 1;
const DISCARDABLE = 2;
/** Numbers of the codecs on the wire. A JPEG stands alone; the pictures of the others build on one another. */
export const VIDEO_CODECS = { jpeg: 1, vp8: 2, h264: 3 } as const;
export type VideoCodec = keyof typeof VIDEO_CODECS;

export interface VideoChunk {
  /** Device clock. */
  readonly captureMs: number;
  readonly codec: VideoCodec;
  /** A still is always `key`; a `delta` needs the pictures before it. */
  readonly kind: 'key' | 'delta';
  /** Of a delta: no later picture needs it, so that it may be left out. */
  readonly discardable?: boolean;
  readonly width: number;
  readonly height: number;
  /** The picture as the codec made it. A view of the packet when decoded. */
  readonly bytes: Uint8Array;
}

/** Encodes a chunk into a new buffer, which the caller owns. */
export function encodeVideoChunk(chunk: VideoChunk): Uint8Array {
  const out = new Uint8Array(HEADER_BYTES + chunk.bytes.length);
  writeUint32(out, 0, toTicks(chunk.captureMs));
  out[4] = VIDEO_CODECS[chunk.codec];
  out[5] = chunk.kind === 'key' ? KEY : chunk.discardable === true ? DISCARDABLE : 0;
  writeUint16(out, 6, chunk.width);
  writeUint16(out, 8, chunk.height);
  out.set(chunk.bytes, HEADER_BYTES);
  return out;
}

/** Decodes a chunk's header and checks it against the limits; the picture itself is checked where it is decoded. */
export function decodeVideoChunk(bytes: Uint8Array, nearMs: number): VideoChunk | ErrorCode {
  const flags = bytes[5]!;
  if (bytes.length <= HEADER_BYTES || flags > DISCARDABLE) return 'MESSAGE_INVALID';
  const codec = (Object.keys(VIDEO_CODECS) as VideoCodec[]).find((name) => VIDEO_CODECS[name] === bytes[4]);
  if (codec === 'jpeg' && flags === DISCARDABLE) return 'MESSAGE_INVALID';
  const width = readUint16(bytes, 6);
  const height = readUint16(bytes, 8);
  if (codec === undefined || width === 0 || height === 0) return 'VIDEO_INVALID';
  if (width > LIMITS.videoWidth || height > LIMITS.videoHeight || bytes.length - HEADER_BYTES > LIMITS.videoBytes) return 'VIDEO_INVALID';
  const captureMs = fromTicks(readUint32(bytes, 0), nearMs);
  const kind = flags === KEY ? 'key' : 'delta';
  return { captureMs, codec, kind, ...(flags === DISCARDABLE ? { discardable: true } : {}), width, height, bytes: bytes.subarray(HEADER_BYTES) };
}
