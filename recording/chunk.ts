/** Takes a chunk up: checks it, undoes its compression, and gives its messages. */
import { Opcode } from '@mcap/core';
import type { ByteSource } from './byte-source.ts';
import { decompress } from './compression.ts';
import { crc32 } from './crc32.ts';
import { decodeItem, invalidAt, ITEM_ENCODING, MAX_CHUNK_BYTES, POSE_CHAIN_ENCODING, RECORDED_KINDS, type ItemClocks, type RecordedKind, type RecordingItem, type RecordingStart } from './format.ts';
import { PoseChainReader } from './pose-chain.ts';
import { parseOne, RECORD_HEADER_BYTES, tryAt } from './records.ts';

/** Where a chunk is and what time it covers: MCAP's log times, nanoseconds to the nearest 256. */
export interface ChunkPlace {
  readonly offset: number;
  readonly length: number;
  readonly startNs: number;
  readonly endNs: number;
}

/** Two times, two lengths, a checksum and the length of the compression's name. */
const CHUNK_HEADER_BYTES = 8 + 8 + 8 + 4 + 4;
const MESSAGE_HEADER_BYTES = 2 + 4 + 8 + 8;

/** The start of a chunk. @throws CopresenceError RECORDING_INVALID when it is too short to be one, or longer than any may be. */
export async function readChunkPlace(source: ByteSource, { offset, length }: { readonly offset: number; readonly length: number }): Promise<ChunkPlace> {
  if (length < RECORD_HEADER_BYTES + CHUNK_HEADER_BYTES + 8) throw invalidAt(offset, 'a chunk that is too short');
  if (length > MAX_CHUNK_BYTES) throw invalidAt(offset, `a chunk of ${length} bytes`);
  const times = await source.read(offset + RECORD_HEADER_BYTES, 16);
  if (times.length < 16) throw invalidAt(offset, 'a chunk that ends too early');
  const view = new DataView(times.buffer, times.byteOffset);
  return { offset, length, startNs: nanoseconds(view, 0), endNs: nanoseconds(view, 8) };
}

/** The records inside a chunk, and how they were stored. */
export interface ChunkBody {
  readonly records: Uint8Array;
  readonly compression: string;
  readonly storedBytes: number;
}

/**
 * Reads a chunk, checks its checksum and undoes its compression.
 *
 * @throws CopresenceError RECORDING_INVALID with the chunk's place.
 * @bound MAX_CHUNK_BYTES, compressed and not.
 */
export async function readChunkBody(source: ByteSource, { offset, length }: ChunkPlace): Promise<ChunkBody> {
  const bytes = await source.read(offset, length);
  if (bytes.length < length || bytes[0] !== Opcode.CHUNK) throw invalidAt(offset, 'no whole chunk is here');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return tryAt(offset, () => {
    const at = RECORD_HEADER_BYTES;
    const size = view.getBigUint64(at + 16, true);
    const crc = view.getUint32(at + 24, true);
    const nameBytes = view.getUint32(at + 28, true);
    const recordsAt = at + CHUNK_HEADER_BYTES + nameBytes + 8;
    if (recordsAt > length) throw new Error('a chunk that ends too early');
    const compression = new TextDecoder().decode(bytes.subarray(at + CHUNK_HEADER_BYTES, at + CHUNK_HEADER_BYTES + nameBytes));
    const stored = view.getBigUint64(recordsAt - 8, true);
    if (BigInt(recordsAt) + stored !== BigInt(length)) throw new Error('a chunk whose lengths disagree');
    if (size > BigInt(MAX_CHUNK_BYTES)) throw new Error(`a chunk that says it holds ${size} bytes`);
    const records = decompress(compression, bytes.subarray(recordsAt), Number(size));
    if (crc !== 0 && crc32(records) !== crc) throw new Error('the checksum of a chunk is wrong');
    return { records, compression, storedBytes: Number(stored) };
  });
}

/** A channel as its metadata says. */
export interface ChannelInfo {
  readonly id: number;
  readonly topic: string;
  readonly encoding: string;
  readonly schemaId: number;
  /** Undefined for one that is not of our profile. */
  readonly kind: RecordedKind | undefined;
  readonly participantId: string;
  readonly slot: number;
}

/** Gets what a chunk holds, in its order. Any may be left out. */
export interface ChunkVisitor {
  schema?(schema: { readonly id: number; readonly name: string; readonly encoding: string }, at: number): void;
  channel?(channel: ChannelInfo, at: number): void;
  /** @param data - with the clocks; a view. @param at - counts bytes from the start of the chunk's records. */
  message?(message: RawMessage, at: number): void;
}

/** A message as MCAP has it. */
export interface RawMessage {
  readonly channelId: number;
  /** To the nearest 256. */
  readonly logNs: number;
  readonly publishNs: number;
  /** What its channel's encoding says; a view. */
  readonly data: Uint8Array;
}

/** Undoes the encoding of one channel's messages, which are given in their order within a chunk. @returns undefined for a malformed one. */
export type MessageDecoder = (message: RawMessage) => (ItemClocks & { bytes: Uint8Array }) | undefined;

/** @param start - of the recording, whose clocks some messages have in MCAP's header alone. */
export function messageDecoder({ encoding }: ChannelInfo, start: RecordingStart): MessageDecoder {
  if (encoding !== POSE_CHAIN_ENCODING) return ({ data }) => decodeItem(data);
  const chain = new PoseChainReader(start);
  return (message) => chain.decode(message);
}

/** Walks the records of a chunk. @throws Error when they are malformed. */
export function visitChunk(records: Uint8Array, visitor: ChunkVisitor): void {
  const view = new DataView(records.buffer, records.byteOffset, records.byteLength);
  for (let at = 0; at < records.length;) {
    if (at + RECORD_HEADER_BYTES > records.length) throw new Error('a chunk that ends within a record');
    const length = view.getUint32(at + 1, true) + view.getUint32(at + 5, true) * 2 ** 32;
    const from = at + RECORD_HEADER_BYTES;
    if (from + length > records.length) throw new Error('a record that is longer than its chunk');
    const opcode = records[at];
    if (opcode === Opcode.MESSAGE) {
      if (length < MESSAGE_HEADER_BYTES) throw new Error('a message that is too short');
      const data = records.subarray(from + MESSAGE_HEADER_BYTES, from + length);
      visitor.message?.({ channelId: view.getUint16(from, true), logNs: nanoseconds(view, from + 6), publishNs: nanoseconds(view, from + 14), data }, at);
    } else visitOther(records.subarray(at, from + length), visitor, at);
    at = from + length;
  }
}

function visitOther(bytes: Uint8Array, visitor: ChunkVisitor, at: number): void {
  const record = parseOne(bytes);
  if (record?.type === 'Schema') visitor.schema?.({ id: record.id, name: record.name, encoding: record.encoding }, at);
  if (record?.type !== 'Channel') return;
  const named = RECORDED_KINDS.find((name) => name === record.metadata.get('kind'));
  const kind = record.messageEncoding === ITEM_ENCODING || (record.messageEncoding === POSE_CHAIN_ENCODING && named === 'pose') ? named : undefined;
  visitor.channel?.({
    id: record.id, topic: record.topic, encoding: record.messageEncoding, schemaId: record.schemaId, kind,
    participantId: record.metadata.get('participantId') ?? '', slot: Number(record.metadata.get('slot')),
  }, at);
}

export interface ReadItemsOptions {
  /** Of the recording. */
  readonly start: RecordingStart;
  /** Says of each channel whether its items are wanted. */
  readonly wanted: (channel: ChannelInfo) => boolean;
}

/**
 * The items of a chunk, in its order; what is not of our profile is passed over.
 *
 * @throws CopresenceError RECORDING_INVALID with the chunk's place.
 */
export async function readItems(source: ByteSource, place: ChunkPlace, { start, wanted }: ReadItemsOptions): Promise<RecordingItem[]> {
  const { records } = await readChunkBody(source, place);
  const channels = new Map<number, { readonly of: Pick<RecordingItem, 'kind' | 'participantId' | 'slot'>; readonly decode: MessageDecoder }>();
  const items: RecordingItem[] = [];
  tryAt(place.offset, () => visitChunk(records, {
    channel(channel) {
      const { id, kind, participantId, slot } = channel;
      if (kind !== undefined && wanted(channel)) channels.set(id, { of: { kind, participantId, slot }, decode: messageDecoder(channel, start) });
    },
    message(message) {
      const channel = channels.get(message.channelId);
      if (channel === undefined) return;
      const decoded = channel.decode(message);
      if (decoded === undefined) throw new Error('a message without its three clocks, or a pose that does not follow from the one before');
      items.push({ ...channel.of, ...decoded });
    },
  }));
  return items;
}

/** A time as a double. */
export function nanoseconds(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
}
