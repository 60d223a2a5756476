/**
 * A packet is a container of messages, so that one system call carries a whole turn.
 *
 * Each message is: u8 kind, the payload's length as an unsigned LEB128 of at most 4 bytes, the payload.
 */
import { LIMITS } from '../limits.ts';
import type { ErrorCode } from '../../core/errors.ts';

/** The first byte of a message. */
export const KIND = { control: 1, poseSample: 2, videoChunk: 3, acknowledgement: 4, snapshot: 16, deltaSnapshot: 17 } as const;
export type MessageKind = (typeof KIND)[keyof typeof KIND];

/** Bytes in front of a payload. */
export function frameHeaderBytes(payloadBytes: number): number {
  return 1 + lengthBytes(payloadBytes);
}

/** Writes kind and length; the payload goes to the returned offset. */
export function writeFrameHeader(kind: MessageKind, payloadBytes: number, target: Uint8Array, offset: number): number {
  target[offset] = kind;
  let at = offset + 1;
  let rest = payloadBytes;
  while (rest > 127) {
    target[at++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  target[at++] = rest;
  return at;
}

/** A message of its own: header and a copy of the payload. */
export function frameMessage(kind: MessageKind, payload: Uint8Array): Uint8Array {
  const framed = new Uint8Array(frameHeaderBytes(payload.length) + payload.length);
  framed.set(payload, writeFrameHeader(kind, payload.length, framed, 0));
  return framed;
}

/** The payload of a message that `frameMessage` made, as a view of it. */
export function framedPayload(framed: Uint8Array): Uint8Array {
  return framed.subarray(skipLength(framed, 1));
}

/**
 * Calls `visit` for each message of a packet, in order, once the whole packet has been seen to be well formed: a packet
 * with a broken tail has no effect at all.
 *
 * @param visit - its `payload` is a view of `packet`.
 * @returns undefined, or why the packet is refused.
 */
export function readContainer(packet: Uint8Array, visit: (kind: number, payload: Uint8Array) => void): ErrorCode | undefined {
  if (packet.length > LIMITS.packetBytes) return 'PACKET_TOO_LARGE';
  if (!isContainer(packet)) return 'PACKET_MALFORMED';
  for (let at = 0; at < packet.length; ) {
    const kind = packet[at]!;
    const start = skipLength(packet, at + 1);
    const end = start + readLength(packet, at + 1);
    visit(kind, packet.subarray(start, end));
    at = end;
  }
  return undefined;
}

function isContainer(packet: Uint8Array): boolean {
  let messages = 0;
  let at = 0;
  while (at < packet.length) {
    const start = skipLength(packet, at + 1);
    if (start < 0 || ++messages > LIMITS.messagesPerPacket) return false;
    at = start + readLength(packet, at + 1);
    if (at > packet.length) return false;
  }
  return messages > 0;
}

/** Where the payload starts, or -1 when the length is cut off or longer than 4 bytes. */
function skipLength(packet: Uint8Array, offset: number): number {
  for (let at = offset; at < offset + 4 && at < packet.length; at++) if (packet[at]! < 128) return at + 1;
  return -1;
}

function readLength(packet: Uint8Array, offset: number): number {
  let length = 0;
  for (let at = offset, shift = 0; ; at++, shift += 7) {
    length |= (packet[at]! & 127) << shift;
    if (packet[at]! < 128) return length;
  }
}

function lengthBytes(payloadBytes: number): number {
  return payloadBytes < 128 ? 1 : payloadBytes < 16384 ? 2 : payloadBytes < 2097152 ? 3 : 4;
}
