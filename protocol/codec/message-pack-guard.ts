/**
 * Looks a MessagePack body over before a decoder touches it.
 *
 * A decoder trusts the lengths that it reads: a few bytes can ask for four thousand million elements or nest ten
 * thousand deep. This walk accepts only what the protocol uses (nil, booleans, numbers, strings, binary, arrays, and
 * maps with ASCII keys that are unique and harmless), bounded by the body's own size, so nothing else reaches the decoder.
 */
import { LIMITS } from '../limits.ts';

const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype']);
const REFUSED = -1;

/** Whether `body` is exactly one acceptable MessagePack value. @bound O(body length), depth LIMITS.controlDepth. */
export function isAcceptableMessagePack(body: Uint8Array, maxBytes: number = LIMITS.controlBytes): boolean {
  return body.length <= maxBytes && skipValue(body, 0, 0) === body.length;
}

/** The offset behind the value at `at`, or REFUSED. */
function skipValue(body: Uint8Array, at: number, depth: number): number {
  const lead = body[at];
  if (lead === undefined || depth > LIMITS.controlDepth) return REFUSED;
  if (lead < 0x80 || lead >= 0xe0) return at + 1;
  if (lead < 0x90) return skipMap(body, at + 1, lead & 15, depth);
  if (lead < 0xa0) return skipArray(body, at + 1, lead & 15, depth);
  if (lead < 0xc0) return skipBytes(body, at + 1, lead & 31);
  return skipLong(body, at, lead, depth);
}

function skipLong(body: Uint8Array, at: number, lead: number, depth: number): number {
  const width = LENGTH_BYTES[lead];
  if (width !== undefined) {
    const length = readBigEndian(body, at + 1, width);
    if (length < 0) return REFUSED;
    const start = at + 1 + width;
    if (lead <= 0xc6 || (lead >= 0xd9 && lead <= 0xdb)) return skipBytes(body, start, length);
    return lead <= 0xdd ? skipArray(body, start, length, depth) : skipMap(body, start, length, depth);
  }
  const size = SCALAR_BYTES[lead];
  return size === undefined ? REFUSED : skipBytes(body, at + 1, size);
}

/** Bytes of the length field: bin 8/16/32, str 8/16/32, array 16/32, map 16/32. */
const LENGTH_BYTES: Readonly<Record<number, number>> = {
  0xc4: 1, 0xc5: 2, 0xc6: 4, 0xd9: 1, 0xda: 2, 0xdb: 4, 0xdc: 2, 0xdd: 4, 0xde: 2, 0xdf: 4,
};
/** Bytes behind nil, false, true, float 32/64, uint 8-64, int 8-64. Extension types are not in the table. */
const SCALAR_BYTES: Readonly<Record<number, number>> = {
  0xc0: 0, 0xc2: 0, 0xc3: 0, 0xca: 4, 0xcb: 8, 0xcc: 1, 0xcd: 2, 0xce: 4, 0xcf: 8, 0xd0: 1, 0xd1: 2, 0xd2: 4, 0xd3: 8,
};

function readBigEndian(body: Uint8Array, at: number, width: number): number {
  if (at + width > body.length) return REFUSED;
  let value = 0;
  for (let index = 0; index < width; index++) value = value * 256 + body[at + index]!;
  return value;
}

function skipBytes(body: Uint8Array, at: number, length: number): number {
  return at + length <= body.length ? at + length : REFUSED;
}

function skipArray(body: Uint8Array, at: number, count: number, depth: number): number {
  if (count > body.length - at) return REFUSED;
  let next = at;
  for (let index = 0; index < count && next !== REFUSED; index++) next = skipValue(body, next, depth + 1);
  return next;
}

function skipMap(body: Uint8Array, at: number, count: number, depth: number): number {
  if (count * 2 > body.length - at) return REFUSED;
  const seen = new Set<string>();
  let next = at;
  for (let index = 0; index < count; index++) {
    const keyEnd = skipKey(body, next, seen);
    if (keyEnd === REFUSED) return REFUSED;
    next = skipValue(body, keyEnd, depth + 1);
    if (next === REFUSED) return REFUSED;
  }
  return next;
}

/** Keys are ASCII strings of at most 31 bytes, each once in its map: no two byte sequences decode to the same key. */
function skipKey(body: Uint8Array, at: number, seen: Set<string>): number {
  const lead = body[at];
  if (lead === undefined || lead < 0xa0 || lead >= 0xc0) return REFUSED;
  const end = skipBytes(body, at + 1, lead & 31);
  if (end === REFUSED) return REFUSED;
  let key = '';
  for (let index = at + 1; index < end; index++) {
    if (body[index]! > 127) return REFUSED;
    key += String.fromCharCode(body[index]!);
  }
  if (FORBIDDEN_KEYS.has(key) || seen.has(key)) return REFUSED;
  seen.add(key);
  return end;
}
