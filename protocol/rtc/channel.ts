/** The two data channels of a WebRTC connection, and how packets are cut for the reliable one. */
import type { ErrorCode } from '../../core/errors.ts';
import { LIMITS } from '../limits.ts';

/** `control` is reliable and ordered; on `state` a message may be lost or overtaken. */
export type ChannelName = 'control' | 'state';

/** As RTCPeerConnection.createDataChannel takes them. */
export const CHANNELS = {
  control: { ordered: true },
  state: { ordered: false, maxRetransmits: 0 },
} as const;


/** A chunk of `control` without its first byte: a large message would hold up `state`, since SCTP does not mix messages. */
export const CHUNK_BYTES = 16 * 1024;
/** The largest message on `state`; each datagram of one that is lost loses the whole message. */
export const STATE_MESSAGE_BYTES = 16 * 1024;
/** Messages on `state` are joined up to this, so that a packet is a single datagram with all that is around it. */
export const DATAGRAM_BYTES = 1150;

const MORE = 0;
const LAST = 1;

/** Cuts a packet into messages of `control`. @param packet - not empty; read only, copied. */
export function cutPacket(packet: Uint8Array): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < packet.length; at += CHUNK_BYTES) {
    const part = packet.subarray(at, at + CHUNK_BYTES);
    const chunk = new Uint8Array(part.length + 1);
    chunk[0] = at + CHUNK_BYTES >= packet.length ? LAST : MORE;
    chunk.set(part, 1);
    chunks.push(chunk);
  }
  return chunks;
}

/** Joins what came on `control` to packets. @bound LIMITS.packetBytes. */
export class PacketJoiner {
  #parts: Uint8Array[] = [];
  #length = 0;

  /**
   * Takes the next message.
   *
   * @param chunk - moved to the joiner.
   * @returns a packet where this was its last part, undefined where more follows, and else why the connection has to end.
   */
  add(chunk: Uint8Array): Uint8Array | undefined | Extract<ErrorCode, 'PACKET_MALFORMED' | 'PACKET_TOO_LARGE'> {
    const [flag] = chunk;
    if ((flag !== MORE && flag !== LAST) || chunk.length === 1) return 'PACKET_MALFORMED';
    this.#length += chunk.length - 1;
    if (this.#length > LIMITS.packetBytes) return 'PACKET_TOO_LARGE';
    this.#parts.push(chunk.subarray(1));
    return flag === LAST ? this.#take() : undefined;
  }

  #take(): Uint8Array {
    const [first] = this.#parts;
    const packet = this.#parts.length === 1 && first !== undefined ? first : this.#joined();
    this.#parts = [];
    this.#length = 0;
    return packet;
  }

  #joined(): Uint8Array {
    const packet = new Uint8Array(this.#length);
    let at = 0;
    for (const part of this.#parts) {
      packet.set(part, at);
      at += part.length;
    }
    return packet;
  }
}
