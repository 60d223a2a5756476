/** Reads the JSON of strangers: within a depth, and as UTF-8 that is valid. */
import { CopresenceError } from '../../core/errors.ts';
import { OIP_LIMITS } from './limits.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENERS = new Set([0x5b, 0x7b]);
const CLOSERS = new Set([0x5d, 0x7d]);

/**
 * Parses JSON text.
 *
 * @throws CopresenceError MESSAGE_INVALID for what is no JSON, no UTF-8, or nested deeper than OIP_LIMITS.jsonDepth;
 * PACKET_TOO_LARGE above OIP_LIMITS.jsonBytes. @bound O(bytes).
 */
export function parseJson(bytes: Uint8Array): unknown {
  if (bytes.length > OIP_LIMITS.jsonBytes) throw new CopresenceError('PACKET_TOO_LARGE', `JSON of more than ${OIP_LIMITS.jsonBytes} bytes; send tensors as binary data`);
  if (depthOf(bytes) > OIP_LIMITS.jsonDepth) throw new CopresenceError('MESSAGE_INVALID', `JSON nested deeper than ${OIP_LIMITS.jsonDepth}`);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new CopresenceError('MESSAGE_INVALID', 'not JSON in UTF-8', { cause: error });
  }
}

/** The deepest nesting of lists and objects; stops at one more than is allowed. */
function depthOf(bytes: Uint8Array): number {
  let depth = 0;
  let deepest = 0;
  let isText = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    if (isText) {
      if (byte === BACKSLASH) at++;
      else if (byte === QUOTE) isText = false;
    } else if (byte === QUOTE) isText = true;
    else if (OPENERS.has(byte)) {
      deepest = Math.max(deepest, ++depth);
      if (deepest > OIP_LIMITS.jsonDepth) return deepest;
    } else if (CLOSERS.has(byte)) depth--;
  }
  return deepest;
}
