/** Walks the records of an MCAP file, one after the other, without taking up what they hold. */
import { McapStreamReader, Opcode, type TypedMcapRecord } from '@mcap/core';
import type { ByteSource } from './byte-source.ts';
import { invalidAt, RECORDING_PROFILE, SMALL_RECORD_BYTES } from './format.ts';

export const MAGIC = Uint8Array.of(0x89, 0x4d, 0x43, 0x41, 0x50, 0x30, 0x0d, 0x0a);
/** The type and the length in front of a record. */
export const RECORD_HEADER_BYTES = 9;
/** From here on types are anybody's own, and passed over. */
const PRIVATE_OPCODES = 0x80;

/** Where a record is; `length` has its header in it. */
export interface RecordPlace {
  readonly opcode: number;
  readonly offset: number;
  readonly length: number;
}

/** @throws CopresenceError RECORDING_INVALID when it does not begin as an MCAP file of our profile. */
export async function checkBeginning(source: ByteSource): Promise<RecordPlace> {
  const magic = await source.read(0, MAGIC.length);
  if (!isMagic(magic)) throw invalidAt(0, 'not an MCAP file');
  const place = await placeAt(source, MAGIC.length);
  if (place === undefined) throw invalidAt(MAGIC.length, 'ends within its header');
  const record = await readSmall(source, place);
  if (record.type !== 'Header') throw invalidAt(place.offset, `begins with a record ${record.type} in place of a header`);
  if (record.profile !== RECORDING_PROFILE) throw invalidAt(place.offset, `of the profile "${record.profile}", not "${RECORDING_PROFILE}"`);
  return place;
}

/** Whether these are the eight bytes at both ends of a file. */
export function isMagic(bytes: Uint8Array): boolean {
  return bytes.length === MAGIC.length && MAGIC.every((byte, index) => bytes[index] === byte);
}

/** How a walk ended. */
export interface WalkEnd {
  /** The byte after the last whole record. */
  readonly endsAt: number;
  /** Whether a footer was reached. */
  readonly complete: boolean;
}

/**
 * All records after the header up to and with the footer.
 *
 * @throws CopresenceError RECORDING_INVALID at a type that no record has: from there on the lengths cannot be believed.
 */
export async function* walkRecords(source: ByteSource, from: number): AsyncGenerator<RecordPlace, WalkEnd, void> {
  for (let at = from; ;) {
    const place = await placeAt(source, at);
    if (place === undefined) return { endsAt: at, complete: false };
    if (place.opcode === 0 || (place.opcode > Opcode.DATA_END && place.opcode < PRIVATE_OPCODES)) throw invalidAt(at, `a record of unknown type ${place.opcode}`);
    yield place;
    at += place.length;
    if (place.opcode === Opcode.FOOTER) return { endsAt: at, complete: true };
  }
}

/** @returns undefined when the file ends before the record does. */
async function placeAt(source: ByteSource, offset: number): Promise<RecordPlace | undefined> {
  const header = await source.read(offset, RECORD_HEADER_BYTES);
  if (header.length < RECORD_HEADER_BYTES) return undefined;
  const length = new DataView(header.buffer, header.byteOffset).getBigUint64(1, true);
  if (BigInt(offset + RECORD_HEADER_BYTES) + length > BigInt(source.size)) return undefined;
  return { opcode: header[0] ?? 0, offset, length: RECORD_HEADER_BYTES + Number(length) };
}

/** Takes up a record that is not a chunk. @throws CopresenceError RECORDING_INVALID when it is malformed or too long. */
export async function readSmall(source: ByteSource, { opcode, offset, length }: RecordPlace): Promise<TypedMcapRecord> {
  if (length > SMALL_RECORD_BYTES) throw invalidAt(offset, `a record of type ${opcode} with ${length} bytes`);
  const bytes = await source.read(offset, length);
  const record = tryAt(offset, () => parseOne(bytes));
  if (record === undefined) throw invalidAt(offset, 'a record that ends too early');
  return record;
}

/** The first record in some bytes. @throws what the library does. */
export function parseOne(bytes: Uint8Array): TypedMcapRecord | undefined {
  const reader = new McapStreamReader({ noMagicPrefix: true });
  reader.append(bytes);
  return reader.nextRecord();
}

/** Gives what goes wrong while reading its place. @throws CopresenceError RECORDING_INVALID. */
export function tryAt<Value>(offset: number, read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    if (error instanceof Error && error.name === 'CopresenceError') throw error;
    throw invalidAt(offset, error instanceof Error ? error.message : String(error));
  }
}
