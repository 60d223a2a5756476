/** Pose samples as plain objects, for clients that write no binary codec: the same parts, values and bounds. */
import { z } from 'zod';
import { HAND_JOINT_COUNT } from '../../../protocol/joints.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { HAND_FLOATS } from '../../../protocol/codec/hand.ts';
import { createPoseSample, encodePoseSample, MAX_POSE_SAMPLE_BYTES, PART_BITS, type Part, type PoseSample } from '../../../protocol/codec/pose-sample.ts';
import { MAX_POSITION_M, POSE_FLOATS } from '../../../protocol/codec/quantise.ts';

const metres = z.number().min(-MAX_POSITION_M).max(MAX_POSITION_M);
const pose = z.strictObject({
  position: z.tuple([metres, metres, metres]),
  orientation: z.tuple([z.number(), z.number(), z.number(), z.number()]),
});
const hand = z.array(pose).length(HAND_JOINT_COUNT);

/** What the event `pose` carries. A part that is left out is not valid; a controller and a hand may be there for one side. */
export const plainPose = z.strictObject({
  captureMs: z.number().min(-LIMITS.clockMs).max(LIMITS.clockMs),
  head: pose.optional(),
  left: pose.optional(),
  right: pose.optional(),
  hands: z.strictObject({ left: hand.optional(), right: hand.optional() }).optional(),
  /** Those of the given parts that sensors saw; all of them when left out. */
  tracked: z.array(z.enum(['head', 'left', 'right', 'leftHand', 'rightHand'])).max(5).optional(),
  spaceEpoch: z.int().min(0).max(7).optional(),
});
type PlainPose = z.infer<typeof plainPose>;
type RigidPose = z.infer<typeof pose>;
type PlainPart = NonNullable<PlainPose['tracked']>[number];

/** A participant's part of the event `snapshot`: what `pose` has, with the capture time on the server's clock. */
export type PlainSample = Required<Pick<PlainPose, 'captureMs' | 'tracked' | 'spaceEpoch'>> & Pick<PlainPose, 'head' | 'left' | 'right' | 'hands'>;

const PARTS: readonly { readonly name: PlainPart; readonly part: Part }[] = [
  { name: 'head', part: 'head' },
  { name: 'left', part: 'leftController' },
  { name: 'right', part: 'rightController' },
  { name: 'leftHand', part: 'leftHand' },
  { name: 'rightHand', part: 'rightHand' },
];

const scratch = createPoseSample();
const encoded = new Uint8Array(MAX_POSE_SAMPLE_BYTES);

/** @returns the encoded sample, in bytes of its own; undefined when the value is no pose. Never throws. */
export function encodePlainPose(value: unknown): Uint8Array | undefined {
  const parsed = plainPose.safeParse(value);
  if (!parsed.success) return undefined;
  readPlain(parsed.data, scratch);
  const size = encodePoseSample(scratch, encoded, 0);
  return typeof size === 'number' ? encoded.slice(0, size) : undefined;
}

/** A decoded sample as a plain object, positions to 0.1 mm, which is finer than the wire. */
export function toPlainSample(sample: PoseSample): PlainSample {
  const has = (part: Part): boolean => (sample.valid & PART_BITS[part]) !== 0;
  const hands = {
    ...(has('leftHand') ? { left: plainHand(sample.hands, 0) } : {}),
    ...(has('rightHand') ? { right: plainHand(sample.hands, HAND_FLOATS) } : {}),
  };
  return {
    captureMs: sample.captureMs,
    spaceEpoch: sample.spaceEpoch,
    tracked: PARTS.filter(({ part }) => (sample.tracked & PART_BITS[part]) !== 0).map(({ name }) => name),
    ...(has('head') ? { head: plainRigid(sample.rigid, 0) } : {}),
    ...(has('leftController') ? { left: plainRigid(sample.rigid, POSE_FLOATS) } : {}),
    ...(has('rightController') ? { right: plainRigid(sample.rigid, 2 * POSE_FLOATS) } : {}),
    ...(Object.keys(hands).length > 0 ? { hands } : {}),
  };
}

function readPlain(plain: PlainPose, sample: PoseSample): void {
  const { head, left, right, hands } = plain;
  const rigid = [head, left, right];
  sample.captureMs = plain.captureMs;
  sample.spaceEpoch = plain.spaceEpoch ?? 0;
  const present = [...rigid, hands?.left, hands?.right];
  sample.valid = present.reduce((bits, part, index) => (part === undefined ? bits : bits | (1 << index)), 0);
  sample.tracked = plain.tracked === undefined ? sample.valid : PARTS.reduce((bits, { name, part }) => (plain.tracked?.includes(name) ? bits | PART_BITS[part] : bits), 0);
  rigid.forEach((part, index) => part && writeRigid(part, sample.rigid, index * POSE_FLOATS));
  hands?.left?.forEach((joint, index) => writeRigid(joint, sample.hands, index * POSE_FLOATS));
  hands?.right?.forEach((joint, index) => writeRigid(joint, sample.hands, HAND_FLOATS + index * POSE_FLOATS));
}

function writeRigid({ position, orientation }: RigidPose, floats: Float32Array, at: number): void {
  floats.set(position, at);
  floats.set(orientation, at + 3);
}

function plainHand(floats: Float32Array, from: number): RigidPose[] {
  return Array.from({ length: HAND_JOINT_COUNT }, (_, joint) => plainRigid(floats, from + joint * POSE_FLOATS));
}

function plainRigid(floats: Float32Array, from: number): RigidPose {
  const at = (index: number): number => rounded(floats[from + index] ?? 0);
  return { position: [at(0), at(1), at(2)], orientation: [at(3), at(4), at(5), at(6)] };
}

function rounded(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}
