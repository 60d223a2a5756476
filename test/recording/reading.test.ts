/** Reading by time, through compression, of files cut off or damaged anywhere, and by other readers than ours. */
import { McapIndexedReader, McapStreamReader, Opcode } from '@mcap/core';
import * as zlib from 'node:zlib';
import { describe, expect, it } from 'vitest';
import decompressLz4 from '@foxglove/wasm-lz4';
import * as zstd from '@foxglove/wasm-zstd';
import { zstdCompressor } from '../../recording/compression.ts';
import { crc32, tableCrc32 } from '../../recording/crc32.ts';
import type { RecordingItem } from '../../recording/format.ts';
import { openRecordingBytes } from '../../recording/reader.ts';
import { walkRecords } from '../../recording/records.ts';
import { bytesSource } from '../../recording/byte-source.ts';
import { collect, goodItems, START, writeGood } from './support.ts';

/** All of the items but those of the writer, as text: comparing arrays of bytes takes a hundred times as long. */
function keysOf(items: readonly RecordingItem[]): string {
  return items.filter(({ kind }) => kind !== 'consent').map(({ bytes, ...clocks }) => `${JSON.stringify(clocks)} ${Buffer.from(bytes).toString('base64')}\n`).join('');
}

async function placesOf(bytes: Uint8Array): Promise<{ opcode: number; offset: number; length: number }[]> {
  return collect(walkRecords(bytesSource(bytes), 8));
}

describe('reading by time', () => {
  it('[REC7] gives the items of a stretch, and reads only the chunks that it needs', async () => {
    const bytes = await writeGood(goodItems(20_000));
    const recording = await openRecordingBytes(bytes);
    const [fromMs, toMs] = [START.serverMs + 12_000, START.serverMs + 12_500];
    let share = 0;
    const items = await collect(recording.items({ fromMs, toMs, onProgress: (done) => { share = done; } }));
    expect(recording.info).toMatchObject({ indexed: true, complete: true });
    expect(recording.info.chunks).toBeGreaterThanOrEqual(20);
    expect(items).toEqual(goodItems(20_000).filter(({ arrivedMs }) => arrivedMs >= fromMs && arrivedMs <= toMs));
    expect(items.length).toBeGreaterThan(20);
    expect(share).toBe(1);
    // Everything else may be damaged without being noticed.
    const first = (await placesOf(bytes)).find(({ opcode }) => opcode === Opcode.CHUNK)!;
    bytes.fill(255, first.offset + 100, first.offset + 200);
    expect(await collect((await openRecordingBytes(bytes)).items({ fromMs, toMs }))).toEqual(items);
  });

  it('gives one kind, or one participant', async () => {
    const recording = await openRecordingBytes(await writeGood());
    const chat = await collect(recording.items({ kinds: new Set(['chat']) }));
    expect(chat.map(({ bytes }) => new TextDecoder().decode(bytes))).toEqual([1000, 2000, 3000, 4000].map((ms) => `It is ${ms}: 你好`));
    const theirs = await collect(recording.items({ participants: new Set(['p/0']) }));
    expect(new Set(theirs.map(({ slot }) => slot))).toEqual(new Set([0]));
  });
});

describe('compression', () => {
  it('[REC4] gives the same items from a smaller file, which the library reads with the usual decoders', async () => {
    const [plain, small] = [await writeGood(), await writeGood(goodItems(), { compressor: await zstdCompressor() })];
    expect(small.length).toBeLessThan(plain.length / 2);
    const items = await collect((await openRecordingBytes(small)).items());
    expect(items).toEqual(await collect((await openRecordingBytes(plain)).items()));
    const decompressHandlers = { zstd: (bytes: Uint8Array, size: bigint) => zstd.decompress(bytes, Number(size)) };
    const readable = { size: async () => BigInt(small.length), read: async (offset: bigint, size: bigint) => small.subarray(Number(offset), Number(offset + size)) };
    const reader = await McapIndexedReader.Initialize({ readable, decompressHandlers });
    expect(await collect(reader.readMessages({ validateCrcs: true }))).toHaveLength(items.length);
  });

  it('[REC4] reads chunks of LZ4, as other tools write them', async () => {
    await decompressLz4.isLoaded;
    // An LZ4 frame whose one block is stored as it is.
    const content = Buffer.from('three clocks a sample');
    const frame = Buffer.concat([Buffer.from('04224d186040', 'hex'), Buffer.from([0x82]), lengthOf(content.length | 0x80000000), content, Buffer.alloc(4)]);
    const { decompress } = await import('../../recording/compression.ts');
    expect(Buffer.from(decompress('lz4', frame, content.length)).toString()).toBe(content.toString());
    expect(() => decompress('lz4', frame, content.length - 1)).toThrow();
    expect(() => decompress('snappy', frame, 3)).toThrow(/compressed by "snappy"/);
  });

  it('has a checksum that is the same with and without Node\'s own', () => {
    const bytes = zlib.deflateSync(Buffer.from('copresence'.repeat(50)));
    expect(tableCrc32(bytes)).toBe(crc32(bytes));
    expect(tableCrc32(bytes.subarray(9), tableCrc32(bytes.subarray(0, 9)))).toBe(crc32(bytes));
  });
});

function lengthOf(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
}

describe('a recording whose writer died', () => {
  it('[REC7] gives what its whole chunks hold, wherever it was cut off', async () => {
    const items = goodItems(3000);
    const bytes = await writeGood(items, { chunkBytes: 6000 });
    const places = await placesOf(bytes);
    const chunks = places.filter(({ opcode }) => opcode === Opcode.CHUNK);
    const sessionEnds = places.find(({ opcode }) => opcode === Opcode.METADATA)!;
    const cuts = places.flatMap(({ offset, length }) => [offset, offset + 1, offset + 9, offset + (length >> 1), offset + length - 1]);
    expect(new Set(places.map(({ opcode }) => opcode)).size).toBeGreaterThanOrEqual(10);
    for (const cut of cuts) {
      const opening = openRecordingBytes(bytes.subarray(0, cut));
      if (cut < sessionEnds.offset + sessionEnds.length) {
        await expect(opening).rejects.toThrow(/RECORDING_INVALID: .*\(at byte \d+\)/);
        continue;
      }
      const recording = await opening;
      expect(recording.info).toMatchObject({ complete: false, indexed: false, chunks: chunks.filter(({ offset, length }) => offset + length <= cut).length });
      const read = keysOf(await collect(recording.items()));
      expect(keysOf(items).startsWith(read)).toBe(true);
    }
    // Without the magic number at the end everything is there, but the index is not believed.
    const whole = await openRecordingBytes(bytes.subarray(0, bytes.length - 3));
    expect(keysOf(await collect(whole.items()))).toBe(keysOf(items));
  });

  it('whose index is damaged is walked', async () => {
    const bytes = await writeGood();
    const index = (await placesOf(bytes)).find(({ opcode }) => opcode === Opcode.CHUNK_INDEX)!;
    // A byte of the time at which the chunk begins.
    bytes.writeUInt8(bytes.readUInt8(index.offset + 12) ^ 1, index.offset + 12);
    const recording = await openRecordingBytes(bytes);
    expect(recording.info).toMatchObject({ indexed: false, complete: true });
    expect(await collect(recording.items())).toHaveLength(goodItems().length + 2);
  });

  it('goes on behind a damaged chunk when it is told to', async () => {
    const bytes = await writeGood();
    const chunk = (await placesOf(bytes)).filter(({ opcode }) => opcode === Opcode.CHUNK)[1]!;
    bytes.writeUInt8(bytes.readUInt8(chunk.offset + 500) ^ 1, chunk.offset + 500);
    const recording = await openRecordingBytes(bytes);
    await expect(collect(recording.items())).rejects.toThrow(`checksum of a chunk is wrong (at byte ${chunk.offset})`);
    const damage: string[] = [];
    const items = await collect(recording.items({ onDamage: (error) => damage.push(error.message) }));
    expect(damage).toHaveLength(1);
    expect(items.length).toBeGreaterThan(100);
  });
});

describe('a hostile file', () => {
  it('[REC4] that says a chunk has gigabytes is refused before any are asked for', async () => {
    const bytes = await writeGood(goodItems(), { compressor: await zstdCompressor() });
    const chunk = (await placesOf(bytes)).find(({ opcode }) => opcode === Opcode.CHUNK)!;
    bytes.writeBigUInt64LE(4_000_000_000n, chunk.offset + 9 + 16);
    await expect(collect((await openRecordingBytes(bytes)).items())).rejects.toThrow(/says it holds 4000000000 bytes/);
  });
});

describe('another reader', () => {
  it('reads all records in their order, checksums included', async () => {
    const bytes = await writeGood();
    const reader = new McapStreamReader({ validateCrcs: true });
    reader.append(bytes);
    const types = new Map<string, number>();
    for (let record = reader.nextRecord(); record !== undefined; record = reader.nextRecord()) types.set(record.type, (types.get(record.type) ?? 0) + 1);
    expect(reader.done()).toBe(true);
    expect(types.get('Message')).toBe(goodItems().length + 2);
    expect(types.get('Metadata')).toBe(3);
  });
});
