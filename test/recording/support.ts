/** A recording that keeps every rule: two people who move, show a picture, talk, and are understood. */
import { createPoseSample, encodePoseSample, MAX_POSE_SAMPLE_BYTES, PART_BITS } from '../../protocol/codec/pose-sample.ts';
import { framedPayload } from '../../protocol/codec/container.ts';
import { encodeDown } from '../../protocol/codec/control.ts';
import { encodeVideoChunk } from '../../protocol/codec/video-chunk.ts';
import type { ChunkCompressor } from '../../recording/compression.ts';
import { stillClock } from '../../recording/copy.ts';
import type { RecordedKind, RecordingItem } from '../../recording/format.ts';
import type { RecordingWritable } from '../../recording/mcap-output.ts';
import { createRecordingWriter, type RecordingWriter } from '../../recording/writer.ts';

export const ALLOWED = { inference: true, recording: true, training: false };
export const START = { wallMs: 1_760_000_000_000, serverMs: 5000 };
const OFFSET_MS = 987_654_321;

export function memoryFile(): RecordingWritable & { bytes(): Buffer } {
  const parts: Uint8Array[] = [];
  return {
    async write(bytes) {
      parts.push(bytes);
    },
    async close() {},
    bytes: () => Buffer.concat(parts),
  };
}

export async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

function itemAt(kind: RecordedKind, slot: number, atMs: number, bytes: Uint8Array): RecordingItem {
  const captureServerMs = START.serverMs + atMs;
  return { kind, participantId: `p/${slot}`, slot, bytes, captureDeviceMs: kind === 'result' ? captureServerMs : captureServerMs + OFFSET_MS, captureServerMs, arrivedMs: captureServerMs + 4.5 };
}

const sample = createPoseSample();

export function poseItem(slot: number, atMs: number, spaceEpoch = 0): RecordingItem {
  sample.captureMs = START.serverMs + atMs + OFFSET_MS;
  sample.valid = PART_BITS.head | PART_BITS.leftController | (slot === 1 ? PART_BITS.rightHand : 0);
  sample.tracked = PART_BITS.head;
  sample.spaceEpoch = spaceEpoch;
  for (let at = 0; at < 21; at += 7) sample.rigid.set([Math.sin(atMs / 500), 1.6, slot, 0, 0, 0, 1], at);
  for (let at = 0; at < 350; at += 7) sample.hands.set([0.2 + at / 7000, 1.2, -0.3, 0, Math.SQRT1_2, 0, Math.SQRT1_2], at);
  const bytes = new Uint8Array(MAX_POSE_SAMPLE_BYTES);
  return itemAt('pose', slot, atMs, bytes.slice(0, encodePoseSample(sample, bytes, 0) as number));
}

export function chatItem(slot: number, atMs: number, text: string): RecordingItem {
  return itemAt('chat', slot, atMs, new TextEncoder().encode(text));
}

function videoItem(slot: number, atMs: number): RecordingItem {
  const captureMs = START.serverMs + atMs + OFFSET_MS;
  return itemAt('video', slot, atMs, encodeVideoChunk({ captureMs, codec: 'jpeg', kind: 'key', width: 320, height: 240, bytes: new Uint8Array(900).fill(7) }));
}

function resultItem(slot: number, atMs: number): RecordingItem {
  const value = { task: 'gesture', source: 'tracking', hand: 'right', label: 'fist', score: 0.9 } as const;
  return itemAt('result', slot, atMs, framedPayload(encodeDown({ type: 'result', slot, model: 'gesture-mlp', version: '1', batchId: 1, batchSize: 2, captureMs: START.serverMs + atMs, ageMs: 4.5, value })));
}

/** `durationMs` of it, at 20 poses a second. */
export function goodItems(durationMs = 4000): RecordingItem[] {
  const items: RecordingItem[] = [];
  for (let atMs = 50; atMs <= durationMs; atMs += 50) {
    items.push(poseItem(0, atMs, atMs > durationMs / 2 ? 1 : 0), poseItem(1, atMs + 1));
    if (atMs % 200 === 0) items.push(videoItem(0, atMs + 2), resultItem(1, atMs + 3));
    if (atMs % 1000 === 0) items.push(chatItem(1, atMs + 4, `It is ${atMs}: 你好`));
  }
  return items;
}

export async function writeGood(items: readonly RecordingItem[] = goodItems(), options: { readonly compressor?: ChunkCompressor; readonly also?: (writer: RecordingWriter) => void; readonly chunkBytes?: number } = {}): Promise<Buffer> {
  const writable = memoryFile();
  const writer = createRecordingWriter({ writable, clock: stillClock(START) }, { session: 'hall', source: 'generated', started: START, ...options });
  for (const slot of [0, 1]) writer.addParticipant({ participantId: `p/${slot}`, slot, name: ['Ada', 'Grace'][slot] ?? '', consent: ALLOWED });
  for (const item of items) if (!writer.add(item)) throw new Error('not taken');
  options.also?.(writer);
  await writer.close();
  return writable.bytes();
}
