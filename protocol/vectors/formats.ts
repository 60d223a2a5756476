/** Each wire format as plain JSON values and back, so that the golden vectors read the same in every language. */
import { CopresenceError, type ErrorCode } from '../../core/errors.ts';
import { type Acknowledgement, decodeAcknowledgement, encodeAcknowledgement } from '../codec/acknowledgement.ts';
import { frameMessage, type MessageKind, readContainer } from '../codec/container.ts';
import { decodeDown, type Decoded, decodeUp, encodeDown, encodeUp } from '../codec/control.ts';
import { decodeHand, encodeHand, HAND_BYTES, HAND_FLOATS } from '../codec/hand.ts';
import { createPoseSample, decodePoseSample, encodePoseSample, MAX_POSE_SAMPLE_BYTES, type Part, PART_BITS, type PoseSample } from '../codec/pose-sample.ts';
import { decodePose, encodePose } from '../codec/pose.ts';
import { packQuaternion, POSE_BYTES, POSE_FLOATS, readUint32, unpackQuaternion, writeUint32 } from '../codec/quantise.ts';
import { decodeSnapshot, encodeSnapshot } from '../codec/snapshot.ts';
import { decodeVideoChunk, encodeVideoChunk, type VideoCodec } from '../codec/video-chunk.ts';
import { HAND_JOINT_COUNT } from '../joints.ts';
import type { DownMessage } from '../down.ts';
import type { UpMessage } from '../up.ts';
import { deltaStreamFormat } from './delta-format.ts';
import type { Format } from './format.ts';

export type { Format } from './format.ts';

/** A hand is 25 rows of 7, everything else one row of 7: metres, then a quaternion xyzw. */
export type PartValue = readonly number[] | readonly (readonly number[])[];

export interface PoseSampleValue {
  captureMs: number;
  tracked: number;
  spaceEpoch: number;
  /** The valid parts, in wire order. */
  parts: Partial<Record<Part, PartValue>>;
}

export interface SnapshotValue {
  tick: number;
  serverMs: number;
  key: boolean;
  entries: { slot: number; sample: PoseSampleValue }[];
}

export interface VideoChunkValue {
  captureMs: number;
  codec: VideoCodec;
  kind: 'key' | 'delta';
  discardable?: boolean;
  width: number;
  height: number;
  bytesHex: string;
}

export interface FramedValue {
  kind: number;
  payloadHex: string;
}

const PARTS = Object.keys(PART_BITS) as Part[];

export const quaternionFormat: Format<readonly number[]> = {
  encode([x = 0, y = 0, z = 0, w = 0]) {
    const bytes = new Uint8Array(4);
    writeUint32(bytes, 0, packQuaternion(x, y, z, w));
    return bytes;
  },
  decode(bytes) {
    const floats = new Float32Array(4);
    unpackQuaternion(readUint32(bytes, 0), floats, 0);
    return [...floats];
  },
};

export const poseFormat: Format<readonly number[]> = {
  encode(value) {
    const bytes = new Uint8Array(POSE_BYTES);
    encodePose(Float32Array.from(value), 0, bytes, 0);
    return bytes;
  },
  decode(bytes) {
    const floats = new Float32Array(POSE_FLOATS);
    return decodePose(bytes, 0, floats, 0) ? [...floats] : 'POSE_NOT_FINITE';
  },
};

export const handFormat: Format<readonly (readonly number[])[]> = {
  encode(value) {
    const bytes = new Uint8Array(HAND_BYTES);
    if (!encodeHand(Float32Array.from(value.flat()), 0, bytes, 0)) throw new CopresenceError('POSE_NOT_FINITE', 'a hand that cannot be encoded');
    return bytes;
  },
  decode(bytes) {
    const floats = new Float32Array(HAND_FLOATS);
    return decodeHand(bytes, 0, floats) ? rows(floats, 0, HAND_JOINT_COUNT) : 'POSE_NOT_FINITE';
  },
};

export const poseSampleFormat: Format<PoseSampleValue> = {
  encode(value) {
    const bytes = new Uint8Array(MAX_POSE_SAMPLE_BYTES);
    const size = encodePoseSample(toSample(value), bytes, 0);
    if (typeof size === 'string') throw new CopresenceError(size, 'a sample that cannot be encoded');
    return bytes.slice(0, size);
  },
  decode(bytes, nearMs) {
    const sample = createPoseSample();
    const size = decodePoseSample(bytes, 0, nearMs, sample);
    if (typeof size === 'string') return size;
    return size === bytes.length ? fromSample(sample) : 'MESSAGE_INVALID';
  },
};

export const snapshotFormat: Format<SnapshotValue> = {
  encode(value) {
    return encodeSnapshot(value, value.entries.map(({ slot, sample }) => ({ slot, sample: poseSampleFormat.encode(sample) })));
  },
  decode(bytes, nearMs) {
    const entries: SnapshotValue['entries'] = [];
    const header = decodeSnapshot(bytes, nearMs, createPoseSample(), (slot, sample) => entries.push({ slot, sample: fromSample(sample) }));
    if (typeof header === 'string') return header;
    return { tick: header.tick, serverMs: header.serverMs, key: header.key, entries };
  },
};

export const videoChunkFormat: Format<VideoChunkValue> = {
  encode({ bytesHex, ...value }) {
    return encodeVideoChunk({ ...value, bytes: fromHex(bytesHex) });
  },
  decode(bytes, nearMs) {
    const chunk = decodeVideoChunk(bytes, nearMs);
    if (typeof chunk === 'string') return chunk;
    const { bytes: picture, ...value } = chunk;
    return { ...value, bytesHex: toHex(picture) };
  },
};

export const containerFormat: Format<readonly FramedValue[]> = {
  encode(value) {
    return concatenate(value.map(({ kind, payloadHex }) => frameMessage(kind as MessageKind, fromHex(payloadHex))));
  },
  decode(bytes) {
    const messages: FramedValue[] = [];
    return readContainer(bytes, (kind, payload) => messages.push({ kind, payloadHex: toHex(payload) })) ?? messages;
  },
};

/** Bodies without their frame. */
export const upFormat: Format<UpMessage> = {
  encode: (message) => bodyOf(encodeUp(message)),
  decode: (bytes) => messageOf(decodeUp(bytes)),
};
export const downFormat: Format<DownMessage> = {
  encode: (message) => bodyOf(encodeDown(message)),
  decode: (bytes) => messageOf(decodeDown(bytes)),
};

/** Every format by the name that the vector files use. */
export const acknowledgementFormat: Format<Acknowledgement> = { encode: encodeAcknowledgement, decode: decodeAcknowledgement };

export const FORMATS = {
  quaternion: quaternionFormat,
  pose: poseFormat,
  hand: handFormat,
  'pose-sample': poseSampleFormat,
  snapshot: snapshotFormat,
  'delta-stream': deltaStreamFormat,
  'video-chunk': videoChunkFormat,
  acknowledgement: acknowledgementFormat,
  container: containerFormat,
  up: upFormat,
  down: downFormat,
} as const;
export type FormatName = keyof typeof FORMATS;

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}

export function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, 'hex'));
}

function toSample(value: PoseSampleValue): PoseSample {
  const sample = createPoseSample();
  const { captureMs, tracked, spaceEpoch } = value;
  let valid = 0;
  PARTS.forEach((part, index) => {
    const floats = value.parts[part];
    if (floats === undefined) return;
    valid |= PART_BITS[part];
    if (index < 3) sample.rigid.set(floats.flat(), index * POSE_FLOATS);
    else sample.hands.set(floats.flat(), (index - 3) * HAND_FLOATS);
  });
  return Object.assign(sample, { captureMs, valid, tracked, spaceEpoch });
}

function fromSample({ captureMs, valid, tracked, spaceEpoch, rigid, hands }: PoseSample): PoseSampleValue {
  const parts: PoseSampleValue['parts'] = {};
  PARTS.forEach((part, index) => {
    if ((valid & PART_BITS[part]) === 0) return;
    parts[part] = index < 3 ? rows(rigid, index * POSE_FLOATS, 1).flat() : rows(hands, (index - 3) * HAND_FLOATS, HAND_JOINT_COUNT);
  });
  return { captureMs, tracked, spaceEpoch, parts };
}

function rows(floats: Float32Array, from: number, count: number): number[][] {
  return Array.from({ length: count }, (_, row) => [...floats.subarray(from + row * POSE_FLOATS, from + (row + 1) * POSE_FLOATS)]);
}

function bodyOf(framed: Uint8Array): Uint8Array {
  const bodies: Uint8Array[] = [];
  readContainer(framed, (_, payload) => bodies.push(payload));
  return bodies[0] ?? new Uint8Array();
}

function messageOf<Message>(decoded: Decoded<Message>): Message | ErrorCode {
  return decoded.kind === 'message' ? decoded.message : decoded.code;
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}
