/** Recordings: what is written comes back, also from a file that was cut off, and a foreign file is named as such. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { McapIndexedReader } from '@mcap/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ManualClock } from '../../core/clock.ts';
import { seededRandom, randomInt } from '../../core/random.ts';
import type { RecordingItem } from '../../recording/format.ts';
import type { RecordingWritable } from '../../recording/mcap-output.ts';
import { openRecording } from '../../recording/reader.ts';
import { createFile, createRecordingSink } from '../../recording/sink.ts';
import { createRecordingWriter } from '../../recording/writer.ts';

const ALLOWED = { inference: true, recording: true, training: false };
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'recording-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

function memory(): RecordingWritable & { bytes(): Buffer } {
  const parts: Uint8Array[] = [];
  return {
    async write(bytes) {
      parts.push(bytes);
    },
    async close() {},
    bytes: () => Buffer.concat(parts),
  };
}

function makeItems(count: number): RecordingItem[] {
  const random = seededRandom(7);
  return Array.from({ length: count }, (_, index) => ({
    kind: (['pose', 'video', 'chat', 'result'] as const)[index % 4] ?? 'pose',
    participantId: `p/${index % 3}`,
    slot: index % 3,
    bytes: Uint8Array.from({ length: 1 + randomInt(random, 900) }, () => randomInt(random, 256)),
    captureDeviceMs: 1e6 + index * 3.25,
    captureServerMs: 50 + index * 3.25,
    arrivedMs: 60 + index * 3.25,
  }));
}

async function writeItems(items: readonly RecordingItem[], chunkBytes = 4096): Promise<Buffer> {
  const writable = memory();
  const writer = createRecordingWriter({ writable, clock: new ManualClock(50) }, { session: 'hall', source: 'measured', chunkBytes });
  writer.addParticipant({ participantId: 'p/0', slot: 0, name: 'Ada', consent: ALLOWED });
  for (const item of items) expect(writer.add(item)).toBe(true);
  await writer.close();
  return writable.bytes();
}

async function readAll(bytes: Uint8Array): Promise<{ info: Awaited<ReturnType<typeof openRecording>>['info']; items: RecordingItem[] }> {
  const path = join(folder, 'test.mcap');
  await writeFile(path, bytes);
  const recording = await openRecording(path);
  try {
    // The writer adds one of its own: what Ada allows.
    return { info: recording.info, items: (await collect(recording.items())).filter(({ kind }) => kind !== 'consent') };
  } finally {
    await recording.close();
  }
}

describe('a recording', () => {
  it('gives back every item with its three clocks, in order', async () => {
    const items = makeItems(200);
    const read = await readAll(await writeItems(items));
    expect(read.items).toEqual(items);
    expect(read.info).toMatchObject({ version: 2, session: 'hall', source: 'measured', complete: true });
    expect(read.info.participants).toEqual([{ participantId: 'p/0', slot: 0, name: 'Ada', consent: ALLOWED }]);
    expect(read.info.durationMs).toBeCloseTo(10 + 199 * 3.25, 3);
  });

  it('comes back in order of arrival when items were added out of order', async () => {
    const items = makeItems(120);
    const read = await readAll(await writeItems([...items.slice(60), ...items.slice(0, 60)], 2048));
    expect(read.items.map(({ arrivedMs }) => arrivedMs)).toEqual(items.map(({ arrivedMs }) => arrivedMs));
  });

  it('is an indexed MCAP file that the library reads, checksums included', async () => {
    const items = makeItems(100);
    const bytes = await writeItems(items);
    const readable = { size: async () => BigInt(bytes.length), read: async (offset: bigint, size: bigint) => bytes.subarray(Number(offset), Number(offset + size)) };
    const reader = await McapIndexedReader.Initialize({ readable });
    expect(reader.statistics?.messageCount).toBe(101n);
    expect(reader.chunkIndexes.length).toBeGreaterThan(3);
    const messages = await collect(reader.readMessages({ validateCrcs: true }));
    expect(messages).toHaveLength(101);
    const names = (await collect(reader.readMetadata())).map(({ name }) => name);
    expect(names).toEqual(['copresence.session', 'copresence.participant']);
  });

  it('that was cut off anywhere is readable up to its last whole chunk', async () => {
    const items = makeItems(150);
    const bytes = await writeItems(items);
    let [longest, shortest] = [0, Infinity];
    for (let length = bytes.length - 41; length > 400; length -= 16_381) {
      const read = await readAll(bytes.subarray(0, length));
      expect(read.info.complete).toBe(false);
      expect(read.items).toEqual(items.slice(0, read.items.length));
      expect(read.items.length).toBeLessThanOrEqual(shortest);
      shortest = read.items.length;
      longest = Math.max(longest, shortest);
    }
    expect(longest).toBe(150);
  });

  it('with a damaged chunk is refused with the byte where it is', async () => {
    const bytes = await writeItems(makeItems(50));
    const at = bytes.indexOf(Buffer.from('copresence.pose'));
    bytes.writeUInt8(bytes.readUInt8(at + 400) ^ 1, at + 400);
    await expect(readAll(bytes)).rejects.toThrow(/RECORDING_INVALID: .*checksum.*at byte \d+/);
  });
});

describe('a file that is no recording', () => {
  it('is refused at byte 0 when it is no MCAP file', async () => {
    await expect(readAll(Buffer.from('{"camera":{}}'))).rejects.toThrow(/RECORDING_INVALID: not an MCAP file \(at byte 0\)/);
    await expect(readAll(Buffer.alloc(0))).rejects.toThrow(/RECORDING_INVALID/);
  });

  it('is refused at its header when it is an MCAP file of another profile', async () => {
    const bytes = await writeItems([]);
    bytes.write('ros2______', bytes.indexOf('copresence'));
    await expect(readAll(bytes)).rejects.toThrow(/RECORDING_INVALID: of the profile "ros2______".*at byte 8/);
  });

  it('is refused when it is missing', async () => {
    await expect(openRecording(join(folder, 'nowhere.mcap'))).rejects.toThrow(/RECORDING_INVALID: cannot open/);
  });
});

describe('a writer', () => {
  it('has everything that is older than a second on the disk without being closed', async () => {
    const writable = memory();
    const clock = new ManualClock(50);
    const writer = createRecordingWriter({ writable, clock }, { session: 'hall', source: 'measured' });
    const items = makeItems(10);
    for (const item of items) writer.add(item);
    await clock.advanceAsync(999);
    expect((await readAll(writable.bytes())).items).toHaveLength(0);
    await clock.advanceAsync(1);
    expect((await readAll(writable.bytes())).items).toEqual(items);
  });

  it('refuses items when too much waits for the disk, and takes them again afterwards', async () => {
    const gate: { release?: () => void } = {};
    const writable: RecordingWritable = { write: () => new Promise((resolve) => { gate.release = resolve; }), async close() {} };
    const clock = new ManualClock();
    const writer = createRecordingWriter({ writable, clock }, { session: 'hall', source: 'measured', pendingBytes: 20_000 });
    const taken = makeItems(200).filter((item) => writer.add(item)).length;
    expect(taken).toBeGreaterThan(10);
    expect(taken).toBeLessThan(60);
    for (let turn = 0; turn < 10; turn++) {
      gate.release?.();
      await clock.advanceAsync(1000);
    }
    expect(writer.add(makeItems(1)[0] as RecordingItem)).toBe(true);
  });

  it('says on closing that a write failed, and takes nothing more', async () => {
    const writable: RecordingWritable = { write: () => Promise.reject(new Error('disk full')), async close() {} };
    const writer = createRecordingWriter({ writable, clock: new ManualClock() }, { session: 'hall', source: 'measured' });
    await writer.flush();
    expect(writer.add(makeItems(1)[0] as RecordingItem)).toBe(false);
    await expect(writer.close()).rejects.toThrow(/RECORDING_FAILED: .*disk full/);
  });
});

describe('a sink', () => {
  it('records only participants who consent, from when they do until they do not', async () => {
    const path = join(folder, 'consent.mcap');
    const writable = await createFile(path);
    const sink = createRecordingSink({ writable, clock: new ManualClock(50) }, { session: 'hall', source: 'measured' });
    const items = makeItems(12);
    const participant = { participantId: 'p/1', slot: 1, name: 'Grace' };
    items.slice(0, 4).forEach((item) => sink.record(item));
    sink.participant({ ...participant, consent: ALLOWED });
    items.slice(4, 8).forEach((item) => sink.record(item));
    sink.participant({ ...participant, consent: { ...ALLOWED, recording: false } });
    items.slice(8).forEach((item) => sink.record(item));
    await sink.stop();
    expect(sink.counts).toEqual({ recorded: 2, shed: 0, refused: 10 });
    const recording = await openRecording(path);
    const read = await collect(recording.items());
    await recording.close();
    expect(read.filter(({ kind }) => kind !== 'consent')).toEqual([items[4], items[7]]);
    expect(recording.info.participants[0]?.consent.recording).toBe(false);
  });

  it('keeps a file that is there already', async () => {
    const path = join(folder, 'kept.mcap');
    await writeFile(path, 'mine');
    await expect(createFile(path)).rejects.toThrow(/RECORDING_FAILED/);
    expect(await readFile(path, 'utf8')).toBe('mine');
  });
});
