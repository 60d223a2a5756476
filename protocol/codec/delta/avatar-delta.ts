/**
 * One participant's sample as a blob: all of it, or what differs from what a decoder expects after an earlier one.
 *
 * Nothing is lost: the expectation only makes the numbers small. Both sides expect the same, since all of it is done in whole numbers.
 */
import type { ErrorCode } from '../../../core/errors.ts';
import { HAND_JOINT_COUNT } from '../../joints.ts';
import { type AvatarState, FIRST_HAND, PART_AT, PART_COUNT, POSE_INTS } from './avatar-state.ts';
import { BitReader, BitWriter } from './bits.ts';
import { expected, expectJointPosition, expectOrientation, expectPosition, expectTurned, holdOrientation, holdPosition, PARENT_OF, setTurn, timeRatio } from './predict.ts';

const MAX_ORDER = 10;
const ORDER_BITS = 4;
/** Subtracted from twice the bits of an expected movement and those of its time, in 32 ticks, before halving: the order of the code. */
const POSITION_EASE = 11;
const ORIENTATION_EASE = 9;
/** Eight times the folded numbers of a joint that a hand starts with, and how many of them an order more is worth. */
const SCALE_START = 36;
const SCALE_STEP = 36;
const SCALE_SHIFT = 3;
const MAX_JOINT_ORDER = 8;
const MAX_MM = 32767;

const writer = new BitWriter();
const reader = new BitReader();

/** Bytes that no blob exceeds: every number escaped. */
export const MAX_BLOB_BYTES = 1400;

/**
 * Encodes the whole of a state, and the movement that led to it.
 *
 * @param older - the state before, for whoever continues the movement; its rigid parts and wrists are kept, where the space is the same.
 * @param bytes - overwritten from `at`; MAX_BLOB_BYTES always suffice.
 * @returns where the blob ends. No allocation.
 */
export function encodeAvatarKey(state: AvatarState, older: AvatarState | undefined, bytes: Uint8Array, at: number): number {
  writer.open(bytes, at);
  writer.put(state.valid, 5);
  writer.put(state.trackedAndEpoch, 8);
  writer.put(state.captureTicks >>> 16, 16);
  writer.put(state.captureTicks & 0xffff, 16);
  for (let part = 0; part < PART_COUNT; part++) if ((state.valid & (1 << part)) !== 0) putPartWhole(state.ints, part);
  const common = older === undefined ? 0 : commonParts(state, older);
  writer.put(common === 0 ? 0 : 1, 1);
  if (older !== undefined && common !== 0) {
    writer.put(common, 5);
    writer.putTime((state.captureTicks - older.captureTicks) | 0);
    for (let part = 0; part < PART_COUNT; part++) if ((common & (1 << part)) !== 0) putPose(older.ints, state.ints, undefined, PART_AT[part]!, 0, 0);
  }
  return writer.close();
}

/**
 * Decodes what `encodeAvatarKey` made.
 *
 * @param state - overwritten, and undefined after a refusal.
 * @param older - likewise: its rigid parts and wrists, with no valid part where the blob has no movement.
 */
export function decodeAvatarKey(bytes: Uint8Array, at: number, end: number, state: AvatarState, older: AvatarState): ErrorCode | undefined {
  reader.open(bytes, at, end);
  state.valid = reader.take(5);
  state.trackedAndEpoch = reader.take(8);
  const high = reader.take(16);
  state.captureTicks = ((high << 16) | reader.take(16)) >>> 0;
  let fine = (state.trackedAndEpoch & 31 & ~state.valid) === 0;
  for (let part = 0; part < PART_COUNT; part++) if ((state.valid & (1 << part)) !== 0 && !takePartWhole(state.ints, part)) fine = false;
  older.valid = 0;
  if (reader.take(1) === 1) {
    const common = reader.take(5);
    if (common === 0 || (common & ~state.valid) !== 0) fine = false;
    older.valid = common & state.valid;
    older.trackedAndEpoch = state.trackedAndEpoch;
    older.captureTicks = (state.captureTicks - reader.takeTime()) >>> 0;
    for (let part = 0; part < PART_COUNT; part++) {
      if ((older.valid & (1 << part)) !== 0 && !takePose(older.ints, state.ints, undefined, PART_AT[part]!, 0, 0)) fine = false;
    }
  }
  return reader.close() && fine ? undefined : 'MESSAGE_INVALID';
}

/**
 * Encodes how a state differs from what is expected after `reference`, and after `older` before that.
 *
 * @param older - undefined where a decoder may not have it, then the state is expected to be that of the reference.
 * @param bytes - overwritten from `at`; MAX_BLOB_BYTES always suffice.
 * @returns where the blob ends. No allocation.
 */
export function encodeAvatarDelta(state: AvatarState, reference: AvatarState, older: AvatarState | undefined, bytes: Uint8Array, at: number): number {
  writer.open(bytes, at);
  const same = state.valid === reference.valid && state.trackedAndEpoch === reference.trackedAndEpoch;
  writer.put(same ? 0 : 1, 1);
  if (!same) {
    writer.put(state.valid, 5);
    writer.put(state.trackedAndEpoch, 8);
  }
  const moving = older === undefined ? 0 : commonParts(reference, older);
  const known = older === undefined || moving === 0 ? 0 : (reference.captureTicks - older.captureTicks) | 0;
  const ahead = (state.captureTicks - reference.captureTicks) | 0;
  writer.putTime((ahead - known) | 0);
  const ratio = timeRatio(ahead, known);
  const patience = bitLength(ahead > 0 ? ahead >> 5 : 0);
  for (let part = 0; part < PART_COUNT; part++) {
    if ((state.valid & (1 << part)) === 0) continue;
    if ((reference.valid & (1 << part)) === 0) {
      putPartWhole(state.ints, part);
      continue;
    }
    const before = (moving & (1 << part)) !== 0 && ratio > 0 ? older?.ints : undefined;
    putPose(state.ints, reference.ints, before, PART_AT[part]!, ratio, patience);
    if (part >= FIRST_HAND) putJoints(state.ints, reference.ints, PART_AT[part]!);
  }
  return writer.close();
}

/**
 * Decodes what `encodeAvatarDelta` made with the same `reference` and `older`.
 *
 * @param state - overwritten, and undefined after a refusal; neither of the other two.
 */
export function decodeAvatarDelta(bytes: Uint8Array, at: number, end: number, reference: AvatarState, older: AvatarState | undefined, state: AvatarState): ErrorCode | undefined {
  reader.open(bytes, at, end);
  state.valid = reference.valid;
  state.trackedAndEpoch = reference.trackedAndEpoch;
  let fine = true;
  if (reader.take(1) === 1) {
    state.valid = reader.take(5);
    state.trackedAndEpoch = reader.take(8);
    fine = (state.valid !== reference.valid || state.trackedAndEpoch !== reference.trackedAndEpoch) && (state.trackedAndEpoch & 31 & ~state.valid) === 0;
  }
  const moving = older === undefined ? 0 : commonParts(reference, older);
  const known = older === undefined || moving === 0 ? 0 : (reference.captureTicks - older.captureTicks) | 0;
  const ahead = (reader.takeTime() + known) | 0;
  state.captureTicks = (reference.captureTicks + ahead) >>> 0;
  const ratio = timeRatio(ahead, known);
  const patience = bitLength(ahead > 0 ? ahead >> 5 : 0);
  for (let part = 0; part < PART_COUNT; part++) {
    if ((state.valid & (1 << part)) === 0) continue;
    if ((reference.valid & (1 << part)) === 0) {
      if (!takePartWhole(state.ints, part)) fine = false;
      continue;
    }
    const before = (moving & (1 << part)) !== 0 && ratio > 0 ? older?.ints : undefined;
    if (!takePose(state.ints, reference.ints, before, PART_AT[part]!, ratio, patience)) fine = false;
    if (part >= FIRST_HAND && !takeJoints(state.ints, reference.ints, PART_AT[part]!)) fine = false;
  }
  return reader.close() && fine ? undefined : 'MESSAGE_INVALID';
}

/** Parts that both have, in the same space. */
function commonParts(state: AvatarState, older: AvatarState): number {
  return state.trackedAndEpoch >> 5 === older.trackedAndEpoch >> 5 ? state.valid & older.valid : 0;
}

function putPartWhole(ints: Int16Array, part: number): void {
  const at = PART_AT[part]!;
  for (let axis = 0; axis < 3; axis++) writer.put(ints[at + axis]! & 0xffff, 16);
  putOrientationWhole(ints, at + 3);
  if (part < FIRST_HAND) return;
  for (let joint = 1, row = at + POSE_INTS; joint < HAND_JOINT_COUNT; joint++, row += POSE_INTS) {
    writer.put((ints[row]! << 16) | (ints[row + 1]! << 8) | ints[row + 2]!, 24);
    putOrientationWhole(ints, row + 3);
  }
}

function takePartWhole(ints: Int16Array, part: number): boolean {
  const at = PART_AT[part]!;
  let fine = true;
  for (let axis = 0; axis < 3; axis++) {
    ints[at + axis] = reader.take(16);
    if (ints[at + axis]! < -MAX_MM) fine = false;
  }
  takeOrientationWhole(ints, at + 3);
  if (part < FIRST_HAND) return fine;
  for (let joint = 1, row = at + POSE_INTS; joint < HAND_JOINT_COUNT; joint++, row += POSE_INTS) {
    for (let axis = 0; axis < 3; axis++) ints[row + axis] = reader.take(8);
    takeOrientationWhole(ints, row + 3);
  }
  return fine;
}

function putOrientationWhole(ints: Int16Array, at: number): void {
  writer.put((ints[at]! << 20) | (ints[at + 1]! << 10) | ints[at + 2]!, 22);
  writer.put(ints[at + 3]!, 10);
}

function takeOrientationWhole(ints: Int16Array, at: number): void {
  ints[at] = reader.take(2);
  for (let index = 1; index < 4; index++) ints[at + index] = reader.take(10);
}

/** A rigid part or a wrist. @param older - undefined: expected where it was, and the orders are told. */
function putPose(ints: Int16Array, reference: Int16Array, older: Int16Array | undefined, at: number, ratio: number, patience: number): void {
  if (older === undefined) {
    holdPosition(reference, at);
    putTold(ints, at, 0);
    putLargest(ints, reference, at + 3);
    holdOrientation(reference, at + 3, ints[at + 3]!);
    putTold(ints, at + 4, 3);
    return;
  }
  const moved = expectPosition(reference, older, at, ratio);
  putThree(ints, at, 0, orderOf(moved, patience, POSITION_EASE));
  putLargest(ints, reference, at + 3);
  const turned = expectOrientation(reference, older, at + 3, ratio, ints[at + 3]!);
  putThree(ints, at + 4, 3, orderOf(turned, patience, ORIENTATION_EASE));
}

function takePose(ints: Int16Array, reference: Int16Array, older: Int16Array | undefined, at: number, ratio: number, patience: number): boolean {
  let fine: boolean;
  if (older === undefined) {
    holdPosition(reference, at);
    fine = takeTold(ints, at, 0, -MAX_MM, MAX_MM);
    takeLargest(ints, reference, at + 3);
    holdOrientation(reference, at + 3, ints[at + 3]!);
    return takeTold(ints, at + 4, 3, 0, 1023) && fine;
  }
  const moved = expectPosition(reference, older, at, ratio);
  fine = takeThree(ints, at, 0, orderOf(moved, patience, POSITION_EASE), -MAX_MM, MAX_MM);
  takeLargest(ints, reference, at + 3);
  const turned = expectOrientation(reference, older, at + 3, ratio, ints[at + 3]!);
  return takeThree(ints, at + 4, 3, orderOf(turned, patience, ORIENTATION_EASE), 0, 1023) && fine;
}

function putJoints(ints: Int16Array, reference: Int16Array, hand: number): void {
  let positionScale = SCALE_START, orientationScale = SCALE_START;
  let turned = false;
  for (let joint = 1; joint < HAND_JOINT_COUNT; joint++) {
    const at = hand + joint * POSE_INTS;
    turned = expectPlace(ints, reference, hand, joint, turned);
    positionScale += putThree(ints, at, 0, jointOrder(positionScale)) - (positionScale >> SCALE_SHIFT);
    putLargest(ints, reference, at + 3);
    if (turned) expectTurned(reference, at + 3, ints[at + 3]!);
    else holdOrientation(reference, at + 3, ints[at + 3]!);
    orientationScale += putThree(ints, at + 4, 3, jointOrder(orientationScale)) - (orientationScale >> SCALE_SHIFT);
  }
}

function takeJoints(ints: Int16Array, reference: Int16Array, hand: number): boolean {
  let positionScale = SCALE_START, orientationScale = SCALE_START;
  let turned = false;
  let fine = true;
  for (let joint = 1; joint < HAND_JOINT_COUNT; joint++) {
    const at = hand + joint * POSE_INTS;
    turned = expectPlace(ints, reference, hand, joint, turned);
    if (!takeThree(ints, at, 0, jointOrder(positionScale), 0, 255)) fine = false;
    positionScale += taken - (positionScale >> SCALE_SHIFT);
    takeLargest(ints, reference, at + 3);
    if (turned) expectTurned(reference, at + 3, ints[at + 3]!);
    else holdOrientation(reference, at + 3, ints[at + 3]!);
    if (!takeThree(ints, at + 4, 3, jointOrder(orientationScale), 0, 1023)) fine = false;
    orientationScale += taken - (orientationScale >> SCALE_SHIFT);
  }
  return fine;
}

/** Expects a joint's position. @param wasTurned - the same of the joint before. @returns whether the joint that it hangs on has turned. */
function expectPlace(ints: Int16Array, reference: Int16Array, hand: number, joint: number, wasTurned: boolean): boolean {
  const at = hand + joint * POSE_INTS;
  const parent = PARENT_OF[joint]!;
  if (parent === 0) {
    holdPosition(reference, at);
    return false;
  }
  const turned = setTurn(ints, reference, hand + parent * POSE_INTS, wasTurned);
  expectJointPosition(ints, reference, at, hand + parent * POSE_INTS, turned);
  return turned;
}

function putLargest(ints: Int16Array, reference: Int16Array, at: number): void {
  const largest = ints[at]!;
  if (largest === reference[at]) writer.put(0, 1);
  else writer.put(4 | largest, 3);
}

/** Takes the same as the reference's as well where it is written out: three wasted bits are no harm. */
function takeLargest(ints: Int16Array, reference: Int16Array, at: number): void {
  ints[at] = reader.take(1) === 0 ? reference[at]! : reader.take(2);
}

/** @returns the sum of the folded differences. */
function putThree(ints: Int16Array, at: number, from: number, order: number): number {
  const a = ints[at]! - expected[from]!, b = ints[at + 1]! - expected[from + 1]!, c = ints[at + 2]! - expected[from + 2]!;
  writer.putRice(a, order);
  writer.putRice(b, order);
  writer.putRice(c, order);
  return fold(a) + fold(b) + fold(c);
}

/** The sum of the folded differences that were read last. */
let taken = 0;

function takeThree(ints: Int16Array, at: number, from: number, order: number, low: number, high: number): boolean {
  let fine = true;
  taken = 0;
  for (let index = 0; index < 3; index++) {
    const difference = reader.takeRice(order);
    const value = expected[from + index]! + difference;
    taken += fold(difference);
    if (value < low || value > high) fine = false;
    // What is refused must not be more than an int16 either, where the next one is expected from it.
    ints[at + index] = value < low ? low : value > high ? high : value;
  }
  return fine;
}

/** Three numbers behind the order of their code. */
function putTold(ints: Int16Array, at: number, from: number): void {
  const folded = fold(ints[at]! - expected[from]!) + fold(ints[at + 1]! - expected[from + 1]!) + fold(ints[at + 2]! - expected[from + 2]!);
  const bits = bitLength(folded >> 2);
  const order = bits > MAX_ORDER ? MAX_ORDER : bits;
  writer.put(order, ORDER_BITS);
  putThree(ints, at, from, order);
}

function takeTold(ints: Int16Array, at: number, from: number, low: number, high: number): boolean {
  const order = reader.take(ORDER_BITS);
  return takeThree(ints, at, from, order > MAX_ORDER ? MAX_ORDER : order, low, high);
}

function orderOf(moved: number, patience: number, ease: number): number {
  const order = (2 * bitLength(moved) + patience - ease) >> 1;
  return order < 0 ? 0 : order > MAX_ORDER ? MAX_ORDER : order;
}

function jointOrder(scale: number): number {
  let order = 0;
  while (order < MAX_JOINT_ORDER && SCALE_STEP << order < scale) order++;
  return order;
}

function fold(value: number): number {
  return (value << 1) ^ (value >> 31);
}

function bitLength(value: number): number {
  return 32 - Math.clz32(value);
}
