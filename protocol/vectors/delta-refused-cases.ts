/** Packets of delta snapshots that every decoder must refuse. */
import type { ErrorCode } from '../../core/errors.ts';
import { frameMessage, KIND } from '../codec/container.ts';
import { type FormatName, fromHex, poseSampleFormat, toHex } from './formats.ts';
import { deltaStreamFormat } from './delta-format.ts';

export interface RefusedCase {
  readonly name: string;
  readonly format: FormatName;
  readonly hex: string;
  readonly code: ErrorCode;
}

/** Tick 7 at no time, without a flag. */
const HEADER = '070000000000000000';
const HEAD_SAMPLE = toHex(poseSampleFormat.encode({ captureMs: 0, tracked: 1, spaceEpoch: 0, parts: { head: [0, 1.5, 0, 0, 0, 0, 1] } }));
/** Slot 0, whole: its mode, its tier, its length, its blob. */
const KEY_ENTRY = toHex(deltaStreamFormat.encode([{ tick: 7, serverMs: 0, key: false, acknowledge: false, entries: [{ slot: 0, mode: 'key', tier: 0, sampleHex: HEAD_SAMPLE }] }])).slice(4 + HEADER.length);
const KEY_BLOB = KEY_ENTRY.slice(6);

/** Each text is a snapshot. */
function packet(...snapshots: string[]): string {
  return toHex(Uint8Array.from(Buffer.concat(snapshots.map((hex) => frameMessage(KIND.deltaSnapshot, fromHex(hex))))));
}

/** Bits as they are written, the last byte filled with zeros. */
function blob(bits: string): string {
  const digits = bits.replaceAll(' ', '');
  return digits.padEnd(Math.ceil(digits.length / 8) * 8, '0').replace(/.{8}/g, (byte) => Number.parseInt(byte, 2).toString(16).padStart(2, '0'));
}

function entry(mode: string, bytes: string): string {
  return mode + (bytes.length / 2).toString(16).padStart(2, '0') + bytes;
}

/** Behind the key of slot 0, in its chain. */
const chained = (bits: string): string => packet(HEADER + KEY_ENTRY, HEADER + entry('01', blob(bits)));
const refused = (name: string, hex: string): RefusedCase => ({ name, format: 'delta-stream', hex, code: 'MESSAGE_INVALID' });
const ONES = '1'.repeat(12);

export const DELTA_SNAPSHOTS_REFUSED: readonly RefusedCase[] = [
  refused('no bytes', packet('')),
  refused('a header that is cut off', packet(HEADER.slice(2))),
  refused('an unknown flag', packet(`${HEADER.slice(0, -2)}04`)),
  refused('a mode that does not exist', packet(HEADER + entry('03', KEY_BLOB))),
  refused('a tier that does not exist', packet(`${HEADER}0008${KEY_ENTRY.slice(4)}`)),
  refused('a slot beyond the last', packet(`${HEADER}8020${KEY_ENTRY.slice(2)}`)),
  refused('a slot in more bytes than it takes', packet(`${HEADER}8000${KEY_ENTRY.slice(2)}`)),
  refused('an entry without a length', packet(`${HEADER}0000`)),
  refused('a blob that is cut off', packet((HEADER + KEY_ENTRY).slice(0, -2))),
  refused('a blob that ends too early', packet(HEADER + entry('0000', KEY_BLOB.slice(0, -2)))),
  refused('a byte behind a blob', packet(HEADER + entry('0000', `${KEY_BLOB}00`))),
  refused('a bit behind a blob', packet(HEADER + entry('0000', `${KEY_BLOB.slice(0, -2)}01`))),
  refused('a chained part in a key snapshot', packet(HEADER + KEY_ENTRY, `${HEADER.slice(0, -2)}01${entry('01', blob('0 0000 0000 0 0000 0 0000'))}`)),
  refused('a key whose tracked part is not valid', packet(HEADER + entry('0000', blob(`00001 00000010 ${'0'.repeat(32)} ${'0'.repeat(80)} 0`)))),
  refused('a key at no position', packet(HEADER + entry('0000', blob(`00001 00000001 ${'0'.repeat(32)} 1000000000000000 ${'0'.repeat(64)} 0`)))),
  refused('a key whose movement is of no part', packet(HEADER + entry('0000', blob(`00001 00000001 ${'0'.repeat(112)} 1 00000 0000`)))),
  refused('a key whose movement is of a part that is not valid', packet(HEADER + entry('0000', blob(`00001 00000001 ${'0'.repeat(112)} 1 00010 0000`)))),
  refused('parts written out that are those of the reference', chained('1 00001 00000001 0000 0000 000 0 0000 000')),
  refused('a tracked part that is not valid', chained('1 00001 00000010 0000 0000 000 0 0000 000')),
  refused('a position beyond the range', chained(`0 0000 0000 ${ONES} 11111111111111110 00 0 0000 000`)),
  refused('a component beyond the range', chained(`0 0000 0000 000 0 0000 ${ONES} 00000010000000010 00`)),
  refused('a number escaped that has a code', chained(`0 0000 0000 ${ONES} 00000000000000010 00 0 0000 000`)),
  refused('a time escaped that has a code', chained(`0 ${'1'.repeat(16)} ${'0'.repeat(32)} 0000 000 0 0000 000`)),
];
