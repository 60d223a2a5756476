import * as fc from 'fast-check';
import { Packr } from 'msgpackr';
import { describe, expect, test } from 'vitest';
import { CopresenceError } from '../../core/errors.ts';
import { KIND, readContainer } from '../../protocol/codec/container.ts';
import { decodeDown, decodeUp, encodeDown, encodeUp } from '../../protocol/codec/control.ts';
import { isAcceptableMessagePack } from '../../protocol/codec/message-pack-guard.ts';
import { LIMITS } from '../../protocol/limits.ts';
import type { ParticipantInfo } from '../../protocol/message/common.ts';
import type { UpMessage } from '../../protocol/up.ts';
import { DOWN_MESSAGES, UP_MESSAGES } from '../../protocol/vectors/control-cases.ts';
import { damaged } from './support/arbitrary.ts';

const packer = new Packr({ useRecords: false });

function bodyOf(framed: Uint8Array): Uint8Array {
  let body = new Uint8Array();
  expect(readContainer(framed, (kind, payload) => {
    expect(kind).toBe(KIND.control);
    body = Uint8Array.from(payload);
  })).toBeUndefined();
  return body;
}

const bodies = [...UP_MESSAGES.map(({ value }) => bodyOf(encodeUp(value))), ...DOWN_MESSAGES.map(({ value }) => bodyOf(encodeDown(value)))];

/** Any MessagePack value: what decoders meet when a peer is of another version, or plays games. */
const anyValue = fc.anything({ withBigInt: false, withDate: true, withMap: true, withSet: true, withTypedArray: true, withNullPrototype: true, maxDepth: 4 });

/** Lead bytes with lengths of two or four bytes, where bombs live. */
const bombs = fc
  .tuple(fc.constantFrom(0xc6, 0xc9, 0xdb, 0xdc, 0xdd, 0xde, 0xdf), fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ maxLength: 12 }))
  .map(([lead, length, rest]) => Uint8Array.from([lead, ...length, ...rest]));

const bytes = fc.oneof(fc.uint8Array({ maxLength: 64 }), bombs, fc.constantFrom(...bodies).chain(damaged), anyValue.map(packSafely));

function packSafely(value: unknown): Uint8Array {
  try {
    return Uint8Array.from(packer.pack(value));
  } catch {
    return Uint8Array.of(0xc1);
  }
}

describe('control messages', () => {
  test('[CTL1] every message of the vectors comes back as it was', () => {
    for (const { value } of UP_MESSAGES) expect(decodeUp(bodyOf(encodeUp(value)))).toEqual({ kind: 'message', message: value });
    for (const { value } of DOWN_MESSAGES) expect(decodeDown(bodyOf(encodeDown(value)))).toEqual({ kind: 'message', message: value });
  });

  test('[CTL1] any chat text within the limit comes back, whatever its characters', () => {
    const texts = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 200 }).filter((text) => text.length <= LIMITS.chatCharacters);
    fc.assert(
      fc.property(texts, fc.double({ min: -LIMITS.clockMs, max: LIMITS.clockMs, noNaN: true }), (text, captureMs) => {
        const message: UpMessage = { type: 'say', text, captureMs: captureMs + 0 };
        expect(decodeUp(bodyOf(encodeUp(message)))).toEqual({ kind: 'message', message });
      }),
    );
  });

  test('[TIM1] a time on no clock that there is makes the message invalid', () => {
    for (const captureMs of [LIMITS.clockMs * 1.001, -LIMITS.clockMs * 1.001, 1e300, Infinity, -Infinity, NaN]) {
      const body = packer.pack({ type: 'say', text: 'hello', captureMs });
      expect(decodeUp(body)).toMatchObject({ kind: 'refused', code: 'MESSAGE_INVALID' });
    }
  });

  test('[CTL4] no bytes make a decoder throw, and what comes out is a known message or a refusal', () => {
    fc.assert(
      fc.property(bytes, (body) => {
        for (const decoded of [decodeUp(body), decodeDown(body)]) {
          if (decoded.kind === 'refused') expect(['MESSAGE_INVALID', 'MESSAGE_UNKNOWN']).toContain(decoded.code);
          else expect(Object.getPrototypeOf(decoded.message)).toBe(Object.prototype);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('[CTL4] no message changes Object.prototype', () => {
    const before = Object.getOwnPropertyNames(Object.prototype);
    for (const key of ['__proto__', 'constructor', 'prototype']) {
      const inner = { polluted: true };
      for (const value of [Object.defineProperty({ type: 'leave' }, key, { value: inner, enumerable: true }), { type: 'join', consent: Object.defineProperty({}, key, { value: inner, enumerable: true }) }]) {
        const body = packMap(value);
        expect([decodeUp(body), decodeDown(body)].map((decoded) => decoded.kind === 'refused' && decoded.code)).toEqual(['MESSAGE_INVALID', 'MESSAGE_INVALID']);
      }
    }
    expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(before);
    expect('polluted' in {}).toBe(false);
  });

  test('[CTL4] the detail of a refusal says where and what, and quotes nothing that was sent', () => {
    const detailOf = (value: object): unknown => {
      const decoded = decodeUp(Uint8Array.from(packer.pack(value)));
      return decoded.kind === 'refused' && decoded.detail;
    };
    const unknown = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`a-field-that-nobody-knows-${index}`, 1]));
    expect(detailOf({ type: 'leave', ...unknown })).toBe('leave: unrecognized_keys');
    expect(detailOf({ type: 'consent', consent: { inference: 1, recording: false, training: false } })).toBe('consent.consent.inference: invalid_type');
    expect(detailOf({ type: 'say', text: 'x'.repeat(LIMITS.chatCharacters + 1), captureMs: 0 })).toBe('say.text: too_big');
  });

  test('[CTL5] a number that is not finite is refused', () => {
    for (const deviceMs of [NaN, Infinity, -Infinity]) {
      expect(decodeUp(Uint8Array.from(packer.pack({ type: 'clock', deviceMs })))).toMatchObject({ kind: 'refused', code: 'MESSAGE_INVALID' });
    }
  });
});

describe('the guard', () => {
  test('[CTL2] takes every message that this build encodes', () => {
    for (const body of bodies) expect(isAcceptableMessagePack(body)).toBe(true);
  });

  test('[CTL2] takes exactly one value: no cut of a message, and nothing behind it', () => {
    for (const body of bodies) {
      for (let length = 0; length < body.length; length++) expect(isAcceptableMessagePack(body.subarray(0, length))).toBe(false);
      expect(isAcceptableMessagePack(Uint8Array.from([...body, 0xc0]))).toBe(false);
    }
  });

  test('[CTL2] takes as many levels as the limit says and not one more', () => {
    const nested = (levels: number): Uint8Array => Uint8Array.from([...Array.from({ length: levels }, () => 0x91), 0xc0]);
    expect(isAcceptableMessagePack(nested(LIMITS.controlDepth))).toBe(true);
    expect(isAcceptableMessagePack(nested(LIMITS.controlDepth + 1))).toBe(false);
    expect(isAcceptableMessagePack(nested(10_000))).toBe(false);
  });

  test('[CTL2] refuses keys that are not ASCII, not strings, too long or there twice', () => {
    const withField = (...bytes: number[]): Uint8Array => Uint8Array.from([0x82, 0xa1, 0x61, 0xc0, ...bytes, 0xc0]);
    expect(isAcceptableMessagePack(withField(0xa1, 0x62))).toBe(true);
    for (const key of [[0xa2, 0xc3, 0xa9], [0xa1, 0xe9], [0x01], [0xd9, 0x01, 0x62], [0xa1, 0x61]]) expect(isAcceptableMessagePack(withField(...key))).toBe(false);
  });

  test('[CTL4] stands in front of both decoders', () => {
    const leaveTwice = Buffer.from('82a474797065a56c65617665a474797065a56c65617665', 'hex');
    const leftTwice = Buffer.from('82a474797065a46c656674a474797065a46c656674', 'hex');
    expect(decodeUp(leaveTwice)).toMatchObject({ code: 'MESSAGE_INVALID' });
    expect(decodeDown(leftTwice)).toMatchObject({ code: 'MESSAGE_INVALID' });
  });

  test('[CTL2] refuses every extension type', () => {
    for (const lead of [0xc7, 0xc8, 0xc9, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8]) {
      fc.assert(fc.property(fc.uint8Array({ minLength: 1, maxLength: 24 }), (rest) => !isAcceptableMessagePack(Uint8Array.from([lead, ...rest]))), { numRuns: 50 });
    }
  });
});

describe('sizes', () => {
  test('[CTL3] a client message above the limit is refused by both ends', () => {
    const long: UpMessage = { type: 'resume', resumeToken: 'x'.repeat(LIMITS.controlBytes) };
    expect(() => encodeUp(long)).toThrow(CopresenceError);
    expect(decodeUp(Uint8Array.from(packer.pack(long)))).toMatchObject({ code: 'MESSAGE_INVALID' });
  });

  test('[CTL3] joined with the largest session and the longest names fits into a packet, and is read', () => {
    const longest = '\u4f60'.repeat(LIMITS.nameLength);
    const participants = Array.from({ length: LIMITS.participantsPerSession }, (_, slot): ParticipantInfo => {
      return { slot, participantId: 'i'.repeat(LIMITS.nameLength), name: longest, role: 'participant', presence: 'live' };
    });
    const framed = encodeDown({
      type: 'joined', session: 's', slot: 0, participantId: 'p', role: 'host', grants: [], resumed: false, resumeToken: 't', resumeMs: 1, tickRateHz: 36, recording: false, participants,
    });
    expect(framed.length).toBeLessThanOrEqual(LIMITS.packetBytes);
    expect(decodeDown(bodyOf(framed)).kind).toBe('message');
  });
});

/** A MessagePack map of plain values that keeps the keys which an encoder would leave out. */
function packMap(value: unknown): Uint8Array {
  if (typeof value !== 'object' || value === null) return Uint8Array.from(packer.pack(value));
  const fields = Object.getOwnPropertyNames(value).map((key) => Buffer.concat([packer.pack(key), packMap(Reflect.getOwnPropertyDescriptor(value, key)?.value)]));
  return Uint8Array.from(Buffer.concat([Buffer.of(0x80 + fields.length), ...fields]));
}
