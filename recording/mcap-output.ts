/**
 * Writes MCAP records in order and keeps what the index at the end needs.
 *
 * `@mcap/core`'s own writer closes a chunk only when it is large enough, so a quiet session would lie in memory for
 * minutes and be lost with the process. This one closes a chunk whenever it is told to, out of the library's builders.
 */
import { McapRecordBuilder, Opcode } from '@mcap/core';
import type { Channel, McapChunkBuilder, ChunkIndex, MetadataIndex, Schema, Statistics, SummaryOffset } from '@mcap/core';
import type { ChunkCompressor } from './compression.ts';
import { crc32 } from './crc32.ts';

/** Where the bytes go. Writes are made one after the other. */
export interface RecordingWritable {
  /** @param bytes - moved to the callee. */
  write(bytes: Uint8Array): Promise<void>;
  /** Puts everything on the disk and releases the file. */
  close(): Promise<void>;
}

/** The state of a file being written; every method gives the bytes that come next in it. */
export class McapOutput {
  readonly #chunkIndexes: ChunkIndex[] = [];
  readonly #metadataIndexes: MetadataIndex[] = [];
  readonly #counts = new Map<number, bigint>();
  #position = 0;
  #dataCrc = 0;
  #start: bigint | undefined;
  #end = 0n;
  readonly #compressor: ChunkCompressor | undefined;

  constructor(compressor?: ChunkCompressor) {
    this.#compressor = compressor;
  }

  /** The magic number and the header. */
  begin(profile: string): Uint8Array {
    const records = new McapRecordBuilder();
    records.writeMagic();
    records.writeHeader({ profile, library: 'copresence' });
    return this.#take(records);
  }

  metadata(name: string, values: Readonly<Record<string, string>>): Uint8Array {
    const records = new McapRecordBuilder();
    const length = records.writeMetadata({ name, metadata: new Map(Object.entries(values)) });
    this.#metadataIndexes.push({ name, offset: BigInt(this.#position), length });
    return this.#take(records);
  }

  /** A chunk with at least one message, and its message indexes. @param messageCounts - per channel. */
  chunk(chunk: McapChunkBuilder, messageCounts: ReadonlyMap<number, number>): Uint8Array {
    const records = new McapRecordBuilder();
    const body = chunk.buffer;
    const { messageStartTime, messageEndTime } = chunk;
    const uncompressedSize = BigInt(body.length);
    const compression = this.#compressor?.name ?? '';
    const stored = this.#compressor?.compress(body) ?? body;
    const chunkStartOffset = BigInt(this.#position);
    const chunkLength = records.writeChunk({
      messageStartTime, messageEndTime, uncompressedSize, uncompressedCrc: crc32(body), compression, records: stored,
    });
    const messageIndexOffsets = new Map<number, bigint>();
    let messageIndexLength = 0n;
    for (const index of chunk.indices) {
      messageIndexOffsets.set(index.channelId, chunkStartOffset + chunkLength + messageIndexLength);
      messageIndexLength += records.writeMessageIndex(index);
    }
    this.#chunkIndexes.push({
      messageStartTime, messageEndTime, chunkStartOffset, chunkLength, messageIndexOffsets, messageIndexLength,
      compression, compressedSize: BigInt(stored.length), uncompressedSize,
    });
    this.#countMessages(messageCounts, messageStartTime, messageEndTime);
    return this.#take(records);
  }

  /** The end of the data, the summary and the footer. */
  finish(schemas: readonly Schema[], channels: readonly Channel[]): Uint8Array {
    const dataEnd = new McapRecordBuilder();
    dataEnd.writeDataEnd({ dataSectionCrc: this.#dataCrc });
    const summaryStart = this.#position + dataEnd.length;
    const records = new McapRecordBuilder();
    const offsets = this.#writeSummary(records, summaryStart, schemas, channels);
    const summaryOffsetStart = BigInt(summaryStart + records.length);
    for (const offset of offsets) records.writeSummaryOffset(offset);
    const tail = footerPrefix(BigInt(summaryStart), summaryOffsetStart);
    const summaryCrc = crc32(tail, crc32(records.buffer));
    records.writeFooter({ summaryStart: BigInt(summaryStart), summaryOffsetStart, summaryCrc });
    records.writeMagic();
    return Buffer.concat([dataEnd.buffer, records.buffer]);
  }

  #writeSummary(records: McapRecordBuilder, start: number, schemas: readonly Schema[], channels: readonly Channel[]): SummaryOffset[] {
    const groups: [Opcode, () => void][] = [
      [Opcode.SCHEMA, () => schemas.forEach((schema) => records.writeSchema(schema))],
      [Opcode.CHANNEL, () => channels.forEach((channel) => records.writeChannel(channel))],
      [Opcode.STATISTICS, () => records.writeStatistics(this.#statistics(schemas.length, channels.length))],
      [Opcode.METADATA_INDEX, () => this.#metadataIndexes.forEach((index) => records.writeMetadataIndex(index))],
      [Opcode.CHUNK_INDEX, () => this.#chunkIndexes.forEach((index) => records.writeChunkIndex(index))],
    ];
    return groups.flatMap(([groupOpcode, write]) => {
      const from = records.length;
      write();
      if (records.length === from) return [];
      return [{ groupOpcode, groupStart: BigInt(start + from), groupLength: BigInt(records.length - from) }];
    });
  }

  #statistics(schemaCount: number, channelCount: number): Statistics {
    let messageCount = 0n;
    for (const count of this.#counts.values()) messageCount += count;
    return {
      messageCount, schemaCount, channelCount, attachmentCount: 0, metadataCount: this.#metadataIndexes.length,
      chunkCount: this.#chunkIndexes.length, messageStartTime: this.#start ?? 0n, messageEndTime: this.#end,
      channelMessageCounts: this.#counts,
    };
  }

  #countMessages(counts: ReadonlyMap<number, number>, start: bigint, end: bigint): void {
    for (const [channel, count] of counts) this.#counts.set(channel, (this.#counts.get(channel) ?? 0n) + BigInt(count));
    if (this.#start === undefined || start < this.#start) this.#start = start;
    if (end > this.#end) this.#end = end;
  }

  /** The library's builder reuses its buffer, so what leaves is a copy. */
  #take(records: McapRecordBuilder): Uint8Array {
    const bytes = records.buffer.slice();
    this.#position += bytes.length;
    this.#dataCrc = crc32(bytes, this.#dataCrc);
    return bytes;
  }
}

/** The footer up to its own checksum, which that checksum covers. */
function footerPrefix(summaryStart: bigint, summaryOffsetStart: bigint): Uint8Array {
  const view = new DataView(new ArrayBuffer(25));
  view.setUint8(0, Opcode.FOOTER);
  view.setBigUint64(1, 20n, true);
  view.setBigUint64(9, summaryStart, true);
  view.setBigUint64(17, summaryOffsetStart, true);
  return new Uint8Array(view.buffer);
}
