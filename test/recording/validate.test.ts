/** Every rule of docs/recording.md: a good file keeps it, and a file that breaks it is told so, with the place. */
import { Opcode } from '@mcap/core';
import { describe, expect, it } from 'vitest';
import { bytesSource } from '../../recording/byte-source.ts';
import { zstdCompressor } from '../../recording/compression.ts';
import { copyRecording } from '../../recording/copy.ts';
import { crc32 } from '../../recording/crc32.ts';
import type { RecordingItem } from '../../recording/format.ts';
import { openRecordingBytes } from '../../recording/reader.ts';
import { walkRecords } from '../../recording/records.ts';
import { validateRecording } from '../../recording/validate.ts';
import { ALLOWED, chatItem, collect, goodItems, memoryFile, poseItem, START, writeGood } from './support.ts';

/** Writes the checksums of the chunks again, so that only what was changed is wrong. */
async function edit(change: (text: Buffer) => void): Promise<Buffer> {
  const bytes = await writeGood();
  for await (const { opcode, offset, length } of walkRecords(bytesSource(bytes), 8)) {
    if (opcode !== Opcode.CHUNK) continue;
    const records = bytes.subarray(offset + 9 + 40, offset + length);
    change(records);
    bytes.writeUInt32LE(crc32(records), offset + 9 + 24);
  }
  return bytes;
}

function replaceIn(text: string, by: string): (records: Buffer) => void {
  return (records) => {
    for (let at = records.indexOf(text); at >= 0; at = records.indexOf(text, at + by.length)) records.write(by, at);
  };
}

async function withItem(item: RecordingItem): Promise<Buffer> {
  return writeGood([...goodItems(1000), item]);
}

async function breachesOf(bytes: Uint8Array): Promise<[string, string][]> {
  const { findings } = await validateRecording(bytesSource(bytes));
  for (const { offset } of findings) expect(offset).toBeLessThanOrEqual(bytes.length);
  return findings.map(({ rule, detail }) => [rule, detail]);
}

const { bytes: poseBytes, ...pose } = poseItem(0, 990);

describe('a good recording', () => {
  it('keeps every rule, compressed or not', async () => {
    const plain = await validateRecording(bytesSource(await writeGood()));
    expect(plain).toMatchObject({ findings: [], messages: goodItems().length + 2 });
    expect(plain.chunks).toBeGreaterThan(3);
    expect(await breachesOf(await writeGood(goodItems(), { compressor: await zstdCompressor() }))).toEqual([]);
  });
});

describe('a file outside of its chunks', () => {
  it.each([
    ['REC1', 'not an MCAP file', async () => Buffer.from('{"camera": {}}')],
    ['REC1', 'of the profile "ros2______"', async () => { const bytes = await writeGood(); bytes.write('ros2______', bytes.indexOf('copresence')); return bytes; }],
    ['REC2', 'of version 9', async () => { const bytes = await writeGood(); bytes.write('9', bytes.indexOf('version') + 11); return bytes; }],
    ['REC2', 'the source "imaginedxx"', async () => { const bytes = await writeGood(); bytes.write('imaginedx', bytes.indexOf('generated')); return bytes; }],
    ['REC7', 'not closed', async () => (await writeGood()).subarray(0, 9000)],
    ['REC7', 'an index that cannot be used', async () => { const bytes = await writeGood(); bytes.writeUInt8(bytes.readUInt8(bytes.length - 200) ^ 1, bytes.length - 200); return bytes; }],
    ['REC7', 'a record of unknown type', async () => { const bytes = await writeGood(); bytes.writeUInt8(0, bytes.indexOf('copresence.participant') - 13); return bytes; }],
  ])('[%s] %s', async (rule, detail, make) => {
    const found = await breachesOf(await make());
    expect(found.some(([broken, what]) => broken === rule && what.includes(detail.slice(0, 20))), JSON.stringify(found)).toBe(true);
  });
});

describe('a chunk', () => {
  it.each([
    ['REC4', 'checksum', async () => { const bytes = await writeGood(); bytes.writeUInt8(1, bytes.indexOf('copresence.pose') + 300); return bytes; }],
    ['REC6', 'times', async () => { const bytes = await writeGood(); for await (const { opcode, offset } of walkRecords(bytesSource(bytes), 8)) if (opcode === Opcode.CHUNK) bytes.writeUInt8(1, offset + 9 + 3); return bytes; }],
    ['REC8', 'the topic', () => edit(replaceIn('/participants/p%2F0/pose', '/participants/p%2F0/nose'))],
    ['REC9', 'the schema of', () => edit(replaceIn('copresence.pose', 'copresence.hose'))],
    ['REC19', 'nobody is noted', () => writeGood([poseItem(2, 100)])],
    ['REC19', 'of slot 5', () => withItem({ ...pose, slot: 5, participantId: 'p/1', bytes: Buffer.from('{"event":"left"}'), kind: 'presence' })],
  ])('[%s] %s', async (rule, detail, make) => {
    const found = await breachesOf(await make());
    expect(found.some(([broken, what]) => broken === rule && what.includes(detail)), JSON.stringify(found.slice(0, 5))).toBe(true);
  });

  it('[REC5] without the channels of its messages', async () => {
    // The second channel record of each chunk becomes one of nobody's.
    const bytes = await edit((records) => {
      for (let at = 0; at + 9 < records.length; at += 9 + Number(records.readBigUInt64LE(at + 1))) if (records[at] === Opcode.CHANNEL) records[at] = 0x90;
    });
    expect((await breachesOf(bytes)).map(([rule]) => rule)).toContain('REC5');
  });
});

describe('an item', () => {
  it.each<[string, string, RecordingItem]>([
    ['REC10', 'beyond all clocks', { ...pose, captureDeviceMs: 1e15, bytes: poseBytes }],
    ['REC12', 'after its capture', { ...pose, captureServerMs: pose.arrivedMs + 1, bytes: poseBytes }],
    ['REC12', 'after its capture', { ...pose, captureServerMs: pose.arrivedMs - 10_500, bytes: poseBytes }],
    ['REC13', 'no pose sample', { ...pose, bytes: poseBytes.subarray(1) }],
    ['REC13', 'its device clock are', { ...pose, captureDeviceMs: pose.captureDeviceMs + 1, bytes: poseBytes }],
    ['REC14', 'no video chunk', { ...pose, kind: 'video', bytes: poseBytes }],
    ['REC15', 'no UTF-8', { ...pose, kind: 'chat', bytes: Uint8Array.of(0xff) }],
    ['REC15', 'a line of 501', chatItem(0, 990, 'x'.repeat(501))],
    ['REC16', 'no result', { ...pose, kind: 'result', bytes: Uint8Array.of(0x80) }],
    ['REC17', 'no presence', { ...pose, kind: 'presence', bytes: Buffer.from('{"event":"flew"}') }],
  ])('[%s] %s', async (rule, detail, item) => {
    const found = await breachesOf(await withItem(item));
    expect(found.map(([broken]) => broken)).toEqual([rule]);
    expect(found[0]?.[1]).toContain(detail);
  });

  it('[REC11] has the times of its clocks', async () => {
    const bytes = await edit((records) => {
      for (let at = 0; at + 9 < records.length; at += 9 + Number(records.readBigUInt64LE(at + 1))) if (records[at] === Opcode.MESSAGE) records.writeUInt8(records.readUInt8(at + 9 + 14 + 2) ^ 1, at + 9 + 14 + 2);
    });
    const found = await breachesOf(bytes);
    // A pose has no clocks of its own that could disagree.
    expect(found).toHaveLength(goodItems().filter(({ kind }) => kind !== 'pose').length + 2 + 1);
    expect(new Set(found.map(([rule]) => rule))).toEqual(new Set(['REC11', 'REC7']));
  });

  it('[REC18] of somebody who does not consent is told, with the byte where it is', async () => {
    const bytes = await writeGood([], {
      also(writer) {
        writer.addParticipant({ participantId: 'p/0', slot: 0, name: '', consent: { ...ALLOWED, recording: false } }, START.serverMs + 500);
        writer.add(chatItem(0, 400, 'still allowed'));
        writer.add(chatItem(0, 900, 'not any more'));
      },
    });
    const { findings } = await validateRecording(bytesSource(bytes));
    expect(findings).toMatchObject([{ rule: 'REC18', detail: 'on /participants/p%2F0/chat: recorded without consent' }]);
    expect(bytes.indexOf('not any more')).toBe((findings[0]?.offset ?? 0) + 9 + 22 + 24);
  });
});

describe('a copy', () => {
  async function copy(bytes: Uint8Array, options: Parameters<typeof copyRecording>[2]): Promise<Buffer> {
    const writable = memoryFile();
    await copyRecording(await openRecordingBytes(bytes), writable, options);
    return writable.bytes();
  }

  it('of a file that was cut off is closed, keeps every rule, and has the same items', async () => {
    const bytes = (await writeGood()).subarray(0, 14_000);
    expect((await breachesOf(bytes)).map(([rule]) => rule)).toEqual(['REC7']);
    const clean = await copy(bytes, {});
    expect(await breachesOf(clean)).toEqual([]);
    const [before, after] = [await openRecordingBytes(bytes), await openRecordingBytes(clean)];
    expect(after.info).toMatchObject({ indexed: true, participants: before.info.participants, startedWallMs: START.wallMs });
    expect(await collect(after.items())).toEqual(await collect(before.items()));
  });

  it('of a stretch keeps what everybody allowed by then', async () => {
    const bytes = await writeGood(goodItems(), {
      also: (writer) => void writer.addParticipant({ participantId: 'p/1', slot: 1, name: 'Grace', consent: { inference: false, recording: true, training: true } }, START.serverMs + 1500),
    });
    const [fromMs, toMs] = [START.serverMs + 2000, START.serverMs + 3000];
    const cut = await copy(bytes, { fromMs, toMs });
    expect(await breachesOf(cut)).toEqual([]);
    const { info, history, items } = await openRecordingBytes(cut);
    expect(history.map(({ atMs, consent }) => [atMs, consent.training])).toEqual([[fromMs, false], [fromMs, true]]);
    expect(info.startedServerMs - info.startedWallMs).toBe(START.serverMs - START.wallMs);
    expect((await collect(items())).filter(({ kind }) => kind !== 'consent')).toEqual(goodItems().filter(({ arrivedMs }) => arrivedMs >= fromMs && arrivedMs <= toMs));
  });

  it('can begin at 0 on every clock, payloads included', async () => {
    const fromMs = START.serverMs + 2000;
    const moved = await copy(await writeGood(), { fromMs, rebase: true });
    expect(await breachesOf(moved)).toEqual([]);
    const recording = await openRecordingBytes(moved);
    expect(recording.info).toMatchObject({ startedServerMs: 0, startedWallMs: START.wallMs + 2000 });
    const items = (await collect(recording.items())).filter(({ kind }) => kind !== 'consent');
    const kept = goodItems().filter(({ arrivedMs }) => arrivedMs >= fromMs);
    expect(items.map(({ arrivedMs, captureDeviceMs }) => [arrivedMs, captureDeviceMs])).toEqual(kept.map(({ arrivedMs, captureDeviceMs }) => [arrivedMs - fromMs, captureDeviceMs - fromMs]));
  });
});
