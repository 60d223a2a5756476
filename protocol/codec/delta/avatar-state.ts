/**
 * The whole numbers of one pose sample: what deltas are taken of.
 *
 * They are those of the sample's bytes, so nothing is lost between bytes, state and bytes again.
 */
import type { ErrorCode } from '../../../core/errors.ts';
import { HAND_JOINT_COUNT } from '../../joints.ts';
import { JOINT_BYTES } from '../hand.ts';
import { checkPoseSample, decodePoseSample, MAX_POSE_SAMPLE_BYTES, type PoseSample, poseSampleBytes } from '../pose-sample.ts';
import { POSE_BYTES, readInt16, readInt32, readUint32, writeInt16, writeUint32 } from '../quantise.ts';

/** Numbers of a pose or joint: x, y, z, which component of the orientation is the largest, and the other three. */
export const POSE_INTS = 7;
export const HAND_INTS = HAND_JOINT_COUNT * POSE_INTS;
/** Where a part's numbers start, by the part's bit number: head, left and right controller, left and right hand. */
export const PART_AT: readonly number[] = [0, POSE_INTS, 2 * POSE_INTS, 3 * POSE_INTS, 3 * POSE_INTS + HAND_INTS];
const STATE_INTS = 3 * POSE_INTS + 2 * HAND_INTS;
export const PART_COUNT = 5;
export const FIRST_HAND = 3;

/** One sample as whole numbers. Owned by whoever made it; parts that are not valid hold anything. */
export interface AvatarState {
  /** u32, 1/16 ms on the server's clock, modulo 2^32. */
  captureTicks: number;
  /** 0..31, bits of PART_BITS. */
  valid: number;
  /** As in the sample's byte: tracked parts in the lower five bits, the space epoch in the upper three. */
  trackedAndEpoch: number;
  /**
   * Rows of POSE_INTS: three rigid poses, then 25 joints of each hand. Poses and wrists: millimetres -32767..32767; other joints:
   * the byte of each axis, 0..255. Then 0..3 for the largest component, and three of 0..1023.
   */
  readonly ints: Int16Array;
}

export function createAvatarState(): AvatarState {
  return { captureTicks: 0, valid: 0, trackedAndEpoch: 0, ints: new Int16Array(STATE_INTS) };
}

/** Copies the valid parts and everything else. */
export function copyAvatarState(from: AvatarState, to: AvatarState): void {
  to.captureTicks = from.captureTicks;
  to.valid = from.valid;
  to.trackedAndEpoch = from.trackedAndEpoch;
  to.ints.set(from.ints);
}

/**
 * Reads an encoded pose sample.
 *
 * @param state - overwritten; undefined parts keep what they held.
 * @returns the number of bytes read, or what is wrong with them, with `state` as it was. No allocation.
 */
export function readAvatarState(bytes: Uint8Array, offset: number, state: AvatarState): number | ErrorCode {
  const size = checkPoseSample(bytes, offset);
  if (typeof size === 'string') return size;
  state.captureTicks = readUint32(bytes, offset);
  state.valid = bytes[offset + 4]!;
  state.trackedAndEpoch = bytes[offset + 5]!;
  let from = offset + poseSampleBytes(0);
  for (let part = 0; part < PART_COUNT; part++) {
    if ((state.valid & (1 << part)) === 0) continue;
    const at = PART_AT[part]!;
    readPose(bytes, from, state.ints, at);
    from += POSE_BYTES;
    if (part < FIRST_HAND) continue;
    for (let joint = at + POSE_INTS; joint < at + HAND_INTS; joint += POSE_INTS, from += JOINT_BYTES) readJoint(bytes, from, state.ints, joint);
  }
  return size;
}

/** Writes the pose sample that the state was read from. @returns its size; MAX_POSE_SAMPLE_BYTES always suffice. */
export function writeAvatarState(state: AvatarState, bytes: Uint8Array, offset: number): number {
  writeUint32(bytes, offset, state.captureTicks);
  bytes[offset + 4] = state.valid;
  bytes[offset + 5] = state.trackedAndEpoch;
  let to = offset + poseSampleBytes(0);
  for (let part = 0; part < PART_COUNT; part++) {
    if ((state.valid & (1 << part)) === 0) continue;
    const at = PART_AT[part]!;
    for (let axis = 0; axis < 3; axis++) writeInt16(bytes, to + 2 * axis, state.ints[at + axis]!);
    writeUint32(bytes, to + 6, packOrientation(state.ints, at + 3));
    to += POSE_BYTES;
    if (part < FIRST_HAND) continue;
    for (let joint = at + POSE_INTS; joint < at + HAND_INTS; joint += POSE_INTS, to += JOINT_BYTES) {
      for (let axis = 0; axis < 3; axis++) bytes[to + axis] = state.ints[joint + axis]!;
      writeUint32(bytes, to + 3, packOrientation(state.ints, joint + 3));
    }
  }
  return to - offset;
}

const scratch = new Uint8Array(MAX_POSE_SAMPLE_BYTES);

/**
 * Decodes a state into metres and quaternions, as its bytes would be.
 *
 * @param nearMs - a time on the server's clock within 37 hours of its capture.
 * @param into - overwritten; parts that are not valid keep what they held.
 */
export function toPoseSample(state: AvatarState, nearMs: number, into: PoseSample): void {
  writeAvatarState(state, scratch, 0);
  decodePoseSample(scratch, 0, nearMs, into);
}

function readPose(bytes: Uint8Array, from: number, ints: Int16Array, at: number): void {
  ints[at] = readInt16(bytes, from);
  ints[at + 1] = readInt16(bytes, from + 2);
  ints[at + 2] = readInt16(bytes, from + 4);
  readOrientation(readInt32(bytes, from + 6), ints, at + 3);
}

function readJoint(bytes: Uint8Array, from: number, ints: Int16Array, at: number): void {
  ints[at] = bytes[from]!;
  ints[at + 1] = bytes[from + 1]!;
  ints[at + 2] = bytes[from + 2]!;
  readOrientation(readInt32(bytes, from + 3), ints, at + 3);
}

function readOrientation(packed: number, ints: Int16Array, at: number): void {
  ints[at] = packed >>> 30;
  ints[at + 1] = (packed >>> 20) & 1023;
  ints[at + 2] = (packed >>> 10) & 1023;
  ints[at + 3] = packed & 1023;
}

function packOrientation(ints: Int16Array, at: number): number {
  return (ints[at]! << 30) | (ints[at + 1]! << 20) | (ints[at + 2]! << 10) | ints[at + 3]!;
}
