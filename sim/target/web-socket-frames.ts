/** WebSocket frames (RFC 6455 section 5) of a client that writes each message as one frame. */

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

const FIN = 0x80;
const MASKED = 0x80;
/** Two bytes, eight of a long length. */
const MAX_HEADER_BYTES = 10;

/**
 * One masked frame.
 *
 * The mask is zero: it is there against caches that take a payload for a request, which a load generator's are not, and
 * a payload masked with zero is itself.
 *
 * @param payload - copied.
 */
export function encodeFrame(opcode: number, payload: Uint8Array): Uint8Array {
  const { length } = payload;
  const lengthBytes = length < 126 ? 0 : length < 65536 ? 2 : 8;
  const frame = Buffer.allocUnsafe(2 + lengthBytes + 4 + length);
  frame[0] = FIN | opcode;
  if (lengthBytes === 0) frame[1] = MASKED | length;
  else if (lengthBytes === 2) {
    frame[1] = MASKED | 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = MASKED | 127;
    frame.writeBigUInt64BE(BigInt(length), 2);
  }
  frame.writeUInt32BE(0, 2 + lengthBytes);
  frame.set(payload, 6 + lengthBytes);
  return frame;
}

/** Cuts a stream of bytes into messages. @bound `maxBytes` of one message, and what is kept of one that is cut off. */
export class FrameReader {
  readonly #maxBytes: number;
  readonly #visit: (opcode: number, payload: Uint8Array) => void;
  /** What came of a frame that is not whole. */
  #kept: Uint8Array = new Uint8Array(0);
  /** The first frames of a message in parts. */
  #parts: { readonly opcode: number; readonly chunks: Uint8Array[]; bytes: number } | undefined;

  /** @param visit - its payload is valid during the call. */
  constructor(maxBytes: number, visit: (opcode: number, payload: Uint8Array) => void) {
    this.#maxBytes = maxBytes;
    this.#visit = visit;
  }

  /** @param bytes - valid during the call. @returns false when they are no frames that this reader takes. */
  read(bytes: Uint8Array): boolean {
    const all = this.#kept.length === 0 ? bytes : join(this.#kept, bytes);
    let at = 0;
    for (;;) {
      const size = this.#frameAt(all, at);
      if (size === undefined) return false;
      if (size === 0) break;
      at += size;
    }
    // A Buffer's own slice would be a view of what the caller reuses.
    this.#kept = at === all.length ? EMPTY : new Uint8Array(all.subarray(at));
    return true;
  }

  /** The bytes of the frame at `at`, which was visited; 0 when it is not whole; undefined when it is none. */
  #frameAt(all: Uint8Array, at: number): number | undefined {
    const left = all.length - at;
    if (left < 2) return 0;
    const first = all[at]!, second = all[at + 1]!;
    const short = second & 127;
    const start = short < 126 ? 2 : short === 126 ? 4 : MAX_HEADER_BYTES;
    // A server neither masks nor uses extensions that were not agreed on.
    if ((second & MASKED) !== 0 || (first & 0x70) !== 0) return undefined;
    if (left < start) return 0;
    const length = short < 126 ? short : short === 126 ? (all[at + 2]! << 8) | all[at + 3]! : longLength(all, at + 2);
    if (length > this.#maxBytes) return undefined;
    if (left < start + length) return 0;
    return this.#message(first, all.subarray(at + start, at + start + length)) ? start + length : undefined;
  }

  #message(first: number, payload: Uint8Array): boolean {
    const opcode = first & 15;
    const isLast = (first & FIN) !== 0;
    if (opcode >= OPCODE.close || (isLast && opcode !== OPCODE.continuation)) {
      this.#visit(opcode, payload);
      return true;
    }
    if (opcode !== OPCODE.continuation) this.#parts = { opcode, chunks: [], bytes: 0 };
    const parts = this.#parts;
    if (parts === undefined) return false;
    parts.chunks.push(new Uint8Array(payload));
    parts.bytes += payload.length;
    if (parts.bytes > this.#maxBytes) return false;
    if (!isLast) return true;
    this.#parts = undefined;
    this.#visit(parts.opcode, Buffer.concat(parts.chunks));
    return true;
  }
}

const EMPTY = new Uint8Array(0);

function longLength(bytes: Uint8Array, at: number): number {
  return Number(Buffer.from(bytes.buffer, bytes.byteOffset + at, 8).readBigUInt64BE(0));
}

function join(head: Uint8Array, tail: Uint8Array): Uint8Array {
  const all = new Uint8Array(head.length + tail.length);
  all.set(head);
  all.set(tail, head.length);
  return all;
}
