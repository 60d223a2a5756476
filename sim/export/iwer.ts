/**
 * Poses of one participant as iwer's ActionPlayer plays them: `{frames, schema}`, see `sim/import/iwer.ts`.
 *
 * The frames come first, since only after the last is it known which inputs there were; JSON does not mind.
 */
import { Quaternion, Vector3 } from 'three';
import { HAND_FLOATS } from '../../protocol/codec/hand.ts';
import { createPoseSample, decodePoseSample, PART_BITS, type PoseSample } from '../../protocol/codec/pose-sample.ts';
import { POSE_FLOATS } from '../../protocol/codec/quantise.ts';
import { HAND_JOINTS } from '../../protocol/joints.ts';
import type { RecordingItem } from '../../recording/format.ts';

const SIDES = ['left', 'right'] as const;
/** What a side may hold; each is an input of its own. Their index is side * 3 + form. */
const FORMS = [
  { hasGrip: true, hasHand: false, profiles: ['generic-trigger'] },
  { hasGrip: false, hasHand: true, profiles: ['generic-hand-select'] },
  { hasGrip: true, hasHand: true, profiles: ['generic-hand-select'] },
] as const;
/** Joints have a radius in that format and none in ours: about half a finger. */
const JOINT_RADIUS_M = 0.008;

/** @param items - of one participant; all but poses with a head are passed over. */
export async function* toIwer(items: AsyncIterable<RecordingItem>): AsyncGenerator<string, void, void> {
  const sample = createPoseSample();
  const used = new Set<number>();
  let firstMs: number | undefined;
  let latestMs = -Infinity;
  yield '{"frames":[';
  for await (const { kind, bytes, captureDeviceMs } of items) {
    if (kind !== 'pose' || typeof decodePoseSample(bytes, 0, captureDeviceMs, sample) === 'string') continue;
    if ((sample.valid & PART_BITS.head) === 0 || captureDeviceMs <= latestMs) continue;
    const frame = frameOf(sample, round(captureDeviceMs - (firstMs ?? captureDeviceMs), 4), used);
    yield `${firstMs === undefined ? '' : ','}\n${JSON.stringify(frame)}`;
    firstMs ??= captureDeviceMs;
    latestMs = captureDeviceMs;
  }
  yield `],\n"schema":${JSON.stringify([...used].sort((a, b) => a - b).map((index) => [index, schemaOf(index)]))}}\n`;
}

function frameOf(sample: PoseSample, timeMs: number, used: Set<number>): unknown[] {
  const inputs = SIDES.flatMap((_, side) => {
    const input = inputOf(sample, side);
    if (input !== undefined) used.add(input[0] as number);
    return input === undefined ? [] : [input];
  });
  return [timeMs, ...poseNumbers(sample.rigid, 0), ...inputs];
}

function inputOf({ valid, rigid, hands }: PoseSample, side: number): unknown[] | undefined {
  const hasGrip = (valid & (PART_BITS.leftController << side)) !== 0;
  const hasHand = (valid & (PART_BITS.leftHand << side)) !== 0;
  if (!hasGrip && !hasHand) return undefined;
  const form = FORMS.findIndex((candidate) => candidate.hasGrip === hasGrip && candidate.hasHand === hasHand);
  // A recording has no target ray: it is where the grip is, else where the wrist is.
  const [floats, at] = hasGrip ? [rigid, (1 + side) * POSE_FLOATS] as const : [hands, side * HAND_FLOATS] as const;
  const ray = poseNumbers(floats, at);
  return [side * FORMS.length + form, ...ray, ...(hasGrip ? [ray] : []), ...(hasHand ? [jointNumbers(hands, side, ray)] : [])];
}

const rayPosition = new Vector3();
const rayBack = new Quaternion();
const position = new Vector3();
const orientation = new Quaternion();

/** Joints are in the space of the ray. */
function jointNumbers(hands: Float32Array, side: number, ray: readonly number[]): number[] {
  rayPosition.fromArray(ray);
  rayBack.fromArray(ray, 3).normalize().invert();
  return HAND_JOINTS.flatMap((_, joint) => {
    const at = side * HAND_FLOATS + joint * POSE_FLOATS;
    position.fromArray(hands, at).sub(rayPosition).applyQuaternion(rayBack);
    orientation.fromArray(hands, at + 3).premultiply(rayBack);
    return [...position.toArray().map((value) => round(value, 4)), ...orientation.toArray().map((value) => round(value, 5)), JOINT_RADIUS_M];
  });
}

function poseNumbers(floats: Float32Array, at: number): number[] {
  return Array.from(floats.subarray(at, at + POSE_FLOATS), (value, index) => round(value, index < 3 ? 4 : 5));
}

function schemaOf(index: number): object {
  const { hasGrip, hasHand, profiles } = FORMS[index % FORMS.length] as (typeof FORMS)[number];
  return {
    handedness: SIDES[Math.floor(index / FORMS.length)], targetRayMode: 'tracked-pointer', profiles, hasGrip, hasHand, hasGamepad: false,
    ...(hasHand ? { jointSequence: HAND_JOINTS } : {}),
  };
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
