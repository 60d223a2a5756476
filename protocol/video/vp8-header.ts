/** Reads what a VP8 picture says of itself before its entropy-coded part (RFC 6386 section 9.1). */
import type { PictureHeader } from './picture.ts';

const TAG_BYTES = 3;
const KEY_HEADER_BYTES = 10;
const HIGHEST_VERSION = 3;

/** @param bytes - one picture; read only. @bound no loop, no allocation that depends on the content. */
export function readVp8Header(bytes: Uint8Array): PictureHeader | undefined {
  if (bytes.length < TAG_BYTES) return undefined;
  const isKey = (bytes[0]! & 1) === 0;
  const version = (bytes[0]! >> 1) & 7;
  const firstPartBytes = (bytes[0]! >> 5) | (bytes[1]! << 3) | (bytes[2]! << 11);
  const headerBytes = isKey ? KEY_HEADER_BYTES : TAG_BYTES;
  if (version > HIGHEST_VERSION || firstPartBytes > bytes.length - headerBytes) return undefined;
  if (!isKey) return { key: false, discardable: false };
  if (bytes[3] !== 0x9d || bytes[4] !== 0x01 || bytes[5] !== 0x2a) return undefined;
  // The two highest bits of each are a scale that a player may apply; the decoder does not.
  const width = (bytes[6]! | (bytes[7]! << 8)) & 0x3fff;
  const height = (bytes[8]! | (bytes[9]! << 8)) & 0x3fff;
  return width === 0 || height === 0 ? undefined : { key: true, discardable: false, size: { width, height } };
}
