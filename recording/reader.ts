/**
 * Reads a recording, whole or cut off.
 *
 * A file that its writer could not finish has no index, so the reader never relies on one: it walks the records' headers
 * once, notes where the chunks are, and takes the chunks up one at a time.
 */
import { open, type FileHandle } from 'node:fs/promises';
import { McapStreamReader, Opcode, type TypedMcapRecord } from '@mcap/core';
import { crc32 } from './crc32.ts';
import {
  decodeItem, invalidAt, ITEM_ENCODING, PARTICIPANT_RECORD, RECORDED_KINDS, RECORDING_PROFILE, RECORDING_VERSION, SESSION_RECORD,
  type RecordedKind, type RecordedParticipant, type RecordingItem, type RecordingSource,
} from './format.ts';

/** What a file says of itself. */
export interface RecordingInfo {
  readonly version: number;
  readonly session: string;
  readonly source: RecordingSource;
  readonly startedWallMs: number;
  /** The last that was noted of each participant. */
  readonly participants: readonly RecordedParticipant[];
  /** From the first arrival to the last. */
  readonly durationMs: number;
  /** Whether the writer closed it; otherwise what can be read ends with the last whole chunk. */
  readonly complete: boolean;
}

/** An open recording. */
export interface Recording {
  readonly info: RecordingInfo;
  /**
   * All items, in the order of their arrival.
   *
   * @throws CopresenceError RECORDING_INVALID, with the byte of the file, at a chunk that is damaged.
   * @bound the chunks that overlap in time are in memory: one, for a file of our writer.
   */
  items(): AsyncGenerator<RecordingItem, void, void>;
  close(): Promise<void>;
}

/**
 * Opens a recording.
 *
 * @throws CopresenceError RECORDING_INVALID when it is missing, no MCAP file, of another profile or version, or malformed.
 */
export async function openRecording(path: string): Promise<Recording> {
  const file = await open(path, 'r').catch((error: unknown) => { throw invalidAt(0, `cannot open ${path}: ${String(error)}`); });
  try {
    const scan = await scanRecords(file);
    return { info: describe(scan), items: () => readItems(file, scan.chunks), close: () => file.close() };
  } catch (error) {
    await file.close();
    throw error;
  }
}

interface ChunkPlace {
  readonly offset: number;
  readonly length: number;
  readonly startTime: bigint;
  readonly endTime: bigint;
}

interface Scan {
  readonly chunks: ChunkPlace[];
  readonly metadata: { readonly name: string; readonly values: ReadonlyMap<string, string>; readonly offset: number }[];
  complete: boolean;
}

const MAGIC = Uint8Array.of(0x89, 0x4d, 0x43, 0x41, 0x50, 0x30, 0x0d, 0x0a);
const RECORD_HEADER_BYTES = 9;
/** Metadata and headers are small; a longer one is a damaged length. */
const SMALL_RECORD_BYTES = 1024 * 1024;

async function scanRecords(file: FileHandle): Promise<Scan> {
  const { size } = await file.stat();
  const magic = await readAt(file, 0, MAGIC.length);
  if (magic.length < MAGIC.length || !MAGIC.every((byte, index) => magic[index] === byte)) throw invalidAt(0, 'not an MCAP file');
  const scan: Scan = { chunks: [], metadata: [], complete: false };
  let at = MAGIC.length;
  while (at + RECORD_HEADER_BYTES <= size && !scan.complete) {
    const header = await readAt(file, at, RECORD_HEADER_BYTES);
    const length = new DataView(header.buffer, header.byteOffset).getBigUint64(1, true);
    if (BigInt(at + RECORD_HEADER_BYTES) + length > BigInt(size)) break;
    await takeRecord(file, scan, { opcode: header[0] ?? 0, offset: at, length: RECORD_HEADER_BYTES + Number(length) });
    at += RECORD_HEADER_BYTES + Number(length);
  }
  return scan;
}

async function takeRecord(file: FileHandle, scan: Scan, record: { opcode: number; offset: number; length: number }): Promise<void> {
  const { opcode, offset, length } = record;
  if (offset === MAGIC.length) return checkHeader(await readSmall(file, offset, length, opcode), offset);
  if (opcode === Opcode.FOOTER) scan.complete = true;
  else if (opcode === Opcode.CHUNK) scan.chunks.push(await readChunkPlace(file, offset, length));
  else if (opcode === Opcode.METADATA) {
    const parsed = await readSmall(file, offset, length, opcode);
    if (parsed.type === 'Metadata') scan.metadata.push({ name: parsed.name, values: parsed.metadata, offset });
  } else if (opcode === 0 || (opcode > Opcode.DATA_END && opcode < 0x80)) throw invalidAt(offset, `a record of unknown type ${opcode}`);
}

function checkHeader(record: TypedMcapRecord, offset: number): void {
  if (record.type !== 'Header') throw invalidAt(offset, `begins with a record ${record.type} in place of a header`);
  if (record.profile !== RECORDING_PROFILE) throw invalidAt(offset, `of the profile "${record.profile}", not "${RECORDING_PROFILE}"`);
}

async function readSmall(file: FileHandle, offset: number, length: number, opcode: number): Promise<TypedMcapRecord> {
  if (length > SMALL_RECORD_BYTES) throw invalidAt(offset, `a record of type ${opcode} with ${length} bytes`);
  return parseOne(await readAt(file, offset, length), offset);
}

function parseOne(bytes: Uint8Array, offset: number): TypedMcapRecord {
  const record = tryAt(offset, () => {
    const reader = new McapStreamReader({ noMagicPrefix: true });
    reader.append(bytes);
    return reader.nextRecord();
  });
  if (record === undefined) throw invalidAt(offset, 'a record that ends too early');
  return record;
}

async function readChunkPlace(file: FileHandle, offset: number, length: number): Promise<ChunkPlace> {
  if (length < RECORD_HEADER_BYTES + 40) throw invalidAt(offset, 'a chunk that is too short');
  const times = await readAt(file, offset + RECORD_HEADER_BYTES, 16);
  const view = new DataView(times.buffer, times.byteOffset);
  return { offset, length, startTime: view.getBigUint64(0, true), endTime: view.getBigUint64(8, true) };
}

function describe({ chunks, metadata, complete }: Scan): RecordingInfo {
  const session = metadata.find(({ name }) => name === SESSION_RECORD);
  if (session === undefined) throw invalidAt(MAGIC.length, `has no record "${SESSION_RECORD}"`);
  const version = Number(session.values.get('version'));
  if (version !== RECORDING_VERSION) throw invalidAt(session.offset, `of version ${session.values.get('version')}, not ${RECORDING_VERSION}`);
  const first = chunks.reduce((least, { startTime }) => (startTime < least ? startTime : least), chunks[0]?.startTime ?? 0n);
  const last = chunks.reduce((most, { endTime }) => (endTime > most ? endTime : most), 0n);
  return {
    version,
    session: session.values.get('session') ?? '',
    source: session.values.get('source') === 'generated' ? 'generated' : 'measured',
    startedWallMs: Number(session.values.get('startedWallMs')),
    participants: participantsOf(metadata),
    durationMs: chunks.length === 0 ? 0 : Number(last - first) / 1e6,
    complete,
  };
}

function participantsOf(metadata: Scan['metadata']): RecordedParticipant[] {
  const latest = new Map<string, RecordedParticipant>();
  for (const { name, values } of metadata) {
    if (name !== PARTICIPANT_RECORD) continue;
    const participantId = values.get('participantId') ?? '';
    const consent = { inference: values.get('inference') === 'true', recording: values.get('recording') === 'true', training: values.get('training') === 'true' };
    latest.set(participantId, { participantId, slot: Number(values.get('slot')), name: values.get('name') ?? '', consent });
  }
  return [...latest.values()];
}

interface TimedItem {
  readonly logTime: bigint;
  readonly item: RecordingItem;
}

/** Chunks in the order of their first item; what a chunk holds from after the next one's start waits for that one. */
async function* readItems(file: FileHandle, places: readonly ChunkPlace[]): AsyncGenerator<RecordingItem, void, void> {
  const ordered = [...places].sort((a, b) => (a.startTime < b.startTime ? -1 : a.startTime > b.startTime ? 1 : a.offset - b.offset));
  let waiting: TimedItem[] = [];
  for (let index = 0; index < ordered.length; index++) {
    waiting.push(...(await readChunk(file, ordered[index] as ChunkPlace)));
    waiting.sort((a, b) => (a.logTime < b.logTime ? -1 : a.logTime > b.logTime ? 1 : 0));
    const until = ordered[index + 1]?.startTime;
    const ready = until === undefined ? waiting.length : countUpTo(waiting, until);
    for (const { item } of waiting.slice(0, ready)) yield item;
    waiting = waiting.slice(ready);
  }
}

function countUpTo(items: readonly TimedItem[], until: bigint): number {
  const first = items.findIndex(({ logTime }) => logTime > until);
  return first === -1 ? items.length : first;
}

async function readChunk(file: FileHandle, { offset, length }: ChunkPlace): Promise<TimedItem[]> {
  const bytes = await readAt(file, offset, length);
  if (bytes.length < length) throw invalidAt(offset, 'a chunk that ends too early');
  const chunk = tryAt(offset, () => {
    const reader = new McapStreamReader({ noMagicPrefix: true, includeChunks: true, validateCrcs: false });
    reader.append(bytes);
    const record = reader.nextRecord();
    if (record?.type !== 'Chunk') throw new Error('no chunk');
    // Read apart from the library, so that the error says where in the file it is.
    if (record.uncompressedCrc !== 0 && crc32(record.records) !== record.uncompressedCrc) throw new Error('the checksum of a chunk is wrong');
    return reader;
  });
  return tryAt(offset, () => readMessages(chunk, offset));
}

function readMessages(reader: McapStreamReader, offset: number): TimedItem[] {
  const channels = new Map<number, { kind: RecordedKind; participantId: string; slot: number }>();
  const items: TimedItem[] = [];
  for (let record = reader.nextRecord(); record !== undefined; record = reader.nextRecord()) {
    if (record.type === 'Channel') {
      const kind = RECORDED_KINDS.find((name) => name === record.metadata.get('kind'));
      if (kind === undefined || record.messageEncoding !== ITEM_ENCODING) continue;
      channels.set(record.id, { kind, participantId: record.metadata.get('participantId') ?? '', slot: Number(record.metadata.get('slot')) });
    } else if (record.type === 'Message') {
      const channel = channels.get(record.channelId);
      if (channel === undefined) continue;
      const decoded = decodeItem(record.data);
      if (decoded === undefined) throw invalidAt(offset, 'a message without its three clocks');
      items.push({ logTime: record.logTime, item: { ...channel, ...decoded } });
    }
  }
  return items;
}

async function readAt(file: FileHandle, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  const { bytesRead } = await file.read(bytes, 0, length, offset);
  return bytes.subarray(0, bytesRead);
}

function tryAt<Value>(offset: number, read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    if (error instanceof Error && error.name === 'CopresenceError') throw error;
    throw invalidAt(offset, error instanceof Error ? error.message : String(error));
  }
}
