/** A recorded movement, encoded ahead of time: a light headset copies a sample and patches a few bytes. */
import { assert } from '../../core/assert.ts';
import { createPoseSample, encodePoseSample, MAX_POSE_SAMPLE_BYTES, PART_BITS, poseSampleBytes } from '../../protocol/codec/pose-sample.ts';
import { HAND_FLOATS } from '../../protocol/codec/hand.ts';
import { POSE_BYTES, POSE_FLOATS, readInt16, writeInt16 } from '../../protocol/codec/quantise.ts';
import { RIGID_FLOATS, BOTH_HANDS_FLOATS, type PoseTrack } from '../import/pose-track.ts';

export interface LoopOptions {
  readonly rateHz: number;
  /** Whether samples carry both hands beside head and controllers. */
  readonly hands: boolean;
  readonly lengthMs: number;
}

/** Encoded samples at a rate, of one size, that begin again at their end. */
export interface PoseLoop {
  readonly rateHz: number;
  readonly count: number;
  readonly sampleBytes: number;
  /** [count, sampleBytes]. Read only. */
  readonly bytes: Uint8Array;
}

/** Shifts stay this far inside what an int16 of millimetres can hold. */
const MOST_MM = 32_000;

/** @param poseAt - gives the movement, with all parts that are asked for valid. */
export function encodeLoop(poseAt: (timeMs: number, into: ReturnType<typeof createPoseSample>) => void, { rateHz, hands, lengthMs }: LoopOptions): PoseLoop {
  const parts = PART_BITS.head | PART_BITS.leftController | PART_BITS.rightController | (hands ? PART_BITS.leftHand | PART_BITS.rightHand : 0);
  const count = Math.max(1, Math.round((lengthMs * rateHz) / 1000));
  const sampleBytes = poseSampleBytes(parts);
  const bytes = new Uint8Array(count * sampleBytes);
  const sample = createPoseSample();
  const scratch = new Uint8Array(MAX_POSE_SAMPLE_BYTES);
  for (let index = 0; index < count; index++) {
    poseAt((index * 1000) / rateHz, sample);
    sample.captureMs = 0;
    // Of a part that the recording loses for a moment the last pose is held, not tracked.
    sample.tracked &= sample.valid;
    sample.valid = parts;
    const size = encodePoseSample(sample, scratch, 0);
    assert(size === sampleBytes, `a sample of a loop takes ${sampleBytes} bytes, not ${size}`);
    bytes.set(scratch.subarray(0, sampleBytes), index * sampleBytes);
  }
  return { rateHz, count, sampleBytes, bytes };
}

/**
 * Moves an encoded sample about the floor: poses are in millimetres, so that an addition does it.
 *
 * Hands are relative to their wrists, so only the wrists move.
 */
export function shiftSample(sample: Uint8Array, offset: number, xMm: number, zMm: number): void {
  const valid = sample[offset + 4]!;
  let at = offset + 6;
  for (let part = 0; part < 5; part++) {
    if ((valid & (1 << part)) === 0) continue;
    writeInt16(sample, at, clamp(readInt16(sample, at) + xMm));
    writeInt16(sample, at + 4, clamp(readInt16(sample, at + 4) + zMm));
    at += part < 3 ? POSE_BYTES : HAND_STRIDE;
  }
}

const HAND_STRIDE = poseSampleBytes(PART_BITS.leftHand) - poseSampleBytes(0);

function clamp(mm: number): number {
  return mm > MOST_MM ? MOST_MM : mm < -MOST_MM ? -MOST_MM : mm;
}

/** The same movement in a mirror that stands along x = 0: left and right change places. Twice gives the track again. */
export function mirrorTrack(track: PoseTrack): PoseTrack {
  const rigid = new Float32Array(track.rigid.length);
  const hands = track.hands === undefined ? undefined : new Float32Array(track.hands.length);
  for (let index = 0; index < track.timesMs.length; index++) {
    const at = index * RIGID_FLOATS;
    mirrorPoses(track.rigid, at, rigid, at, POSE_FLOATS);
    mirrorPoses(track.rigid, at + POSE_FLOATS, rigid, at + 2 * POSE_FLOATS, POSE_FLOATS);
    mirrorPoses(track.rigid, at + 2 * POSE_FLOATS, rigid, at + POSE_FLOATS, POSE_FLOATS);
    if (track.hands === undefined || hands === undefined) continue;
    const handAt = index * BOTH_HANDS_FLOATS;
    mirrorPoses(track.hands, handAt, hands, handAt + HAND_FLOATS, HAND_FLOATS);
    mirrorPoses(track.hands, handAt + HAND_FLOATS, hands, handAt, HAND_FLOATS);
  }
  return { ...track, valid: track.valid.map(swapSides), tracked: track.tracked.map(swapSides), rigid, hands };
}

function mirrorPoses(from: Float32Array, fromAt: number, to: Float32Array, toAt: number, floats: number): void {
  for (let at = 0; at < floats; at += POSE_FLOATS) {
    for (let axis = 0; axis < POSE_FLOATS; axis++) to[toAt + at + axis] = from[fromAt + at + axis]!;
    // A mirror keeps the turn about the axis across it and turns the others round.
    for (const axis of [0, 4, 5]) to[toAt + at + axis] = -from[fromAt + at + axis]!;
  }
}

function swapSides(parts: number): number {
  const { head, leftController, rightController, leftHand, rightHand } = PART_BITS;
  const moved = (from: number, to: number): number => ((parts & from) === 0 ? 0 : to);
  return (parts & head) | moved(leftController, rightController) | moved(rightController, leftController) | moved(leftHand, rightHand) | moved(rightHand, leftHand);
}
