/**
 * How many bytes a sample takes as a delta, over every packaged recording and at every rate, and how far it is from what was recorded.
 *
 * No package holds a recording of hands that move, so hands go between captured poses on the wrists of recorded controllers, with fingers
 * that tremble as tracked ones do.
 */
import { Euler, MathUtils, Quaternion } from 'three';
import { assert } from '../core/assert.ts';
import { randomNormal, type Random, seededRandom } from '../core/random.ts';
import { decodeAvatarDelta, encodeAvatarDelta, encodeAvatarKey, MAX_BLOB_BYTES } from '../protocol/codec/delta/avatar-delta.ts';
import { type AvatarState, createAvatarState, readAvatarState, toPoseSample } from '../protocol/codec/delta/avatar-state.ts';
import { HAND_FLOATS } from '../protocol/codec/hand.ts';
import { createPoseSample, encodePoseSample, MAX_POSE_SAMPLE_BYTES, type PoseSample } from '../protocol/codec/pose-sample.ts';
import { POSE_FLOATS } from '../protocol/codec/quantise.ts';
import { HAND_JOINT_COUNT } from '../protocol/joints.ts';
import { generateHand } from '../sim/headset/generated-hand.ts';
import { type HandPose, measuredHandPoses, PARENTS } from '../sim/headset/hand-poses.ts';
import { type PoseTrack, RIGID_FLOATS } from '../sim/import/pose-track.ts';

/** Rates of the tiers, and how many samples back a confirmed baseline is taken to be: 70 ms at the fastest. */
export const RATES_HZ: readonly number[] = [72, 36, 18, 9];
const BASELINE_AGE = 5;
/** Deviation of a finger joint's bending, degrees, a third of it sideways, with a memory of some samples. */
const TREMOR_DEGREES = 0.3;
const TREMOR_MEMORY = 0.8;
const START_MS = 5000;

export interface MovementRow {
  readonly shape: string;
  readonly rateHz: number;
  readonly samples: number;
  /** Of a blob in a chain. */
  readonly meanBytes: number;
  readonly p50Bytes: number;
  readonly p99Bytes: number;
  /** Means: a key in a chain, and a blob by a baseline. */
  readonly keyBytes: number;
  readonly baselineBytes: number;
}

export interface ErrorRow {
  readonly shape: string;
  /** Head, controllers and wrists an axis; other joints in space, the wrist's own error included. */
  readonly p50Mm: number;
  readonly maxMm: number;
  readonly p50Degrees: number;
  readonly maxDegrees: number;
}

/** A moment of a recording, and its numbers on the wire. */
interface Moment {
  readonly sample: PoseSample;
  readonly state: AvatarState;
}

/** @param valid - 7 for head and controllers, 25 for head and hands. */
export function measureMovement(shape: string, valid: number, tracks: readonly PoseTrack[]): { rows: MovementRow[]; error: ErrorRow } {
  const recordings = tracks.map((track, index) => momentsOf(track, valid, index + 1));
  const rows = RATES_HZ.map((rateHz) => measureRate(shape, rateHz, recordings.map((moments) => thin(moments, rateHz).map(({ state }) => state))));
  return { rows, error: measureError(shape, recordings.flat()) };
}

function measureRate(shape: string, rateHz: number, recordings: readonly (readonly AvatarState[])[]): MovementRow {
  const bytes = new Uint8Array(MAX_BLOB_BYTES);
  const into = createAvatarState();
  const [deltas, keys, baselines]: [number[], number[], number[]] = [[], [], []];
  for (const states of recordings) {
    for (let index = BASELINE_AGE; index < states.length; index++) {
      const [state, reference, older, baseline] = [0, 1, 2, BASELINE_AGE].map((ago) => states[index - ago] as AvatarState) as [AvatarState, AvatarState, AvatarState, AvatarState];
      const end = encodeAvatarDelta(state, reference, older, bytes, 0);
      assert(decodeAvatarDelta(bytes, 0, end, reference, older, into) === undefined && into.captureTicks === state.captureTicks, 'a delta comes back');
      deltas.push(end);
      keys.push(encodeAvatarKey(state, reference, bytes, 0));
      baselines.push(encodeAvatarDelta(state, baseline, undefined, bytes, 0));
    }
  }
  const mean = (sizes: readonly number[]): number => sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
  return { shape, rateHz, samples: deltas.length, meanBytes: mean(deltas), p50Bytes: quantile(deltas, 0.5), p99Bytes: quantile(deltas, 0.99), keyBytes: mean(keys), baselineBytes: mean(baselines) };
}

/** The newest moment at each tick, when it is a new one. */
function thin(moments: readonly Moment[], rateHz: number): Moment[] {
  const kept: Moment[] = [];
  let nextMs = 0;
  moments.forEach((moment, index) => {
    const followingMs = moments[index + 1]?.sample.captureMs ?? Infinity;
    if (followingMs <= nextMs) return;
    kept.push(moment);
    while (nextMs < followingMs && nextMs < moment.sample.captureMs + 1000) nextMs += 1000 / rateHz;
  });
  return kept;
}

function momentsOf(track: PoseTrack, valid: number, seed: number): Moment[] {
  const bytes = new Uint8Array(MAX_POSE_SAMPLE_BYTES);
  const hands = valid > 7 ? (['left', 'right'] as const).map((side, at) => tremblingHand(measuredHandPoses(), side, 2 * seed + at)) : [];
  return [...track.timesMs].map((timeMs, at) => {
    const sample = Object.assign(createPoseSample(), { captureMs: START_MS + timeMs, valid, tracked: valid });
    sample.rigid.set(track.rigid.subarray(at * RIGID_FLOATS, (at + 1) * RIGID_FLOATS));
    hands.forEach((write, side) => write(timeMs, sample.rigid, (side + 1) * POSE_FLOATS, sample.hands.subarray(side * HAND_FLOATS, (side + 1) * HAND_FLOATS)));
    const state = createAvatarState();
    const size = encodePoseSample(sample, bytes, 0);
    assert(typeof size === 'number' && readAvatarState(bytes, 0, state) === size, `a recorded sample can be encoded, but ${size}`);
    return { sample, state };
  });
}

type WriteHand = (timeMs: number, rigid: Float32Array, gripAt: number, into: Float32Array) => void;

function tremblingHand(poses: readonly HandPose[], side: 'left' | 'right', seed: number): WriteHand {
  const generated = generateHand(poses, { side, seed });
  const random = seededRandom(seed);
  const tremor = new Float64Array(HAND_JOINT_COUNT * 3);
  const still = new Float32Array(HAND_FLOATS);
  return (timeMs, rigid, gripAt, into) => {
    generated.write(timeMs, rigid, gripAt, still, 0);
    into.set(still.subarray(0, POSE_FLOATS));
    for (let joint = 1; joint < HAND_JOINT_COUNT; joint++) placeJoint(still, into, joint, bends(joint) ? tremble(tremor, joint, random) : undefined);
  };
}

/** Metacarpals are fixed in the palm, and a tip in its last bone. */
function bends(joint: number): boolean {
  return PARENTS[joint] !== 0 && joint !== 4 && joint % 5 !== 4;
}

function tremble(tremor: Float64Array, joint: number, random: Random): Euler {
  for (let axis = 0; axis < 3; axis++) {
    const degrees = axis === 0 ? TREMOR_DEGREES : TREMOR_DEGREES / 3;
    tremor[joint * 3 + axis] = TREMOR_MEMORY * (tremor[joint * 3 + axis] ?? 0) + Math.sqrt(1 - TREMOR_MEMORY ** 2) * degrees * randomNormal(random);
  }
  return new Euler(...([0, 1, 2].map((axis) => MathUtils.degToRad(tremor[joint * 3 + axis] ?? 0)) as [number, number, number]));
}

/** Hangs a joint on its parent as it hangs there in `still`, turned by `by`. */
function placeJoint(still: Float32Array, into: Float32Array, joint: number, by: Euler | undefined): void {
  const [at, parentAt] = [joint * POSE_FLOATS, (PARENTS[joint] ?? 0) * POSE_FLOATS];
  const change = new Quaternion().fromArray(into, parentAt + 3).multiply(new Quaternion().fromArray(still, parentAt + 3).conjugate());
  const offset = [0, 1, 2].map((axis) => (still[at + axis] ?? 0) - (still[parentAt + axis] ?? 0));
  const moved = rotate(change, offset);
  for (let axis = 0; axis < 3; axis++) into[at + axis] = (into[parentAt + axis] ?? 0) + (moved[axis] ?? 0);
  const turned = change.multiply(new Quaternion().fromArray(still, at + 3));
  if (by !== undefined) turned.multiply(new Quaternion().setFromEuler(by));
  turned.normalize().toArray(into, at + 3);
}

function rotate(turn: Quaternion, [x = 0, y = 0, z = 0]: readonly number[]): number[] {
  return turn.clone().multiply(new Quaternion(x, y, z, 0)).multiply(turn.clone().conjugate()).toArray().slice(0, 3);
}

function measureError(shape: string, moments: readonly Moment[]): ErrorRow {
  const decoded = createPoseSample();
  const [mm, degrees]: [number[], number[]] = [[], []];
  // Every twentieth moment of hands has more joints than all moments have heads.
  const step = (moments[0]?.sample.valid ?? 0) > 7 ? 20 : 1;
  for (let index = 0; index < moments.length; index += step) {
    const { sample, state } = moments[index] as Moment;
    toPoseSample(state, sample.captureMs, decoded);
    for (let part = 0; part < 3; part++) if ((sample.valid & (1 << part)) !== 0) addError(sample.rigid, decoded.rigid, part * POSE_FLOATS, false, mm, degrees);
    for (let hand = 0; hand < 2; hand++) {
      if ((sample.valid & (8 << hand)) === 0) continue;
      for (let joint = 0; joint < HAND_JOINT_COUNT; joint++) addError(sample.hands, decoded.hands, hand * HAND_FLOATS + joint * POSE_FLOATS, joint > 0, mm, degrees);
    }
  }
  return { shape, p50Mm: quantile(mm, 0.5), maxMm: quantile(mm, 1), p50Degrees: quantile(degrees, 0.5), maxDegrees: quantile(degrees, 1) };
}

/** @param isJoint - of a finger: the distance in space. */
function addError(wanted: Float32Array, found: Float32Array, at: number, isJoint: boolean, mm: number[], degrees: number[]): void {
  const apart = [0, 1, 2].map((axis) => ((found[at + axis] ?? NaN) - (wanted[at + axis] ?? NaN)) * 1000);
  mm.push(isJoint ? Math.hypot(...apart) : Math.max(...apart.map(Math.abs)));
  const turn = new Quaternion().fromArray(found, at + 3).normalize().angleTo(new Quaternion().fromArray(wanted, at + 3).normalize());
  degrees.push(MathUtils.radToDeg(turn));
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}
