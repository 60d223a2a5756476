/**
 * A pose sample: where one participant's head, controllers and hands were at one moment.
 *
 * Layout: u32 capture time in 1/16 ms; u8 valid parts; u8 tracked parts and space epoch; then each valid part in the
 * order of PART_BITS: 10 bytes for the head and each controller, HAND_BYTES for each hand.
 */
import type { ErrorCode } from '../../core/errors.ts';
import { decodeHand, encodeHand, HAND_BYTES, HAND_FLOATS } from './hand.ts';
import { decodePose, encodePose, isFinitePose, poseIsFinite } from './pose.ts';
import { fromTicks, MAX_POSITION_M, POSE_BYTES, POSE_FLOATS, readUint32, toTicks, writeUint32 } from './quantise.ts';

/** Parts of a body that a headset tracks; a hand replaces the controller on its side or goes beside it. */
export const PART_BITS = { head: 1, leftController: 2, rightController: 4, leftHand: 8, rightHand: 16 } as const;
export type Part = keyof typeof PART_BITS;
const ALL_PARTS = 31;

const HEADER_BYTES = 6;
export const MAX_POSE_SAMPLE_BYTES = HEADER_BYTES + 3 * POSE_BYTES + 2 * HAND_BYTES;
/** Floats of the head and the two controllers. */
const RIGID_FLOATS = 3 * POSE_FLOATS;

/** One moment of one headset. The arrays are reused by whoever owns the sample; copy what outlives the next decode. */
export interface PoseSample {
  /** Device clock when a client sends it, server clock in a snapshot. */
  captureMs: number;
  /** Bits of PART_BITS whose pose is given. */
  valid: number;
  /** Those of the valid parts that sensors saw, as against estimated. */
  tracked: number;
  /** Goes up by one, modulo 8, whenever the reference space was reset: positions before and after do not compare. */
  spaceEpoch: number;
  /** Head, left and right controller (grip space): 3 x 7 floats, metres and unit quaternions xyzw, session space. */
  readonly rigid: Float32Array;
  /** Left and right hand: 2 x 25 x 7 floats, in the order of HAND_JOINTS, session space. */
  readonly hands: Float32Array;
}

export function createPoseSample(): PoseSample {
  return { captureMs: 0, valid: 0, tracked: 0, spaceEpoch: 0, rigid: new Float32Array(RIGID_FLOATS), hands: new Float32Array(2 * HAND_FLOATS) };
}

/** The number of bytes of a sample with these valid parts. */
export function poseSampleBytes(valid: number): number {
  const rigid = (valid & 1) + ((valid >> 1) & 1) + ((valid >> 2) & 1);
  const hands = ((valid >> 3) & 1) + ((valid >> 4) & 1);
  return HEADER_BYTES + rigid * POSE_BYTES + hands * HAND_BYTES;
}

/**
 * Encodes a sample.
 *
 * @param bytes - overwritten from `offset`; MAX_POSE_SAMPLE_BYTES always suffice.
 * @returns the number of bytes, or why the sample cannot be sent. No allocation.
 */
export function encodePoseSample(sample: PoseSample, bytes: Uint8Array, offset: number): number | ErrorCode {
  if (!Number.isFinite(sample.captureMs)) return 'POSE_NOT_FINITE';
  writeUint32(bytes, offset, toTicks(sample.captureMs));
  bytes[offset + 4] = sample.valid & ALL_PARTS;
  bytes[offset + 5] = (sample.tracked & sample.valid & ALL_PARTS) | ((sample.spaceEpoch & 7) << 5);
  let out = offset + HEADER_BYTES;
  for (let part = 0; part < 3; part++) {
    if ((sample.valid & (1 << part)) === 0) continue;
    const problem = checkRigid(sample.rigid, part * POSE_FLOATS);
    if (problem !== undefined) return problem;
    encodePose(sample.rigid, part * POSE_FLOATS, bytes, out);
    out += POSE_BYTES;
  }
  for (let hand = 0; hand < 2; hand++) {
    if ((sample.valid & (8 << hand)) === 0) continue;
    if (!encodeHand(sample.hands, hand * HAND_FLOATS, bytes, out)) return handProblem(sample.hands, hand * HAND_FLOATS);
    out += HAND_BYTES;
  }
  return out - offset;
}

/**
 * Decodes a sample that `checkPoseSample` accepted.
 *
 * @param nearMs - a time on the sample's clock within 37 hours of its capture.
 * @param into - overwritten; parts that are not valid keep what they held.
 * @returns the number of bytes read, or what is wrong with them.
 */
export function decodePoseSample(bytes: Uint8Array, offset: number, nearMs: number, into: PoseSample): number | ErrorCode {
  const size = checkPoseSample(bytes, offset);
  if (typeof size === 'string') return size;
  const valid = bytes[offset + 4]!;
  into.captureMs = fromTicks(readUint32(bytes, offset), nearMs);
  into.valid = valid;
  into.tracked = bytes[offset + 5]! & ALL_PARTS;
  into.spaceEpoch = bytes[offset + 5]! >> 5;
  let from = offset + HEADER_BYTES;
  for (let part = 0; part < 3; part++) {
    if ((valid & (1 << part)) === 0) continue;
    decodePose(bytes, from, into.rigid, part * POSE_FLOATS);
    from += POSE_BYTES;
  }
  for (let hand = 0; hand < 2; hand++) {
    if ((valid & (8 << hand)) === 0) continue;
    decodeHand(bytes, from, into.hands, hand * HAND_FLOATS);
    from += HAND_BYTES;
  }
  return size;
}

/** Checks an encoded sample without decoding it: its size in bytes, or what is wrong. */
export function checkPoseSample(bytes: Uint8Array, offset: number): number | ErrorCode {
  if (bytes.length - offset < HEADER_BYTES) return 'MESSAGE_INVALID';
  const valid = bytes[offset + 4]!;
  const tracked = bytes[offset + 5]! & ALL_PARTS;
  const size = poseSampleBytes(valid);
  if ((valid & ~ALL_PARTS) !== 0 || (tracked & ~valid) !== 0 || bytes.length - offset < size) return 'MESSAGE_INVALID';
  let at = offset + HEADER_BYTES;
  for (let part = 0; part < 5; part++) {
    if ((valid & (1 << part)) === 0) continue;
    if (!poseIsFinite(bytes, at)) return 'POSE_NOT_FINITE';
    at += part < 3 ? POSE_BYTES : HAND_BYTES;
  }
  return size;
}

/** The capture time of an encoded sample. */
export function readCaptureMs(bytes: Uint8Array, offset: number, nearMs: number): number {
  return fromTicks(readUint32(bytes, offset), nearMs);
}

/** Replaces the capture time of an encoded sample, as the gateway does to move it onto its own clock. */
export function writeCaptureMs(bytes: Uint8Array, offset: number, captureMs: number): void {
  writeUint32(bytes, offset, toTicks(captureMs));
}

/** Where an encoded sample holds a hand, as an offset from its start; undefined when it does not. */
export function handOffset(valid: number, hand: 'left' | 'right'): number | undefined {
  const bit = hand === 'left' ? PART_BITS.leftHand : PART_BITS.rightHand;
  return (valid & bit) === 0 ? undefined : poseSampleBytes(valid & (bit - 1));
}

function checkRigid(poses: Float32Array, from: number): ErrorCode | undefined {
  if (!isFinitePose(poses, from)) return 'POSE_NOT_FINITE';
  const x = poses[from]!, y = poses[from + 1]!, z = poses[from + 2]!;
  const inRange = x <= MAX_POSITION_M && x >= -MAX_POSITION_M && y <= MAX_POSITION_M && y >= -MAX_POSITION_M && z <= MAX_POSITION_M && z >= -MAX_POSITION_M;
  return inRange ? undefined : 'POSE_OUT_OF_RANGE';
}

function handProblem(joints: Float32Array, from: number): ErrorCode {
  return checkRigid(joints, from) ?? 'POSE_NOT_FINITE';
}
