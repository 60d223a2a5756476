/** One target for each decoder of the wire, and the promises that it is held to. */
import { readFileSync } from 'node:fs';
import { assert } from '../../core/assert.ts';
import { frameMessage, framedPayload, readContainer, type MessageKind } from '../../protocol/codec/container.ts';
import { decodeDown, decodeUp, encodeDown, encodeUp } from '../../protocol/codec/control.ts';
import { writeAvatarState } from '../../protocol/codec/delta/avatar-state.ts';
import { DeltaSnapshotReader } from '../../protocol/codec/delta/delta-snapshot.ts';
import { decodeHand, HAND_BYTES, HAND_FLOATS } from '../../protocol/codec/hand.ts';
import { isAcceptableMessagePack } from '../../protocol/codec/message-pack-guard.ts';
import { createPointing, readPointing } from '../../protocol/codec/pointing.ts';
import { checkPoseSample, createPoseSample, decodePoseSample, encodePoseSample, MAX_POSE_SAMPLE_BYTES, PART_BITS, poseSampleBytes, type PoseSample } from '../../protocol/codec/pose-sample.ts';
import { HAND_JOINTS } from '../../protocol/joints.ts';
import { decodeSnapshot, encodeSnapshot, SNAPSHOT_ENTRY_BYTES, SNAPSHOT_HEADER_BYTES, type SnapshotEntry } from '../../protocol/codec/snapshot.ts';
import { decodeVideoChunk, encodeVideoChunk } from '../../protocol/codec/video-chunk.ts';
import type { InterCodec } from '../../protocol/video/picture.ts';
import { readPictureHeader } from '../../protocol/video/picture-header.ts';
import { readJpegHeader } from '../../server/model/jpeg-header.ts';
import { VideoReceiver } from '../../server/transport/rtc/video/video-receiver.ts';
import { LIMITS } from '../../protocol/limits.ts';
import type { FuzzTarget } from './fuzz.ts';

const NEAR_MS = 1_000_000;
const INDEX_TIP = HAND_JOINTS.indexOf('index-finger-tip');
/** A start of image, an APP0 segment and a baseline frame header of 640 x 480. */
const JPEG_HEADER = Uint8Array.from(Buffer.from('ffd8ffe000104a46494600010100000100010000ffc000110801e002800301220002110103110100', 'hex'));

/** A baseline parameter set of 320 x 240, a picture parameter set and the start of an IDR slice. */
const H264_KEY = hex('000000016742c014da0507e8400000030040000007a3c50aa80000000168ce3c80000000016588840a');
/** Packets of a key picture: a VP8 one with a picture number, and an H.264 one of three units together. */
const VP8_PACKET = hex('80e000010000000100001b5890808123' + '1002009d012a4001f00000');
const H264_PACKET = hex('80e000010000000100001b58' + '18' + '00156742c014da0507e8400000030040000007a3c50aa8' + '000468ce3c80' + '00046588840a');
const SENDER_REPORT = hex('80c8000600001b58e8000000800000000000000100000001' + '00000001');

export const TARGETS: readonly FuzzTarget[] = [
  { name: 'container', corpus: vectors('container'), check: checkContainer },
  { name: 'up', corpus: vectors('up'), check: checkUp },
  { name: 'down', corpus: vectors('down'), check: checkDown },
  { name: 'message-pack-guard', corpus: [...vectors('up'), ...vectors('down')], check: checkGuard },
  { name: 'pose-sample', corpus: vectors('pose-sample'), check: checkPose },
  { name: 'snapshot', corpus: vectors('snapshot'), check: checkSnapshot },
  { name: 'delta-stream', corpus: vectors('delta-stream'), check: checkDeltaStream },
  { name: 'video-chunk', corpus: vectors('video-chunk'), check: checkVideo },
  { name: 'hand', corpus: vectors('hand'), check: checkHand },
  { name: 'vp8-header', corpus: [hex('1002009d012a4001f00000'), hex('310100')], check: (bytes) => checkPicture('vp8', bytes) },
  { name: 'h264-header', corpus: [H264_KEY, hex('00000001419a')], check: (bytes) => checkPicture('h264', bytes) },
  { name: 'rtp-vp8', corpus: [VP8_PACKET, SENDER_REPORT], check: (bytes) => checkTrack('vp8', bytes) },
  { name: 'rtp-h264', corpus: [H264_PACKET, SENDER_REPORT], check: (bytes) => checkTrack('h264', bytes) },
  { name: 'jpeg-header', corpus: [JPEG_HEADER], check: checkJpeg },
];

function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'hex'));
}

/** The golden bytes of one format. */
function vectors(format: string): Uint8Array[] {
  const file = JSON.parse(readFileSync(new URL(`../../protocol/vectors/${format}.json`, import.meta.url), 'utf8')) as { vectors: { hex: string }[] };
  return file.vectors.map(({ hex }) => Uint8Array.from(Buffer.from(hex, 'hex')));
}

function assertSameBytes(left: Uint8Array, right: Uint8Array): void {
  assert(Buffer.compare(left, right) === 0, `encodes again to ${Buffer.from(left).toString('hex')}`);
}

function checkContainer(bytes: Uint8Array): void {
  const messages: { kind: number; payload: Uint8Array }[] = [];
  if (readContainer(bytes, (kind, payload) => messages.push({ kind, payload })) !== undefined) return assert(messages.length === 0, 'a refused packet had an effect');
  assert(readContainer(bytes.subarray(0, -1), () => undefined) !== undefined, 'accepts a packet and its head alike');
  const again = Buffer.concat(messages.map(({ kind, payload }) => frameMessage(kind as MessageKind, payload)));
  let at = 0;
  const problem = readContainer(again, (kind, payload) => {
    assert(kind === messages[at]?.kind, 'another kind');
    assertSameBytes(payload, messages[at++]?.payload ?? new Uint8Array());
  });
  assert(problem === undefined && at === messages.length, 'does not encode again');
}

function checkUp(bytes: Uint8Array): void {
  const decoded = decodeUp(bytes);
  if (decoded.kind === 'message') assertSameMeaning(decoded, decodeUp(framedPayload(encodeUp(decoded.message))));
}

function checkDown(bytes: Uint8Array): void {
  const decoded = decodeDown(bytes);
  if (decoded.kind === 'message') assertSameMeaning(decoded, decodeDown(framedPayload(encodeDown(decoded.message))));
}

/** As JSON, since -0 comes back as 0. */
function assertSameMeaning(left: unknown, right: unknown): void {
  assert(JSON.stringify(left) === JSON.stringify(right), 'encodes again to another meaning');
}

function checkGuard(bytes: Uint8Array): void {
  const accepted = isAcceptableMessagePack(bytes);
  if (accepted) assert(!isAcceptableMessagePack(bytes.subarray(0, -1)), 'accepts a value and its head alike');
}

function checkPose(bytes: Uint8Array): void {
  const size = checkPoseSample(bytes, 0);
  const sample = createPoseSample();
  assert(decodePoseSample(bytes, 0, NEAR_MS, sample) === size, 'check and decoder disagree');
  if (typeof size === 'string') return;
  assert(size <= bytes.length && size <= MAX_POSE_SAMPLE_BYTES, 'reads beyond its input');
  const again = new Uint8Array(MAX_POSE_SAMPLE_BYTES);
  assert(encodePoseSample(sample, again, 0) === size, 'does not encode again to its size');
  for (const side of ['left', 'right'] as const) checkPointing(bytes, side, sample);
}

/** What is read alone is what the whole sample has. */
function checkPointing(bytes: Uint8Array, side: 'left' | 'right', { valid, rigid, hands }: PoseSample): void {
  const index = side === 'left' ? 0 : 1;
  const pointing = createPointing();
  const kind = readPointing(bytes, side, pointing);
  const hasHead = (valid & PART_BITS.head) !== 0;
  const expected = !hasHead ? undefined : valid & (PART_BITS.leftHand << index) ? 'hand' : valid & (PART_BITS.leftController << index) ? 'controller' : undefined;
  assert(kind === expected, 'points with something else');
  if (kind === undefined) return;
  const [from, at] = kind === 'hand' ? [hands, index * HAND_FLOATS + INDEX_TIP * 7] : [rigid, (1 + index) * 7];
  for (let axis = 0; axis < 3; axis++) {
    assert(pointing.head[axis] === rigid[axis], 'another head');
    assert(Math.abs(pointing.point[axis]! - from[at + axis]!) < 1e-5, 'another point');
  }
  assert(Math.abs(Math.hypot(...pointing.head.subarray(3)) - 1) < 1e-3, 'an up axis that is no unit vector');
}

function checkSnapshot(bytes: Uint8Array): void {
  const entries: SnapshotEntry[] = [];
  let at = SNAPSHOT_HEADER_BYTES;
  const header = decodeSnapshot(bytes, NEAR_MS, createPoseSample(), (slot, _sample, size) => {
    entries.push({ slot, sample: bytes.subarray(at + SNAPSHOT_ENTRY_BYTES, at + SNAPSHOT_ENTRY_BYTES + size) });
    at += SNAPSHOT_ENTRY_BYTES + size;
  });
  if (typeof header === 'string') return assert(entries.length === 0, 'a refused snapshot had an effect');
  assertSameBytes(encodeSnapshot(header, entries), bytes);
}

/** Whole packets, so that what is damaged in one snapshot meets what those before it left. */
function checkDeltaStream(bytes: Uint8Array): void {
  const reader = new DeltaSnapshotReader({ baselines: 4 });
  readContainer(bytes, (_kind, payload) => {
    const told: string[] = [];
    const before = new Map([...Array(8).keys()].map((slot) => [slot, reader.newest(slot)?.captureTicks]));
    const snapshot = reader.read(payload, NEAR_MS, (slot, { state, bytes: size }) => {
      const sample = new Uint8Array(MAX_POSE_SAMPLE_BYTES);
      assert(checkPoseSample(sample.subarray(0, writeAvatarState(state, sample, 0)), 0) === poseSampleBytes(state.valid), 'gives a sample that is none');
      assert(size > 0 && size <= payload.length, 'reads beyond its input');
      told.push(String(slot));
    });
    if (typeof snapshot !== 'string') return assert(told.length + snapshot.missing.length === snapshot.count, 'tells another number than it counts');
    assert(told.length === 0, 'a refused snapshot had an effect');
    for (const [slot, ticks] of before) assert(reader.newest(slot)?.captureTicks === ticks, 'a refused snapshot changed a sample');
  });
}

function checkVideo(bytes: Uint8Array): void {
  const chunk = decodeVideoChunk(bytes, NEAR_MS);
  if (typeof chunk !== 'string') assertSameBytes(encodeVideoChunk(chunk), bytes);
}

/** The decoder takes HAND_BYTES; its caller has checked the length. */
function checkHand(bytes: Uint8Array): void {
  if (bytes.length < HAND_BYTES) return;
  const joints = new Float32Array(HAND_FLOATS + 2).fill(7);
  const finite = decodeHand(bytes, 0, joints, 1);
  assert(joints[0] === 7 && joints[HAND_FLOATS + 1] === 7, 'writes beyond its target');
  assert(!finite || joints.every(Number.isFinite), 'a finite wrist gives a joint that is not finite');
}

function checkJpeg(bytes: Uint8Array): void {
  const header = readJpegHeader(bytes);
  if (header.kind === 'baseline') assert(header.width > 0 && header.height > 0, 'an empty picture passes');
}

function checkPicture(codec: InterCodec, bytes: Uint8Array): void {
  const header = readPictureHeader(codec, bytes);
  assert(header?.key !== true || (header.size !== undefined && header.size.width > 0 && header.size.height > 0), 'a key picture without a size');
  assert(header?.key !== true || !header.discardable, 'a key picture that is not needed');
}

/** The same datagram over and over with rising numbers, as a hostile sender would, and all that a track does with time. */
function checkTrack(codec: InterCodec, bytes: Uint8Array): void {
  const receiver = new VideoReceiver({ codec, payloadType: 96, retransmissionType: 97 });
  for (let step = 0; step < 6; step++) {
    const datagram = Uint8Array.from(bytes);
    if (datagram.length > 3) datagram[3] = (datagram[3]! + step) & 255;
    for (const { chunk, ageMs } of [...receiver.receive(datagram, 100 * step), ...receiver.poll(100 * step).pictures]) {
      assert(chunk.bytes.length > 0 && chunk.bytes.length <= LIMITS.videoBytes && chunk.width <= LIMITS.videoWidth && chunk.height <= LIMITS.videoHeight, 'a picture outside the limits');
      assert(ageMs >= 0 && ageMs <= Math.max(LIMITS.pastMs, 600), 'an age that cannot be');
    }
  }
}
