/** RTP packets as they come off the wire (RFC 3550 section 5.1), and those that were sent again (RFC 4588). */

/** One packet; `payload` is a view of what it was read from. */
export interface RtpPacket {
  readonly payloadType: number;
  /** 16 bits. */
  readonly sequence: number;
  /** 32 bits, of the codec's clock: 90 kHz for video. */
  readonly timestamp: number;
  readonly ssrc: number;
  /** The last packet of its picture. */
  readonly marker: boolean;
  readonly payload: Uint8Array;
}

const HEADER_BYTES = 12;

/** The packet, undefined where the bytes are none. @param bytes - read only. @bound no loop, no copy. */
export function readRtp(bytes: Uint8Array): RtpPacket | undefined {
  if (bytes.length < HEADER_BYTES || bytes[0]! >> 6 !== 2) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let start = HEADER_BYTES + 4 * (bytes[0]! & 15);
  if ((bytes[0]! & 0x10) !== 0) {
    if (start + 4 > bytes.length) return undefined;
    start += 4 + 4 * view.getUint16(start + 2);
  }
  const padding = (bytes[0]! & 0x20) === 0 ? 0 : bytes[bytes.length - 1]!;
  const end = bytes.length - padding;
  if (start > end || ((bytes[0]! & 0x20) !== 0 && padding === 0)) return undefined;
  return {
    payloadType: bytes[1]! & 0x7f,
    sequence: view.getUint16(2),
    timestamp: view.getUint32(4),
    ssrc: view.getUint32(8),
    marker: (bytes[1]! & 0x80) !== 0,
    payload: bytes.subarray(start, end),
  };
}

/** The packet that one of the retransmission stream carries; undefined for padding, with which senders probe. */
export function readRetransmission(packet: RtpPacket, payloadType: number, ssrc: number): RtpPacket | undefined {
  const { payload } = packet;
  if (payload.length <= 2) return undefined;
  return { ...packet, payloadType, ssrc, sequence: payload[0]! * 256 + payload[1]!, payload: payload.subarray(2) };
}

/** Whether a datagram is RTCP and not RTP, where both share a port (RFC 5761 section 4). */
export function isRtcp(bytes: Uint8Array): boolean {
  return bytes.length >= 2 && bytes[1]! >= 192 && bytes[1]! <= 223;
}
