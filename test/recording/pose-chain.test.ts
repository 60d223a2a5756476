/** Poses told one after the other: the same bytes and clocks come back, whatever moves, pauses, jumps or is lost. */
import { McapWriter } from '@mcap/core';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createPoseSample, encodePoseSample, MAX_POSE_SAMPLE_BYTES } from '../../protocol/codec/pose-sample.ts';
import { bytesSource } from '../../recording/byte-source.ts';
import { encodeItem, ITEM_ENCODING, logTimeOf, PAYLOADS, type RecordingItem } from '../../recording/format.ts';
import { PoseChainReader, PoseChainWriter } from '../../recording/pose-chain.ts';
import { openRecordingBytes } from '../../recording/reader.ts';
import { validateRecording } from '../../recording/validate.ts';
import { collect, poseItem, START, writeGood } from './support.ts';

const step = fc.record({
  pauseMs: fc.oneof(fc.double({ min: 0.1, max: 40, noNaN: true }), fc.constantFrom(5000, 3_600_000)),
  valid: fc.integer({ min: 1, max: 31 }),
  epoch: fc.integer({ min: 0, max: 7 }),
  moveM: fc.double({ min: -0.2, max: 0.2, noNaN: true }),
  /** The device's clock against the server's: mostly still, now and then set anew. */
  clockJumpMs: fc.oneof({ weight: 20, arbitrary: fc.constant(0) }, fc.constantFrom(-90_000, 3e8, 12.25)),
  delayMs: fc.double({ min: 0, max: 300, noNaN: true }),
});

function itemsOf(steps: readonly (typeof step extends fc.Arbitrary<infer Step> ? Step : never)[]): RecordingItem[] {
  const sample = createPoseSample();
  const bytes = new Uint8Array(MAX_POSE_SAMPLE_BYTES);
  let [serverMs, offsetMs, x] = [START.serverMs, 1e9, 0];
  return steps.map(({ pauseMs, valid, epoch, moveM, clockJumpMs, delayMs }) => {
    serverMs += pauseMs;
    offsetMs += clockJumpMs;
    x = Math.max(-30, Math.min(30, x + moveM));
    const captureDeviceMs = Math.round((serverMs + offsetMs) * 16) / 16;
    Object.assign(sample, { captureMs: captureDeviceMs, valid, tracked: valid & epoch, spaceEpoch: epoch });
    for (let at = 0; at < 21; at += 7) sample.rigid.set([x, 1.6 + x / 9, -x, 0, Math.sin(x), 0, Math.cos(x)], at);
    for (let at = 0; at < 350; at += 7) sample.hands.set([x + (at % 175) / 1500, 1.2, -0.3, Math.sin(x + at), 0, 0, Math.cos(x + at)], at);
    const size = encodePoseSample(sample, bytes, 0);
    if (typeof size === 'string') throw new Error(size);
    return { kind: 'pose', participantId: 'p', slot: 0, bytes: bytes.slice(0, size), captureDeviceMs, captureServerMs: serverMs, arrivedMs: serverMs + delayMs };
  });
}

describe('poses told one after the other', () => {
  it('[REC20] give back every byte, and the clocks to the microsecond', () => {
    fc.assert(fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), (steps) => {
      const [writer, reader] = [new PoseChainWriter(START), new PoseChainReader(START)];
      for (const item of itemsOf(steps)) {
        const data = writer.encode(item);
        const read = reader.decode({ data, logNs: Number(logTimeOf(item.arrivedMs, START)), publishNs: Number(logTimeOf(item.captureServerMs, START)) });
        expect(read && Buffer.from(read.bytes).equals(item.bytes)).toBe(true);
        expect(read?.captureDeviceMs).toBe(item.captureDeviceMs);
        expect(Math.abs((read?.captureServerMs ?? NaN) - item.captureServerMs)).toBeLessThan(0.002);
        expect(Math.abs((read?.arrivedMs ?? NaN) - item.arrivedMs)).toBeLessThan(0.002);
      }
    }), { numRuns: 150 });
  });

  it('[REC20] take a fifth of the bytes of whole ones', () => {
    const writer = new PoseChainWriter(START);
    const items = Array.from({ length: 72 }, (_, index) => poseItem(1, index * 13.875));
    const told = items.reduce((sum, item) => sum + writer.encode(item).length, 0);
    expect(told).toBeLessThan(items.reduce((sum, item) => sum + encodeItem(item).length, 0) / 5);
  });

  it('[REC20] that are no poses, or whose clocks their message cannot tell, are written as they are', () => {
    const [writer, reader] = [new PoseChainWriter(START), new PoseChainReader(START)];
    const good = poseItem(0, 100);
    const odd = [{ ...good, bytes: Uint8Array.of(1, 2, 3) }, { ...good, captureDeviceMs: good.captureDeviceMs + 5 }, { ...good, arrivedMs: -START.wallMs - 10 }];
    for (const item of [good, ...odd, poseItem(0, 150)]) {
      const read = reader.decode({ data: writer.encode(item), logNs: Number(logTimeOf(item.arrivedMs, START)), publishNs: Number(logTimeOf(item.captureServerMs, START)) });
      expect(read).toEqual({ captureDeviceMs: item.captureDeviceMs, captureServerMs: item.captureServerMs, arrivedMs: item.arrivedMs, bytes: new Uint8Array(item.bytes) });
    }
  });

  it('[REC20] are refused where one is malformed or does not follow', async () => {
    const time = Number(logTimeOf(START.serverMs, START));
    const decode = (...bytes: number[]): unknown => new PoseChainReader(START).decode({ data: Uint8Array.from(bytes), logNs: time, publishNs: time });
    const delta = [poseItem(0, 100), poseItem(0, 150)].reduce<{ writer: PoseChainWriter; data: Uint8Array }>(({ writer }, item) => ({ writer, data: writer.encode(item) }), { writer: new PoseChainWriter(START), data: new Uint8Array(0) }).data;
    expect([decode(), decode(0, 1), decode(1), decode(1, 0, 0, 0, 0, 0, 0, 0, 0, 255), decode(9, 9), decode(...delta)]).toEqual(Array.from({ length: 6 }, () => undefined));
    const bytes = await writeGood([poseItem(0, 100), poseItem(0, 150)]);
    const { findings } = await validateRecording(bytesSource(replaceChunkMessage(bytes, delta)));
    expect(findings.map(({ rule }) => rule)).toContain('REC20');
  });
});

/** Makes a delta no delta, and the chunk's checksum one that is not checked. */
function replaceChunkMessage(bytes: Buffer, delta: Uint8Array): Buffer {
  const at = bytes.indexOf(delta);
  expect(at).toBeGreaterThan(0);
  bytes.writeUInt8(7, at);
  const chunk = bytes.indexOf(Buffer.from('copresence.pose')) - 1;
  for (let from = chunk; from > 0; from--) {
    // A chunk's header: the type, then 8 bytes of length, two times, a length, and the checksum.
    if (bytes[from] !== 6 || Number(bytes.readBigUInt64LE(from + 1)) > bytes.length - from) continue;
    bytes.writeUInt32LE(0, from + 9 + 24);
    break;
  }
  return bytes;
}

describe('a recording of version 1', () => {
  it('[REC2] is read as before', async () => {
    const items = [poseItem(0, 100), poseItem(0, 150)];
    const parts: Uint8Array[] = [];
    let position = 0;
    const writer = new McapWriter({ writable: { write: async (bytes) => { parts.push(bytes.slice()); position += bytes.length; }, position: () => BigInt(position) } });
    await writer.start({ profile: 'copresence', library: 'copresence' });
    await writer.addMetadata({ name: 'copresence.session', metadata: new Map([['version', '1'], ['session', 'hall'], ['source', 'measured'], ['startedWallMs', String(START.wallMs)], ['startedServerMs', String(START.serverMs)]]) });
    await writer.addMetadata({ name: 'copresence.participant', metadata: new Map([['participantId', 'p/0'], ['slot', '0'], ['name', 'Ada'], ['atServerMs', String(START.serverMs)], ['inference', 'true'], ['recording', 'true'], ['training', 'false']]) });
    const schemaId = await writer.registerSchema({ name: 'copresence.pose', encoding: 'text', data: new TextEncoder().encode(PAYLOADS.pose) });
    const channelId = await writer.registerChannel({ schemaId, topic: '/participants/p%2F0/pose', messageEncoding: ITEM_ENCODING, metadata: new Map([['participantId', 'p/0'], ['slot', '0'], ['kind', 'pose']]) });
    for (const item of items) await writer.addMessage({ channelId, sequence: 0, logTime: logTimeOf(item.arrivedMs, START), publishTime: logTimeOf(item.captureServerMs, START), data: encodeItem(item) });
    await writer.end();
    const bytes = Buffer.concat(parts);
    const recording = await openRecordingBytes(bytes);
    expect(recording.info.version).toBe(1);
    expect(await collect(recording.items())).toEqual(items.map((item) => ({ ...item, bytes: new Uint8Array(item.bytes) })));
    expect((await validateRecording(bytesSource(bytes))).findings).toEqual([]);
  });
});
