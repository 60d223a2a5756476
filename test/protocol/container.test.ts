import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { frameHeaderBytes, frameMessage, KIND, type MessageKind, readContainer, writeFrameHeader } from '../../protocol/codec/container.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { damaged } from './support/arbitrary.ts';

interface Framed {
  kind: number;
  payload: string;
}

const kinds = fc.constantFrom<MessageKind>(KIND.control, KIND.poseSample, KIND.videoChunk, KIND.snapshot);
const payloads = fc.oneof(fc.uint8Array({ maxLength: 140 }), fc.constantFrom(127, 128, 16_383, 16_384).map((length) => new Uint8Array(length).fill(7)));
const messages = fc.array(fc.tuple(kinds, payloads), { minLength: 1, maxLength: 6 });

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function pack(parts: readonly (readonly [MessageKind, Uint8Array])[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts.map(([kind, payload]) => frameMessage(kind, payload))));
}

function read(packet: Uint8Array): { problem: string | undefined; seen: Framed[] } {
  const seen: Framed[] = [];
  return { problem: readContainer(packet, (kind, payload) => seen.push({ kind, payload: hex(payload) })), seen };
}

test('[PKT1] [PKT6] messages come out of a packet as they went in, in order', () => {
  fc.assert(
    fc.property(messages, (parts) => {
      expect(read(pack(parts))).toEqual({ problem: undefined, seen: parts.map(([kind, payload]) => ({ kind, payload: hex(payload) })) });
    }),
    { numRuns: 60 },
  );
});

test('[PKT4] a packet with a broken tail has no effect at all', () => {
  const tails = fc.constantFrom([1], [1, 0x80], [1, 2, 9], [2, 0xff, 0xff, 0xff, 0xff], [16, 0x80, 0x80, 0x80, 0x80, 0]);
  fc.assert(
    fc.property(messages, tails, (parts, tail) => {
      expect(read(Uint8Array.from(Buffer.concat([pack(parts), Uint8Array.from(tail)])))).toEqual({ problem: 'PACKET_MALFORMED', seen: [] });
    }),
    { numRuns: 60 },
  );
});

test('[PKT4] no bytes make the reader throw, and what it refuses had no effect', () => {
  const bytes = fc.oneof(fc.uint8Array({ maxLength: 64 }), messages.chain((parts) => damaged(pack(parts).subarray(0, 500))));
  fc.assert(
    fc.property(bytes, (packet) => {
      const { problem, seen } = read(packet);
      if (problem !== undefined) expect([problem, seen]).toEqual(['PACKET_MALFORMED', []]);
      else expect(seen.length).toBeGreaterThan(0);
    }),
    { numRuns: 2000 },
  );
});

test('[PKT4] a packet holds as many messages and bytes as the limits say, and not one more', () => {
  const empty = frameMessage(KIND.control, new Uint8Array());
  const full = Uint8Array.from(Buffer.concat(Array.from({ length: LIMITS.messagesPerPacket }, () => empty)));
  expect(read(full).seen).toHaveLength(LIMITS.messagesPerPacket);
  expect(read(Uint8Array.from(Buffer.concat([full, empty])))).toEqual({ problem: 'PACKET_MALFORMED', seen: [] });
  const largest = new Uint8Array(LIMITS.packetBytes);
  writeFrameHeader(KIND.videoChunk, LIMITS.packetBytes - 4, largest, 0);
  expect(readContainer(largest, () => undefined)).toBeUndefined();
  expect(readContainer(new Uint8Array(LIMITS.packetBytes + 1), () => undefined)).toBe('PACKET_TOO_LARGE');
});

test('[PKT2] a length is written in as few bytes as it takes, and read in up to four', () => {
  expect([0, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152].map(frameHeaderBytes)).toEqual([2, 2, 3, 3, 4, 4, 5]);
  expect(read(Uint8Array.from([2, 0x81, 0x80, 0x80, 0x00, 42]))).toEqual({ problem: undefined, seen: [{ kind: 2, payload: '2a' }] });
  expect(read(Uint8Array.from([2, 0x81, 0x80, 0x80, 0x80, 0x00, 42])).problem).toBe('PACKET_MALFORMED');
});

test('[PKT5] a kind that this version does not know reaches the caller, who skips or refuses it', () => {
  expect(read(Uint8Array.from([200, 1, 9])).seen).toEqual([{ kind: 200, payload: '09' }]);
});
