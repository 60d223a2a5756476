/** Finds the chunks and the metadata of a recording: by its index, or where that is missing by walking all records. */
import { McapStreamReader, Opcode } from '@mcap/core';
import type { ByteSource } from './byte-source.ts';
import { readChunkPlace, type ChunkPlace } from './chunk.ts';
import { crc32 } from './crc32.ts';
import { invalidAt } from './format.ts';
import { isMagic, MAGIC, readSmall, RECORD_HEADER_BYTES, walkRecords } from './records.ts';

export interface MetadataEntry {
  readonly name: string;
  readonly values: ReadonlyMap<string, string>;
  readonly offset: number;
}

export interface FileMap {
  /** In the order of the file. */
  readonly chunks: readonly ChunkPlace[];
  readonly metadata: readonly MetadataEntry[];
  /** Whether the writer closed it. */
  readonly complete: boolean;
  /** Whether the index at the end was used. */
  readonly indexed: boolean;
  /** The byte after the last whole record that was seen. */
  readonly endsAt: number;
  /** Why the walk ended before the file did, where it is not that the file was cut off. */
  readonly problem?: Error;
}

const FOOTER_BYTES = RECORD_HEADER_BYTES + 20;
/** An index of a million chunks takes 100 MB with four channels in each: 11 days, in chunks of a second. */
const MAX_SUMMARY_BYTES = 128 * 1024 * 1024;
const MAX_CHUNKS = 1_000_000;
const MAX_METADATA = 100_000;

/**
 * Reads the index at the end.
 *
 * @returns undefined when there is none that can be believed; the file has to be walked then.
 */
export async function readIndex(source: ByteSource): Promise<FileMap | undefined> {
  try {
    return await mapByIndex(source);
  } catch {
    return undefined;
  }
}

async function mapByIndex(source: ByteSource): Promise<FileMap | undefined> {
  const footerAt = source.size - FOOTER_BYTES - MAGIC.length;
  const tail = Uint8Array.from(await source.read(Math.max(0, footerAt), FOOTER_BYTES + MAGIC.length));
  if (tail.length < FOOTER_BYTES + MAGIC.length || tail[0] !== Opcode.FOOTER || !isMagic(tail.subarray(FOOTER_BYTES))) return undefined;
  const view = new DataView(tail.buffer);
  const summaryStart = Number(view.getBigUint64(RECORD_HEADER_BYTES, true));
  const summaryCrc = view.getUint32(RECORD_HEADER_BYTES + 16, true);
  const length = footerAt - summaryStart;
  if (summaryStart < MAGIC.length || length <= 0 || length > MAX_SUMMARY_BYTES) return undefined;
  const summary = Uint8Array.from(await source.read(summaryStart, length));
  if (summaryCrc !== 0 && crc32(tail.subarray(0, FOOTER_BYTES - 4), crc32(summary)) !== summaryCrc) return undefined;
  const chunks: ChunkPlace[] = [];
  const metadataAt: { readonly offset: number; readonly length: number }[] = [];
  const reader = new McapStreamReader({ noMagicPrefix: true });
  reader.append(summary);
  for (let record = reader.nextRecord(); record !== undefined; record = reader.nextRecord()) {
    if (record.type === 'ChunkIndex') {
      const offset = Number(record.chunkStartOffset);
      chunks.push({ offset, length: Number(record.chunkLength), startNs: Number(record.messageStartTime), endNs: Number(record.messageEndTime) });
      if (offset + Number(record.chunkLength) > summaryStart || chunks.length > MAX_CHUNKS) return undefined;
    } else if (record.type === 'MetadataIndex') metadataAt.push({ offset: Number(record.offset), length: Number(record.length) });
  }
  // A file that was repaired by other tools may have chunks and no index of its metadata, which we cannot do without.
  if (metadataAt.length === 0 || metadataAt.length > MAX_METADATA) return undefined;
  const metadata: MetadataEntry[] = [];
  for (const { offset, length: bytes } of metadataAt.sort((a, b) => a.offset - b.offset)) {
    const record = await readSmall(source, { opcode: Opcode.METADATA, offset, length: bytes });
    if (record.type !== 'Metadata') return undefined;
    metadata.push({ name: record.name, values: record.metadata, offset });
  }
  chunks.sort((a, b) => a.offset - b.offset);
  // One chunk listed a million times would be read as often.
  if (chunks.some(({ offset }, index) => offset < (chunks[index - 1]?.offset ?? 0) + (chunks[index - 1]?.length ?? 0))) return undefined;
  return { chunks, metadata, complete: true, indexed: true, endsAt: source.size };
}

/**
 * Walks all records after the header.
 *
 * A damaged record ends the walk, since the lengths after it cannot be believed; what came before it is in the map.
 *
 * @throws CopresenceError RECORDING_INVALID beyond MAX_CHUNKS and MAX_METADATA.
 */
export async function scanFile(source: ByteSource, headerEnd: number): Promise<FileMap> {
  const chunks: ChunkPlace[] = [];
  const metadata: MetadataEntry[] = [];
  let endsAt = headerEnd;
  try {
    const walk = walkRecords(source, headerEnd);
    for (let step = await walk.next(); ; step = await walk.next()) {
      if (step.done === true) return { chunks, metadata, complete: step.value.complete, indexed: false, endsAt: step.value.endsAt };
      const place = step.value;
      if (place.opcode === Opcode.CHUNK) chunks.push(await readChunkPlace(source, place));
      else if (place.opcode === Opcode.METADATA) {
        const record = await readSmall(source, place);
        if (record.type === 'Metadata') metadata.push({ name: record.name, values: record.metadata, offset: place.offset });
      }
      endsAt = place.offset + place.length;
      if (chunks.length > MAX_CHUNKS || metadata.length > MAX_METADATA) throw new RangeError(`more than ${MAX_CHUNKS} chunks or ${MAX_METADATA} metadata records`);
    }
  } catch (error) {
    if (error instanceof RangeError) throw invalidAt(endsAt, error.message);
    return { chunks, metadata, complete: false, indexed: false, endsAt, problem: error instanceof Error ? error : new Error(String(error)) };
  }
}
