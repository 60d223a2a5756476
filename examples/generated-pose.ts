/** Poses without a headset: somebody who stands, looks around and waves one hand. */
import { HAND_JOINT_COUNT } from '../protocol/joints.ts';
import { HAND_FLOATS } from '../protocol/codec/hand.ts';
import { PART_BITS, type PoseSample } from '../protocol/codec/pose-sample.ts';
import { POSE_FLOATS } from '../protocol/codec/quantise.ts';

/** Of an adult's right hand, metres: where each finger leaves the palm (x), and the lengths of its bones. */
const FINGERS = [
  { x: -0.03, bonesM: [0.045, 0.034, 0.03] },
  { x: -0.026, bonesM: [0.068, 0.042, 0.025, 0.022] },
  { x: -0.006, bonesM: [0.066, 0.046, 0.029, 0.023] },
  { x: 0.014, bonesM: [0.061, 0.042, 0.027, 0.022] },
  { x: 0.033, bonesM: [0.056, 0.033, 0.02, 0.02] },
] as const;

export interface WaveOptions {
  /** Where they stand, metres, session space. */
  readonly x: number;
  readonly z: number;
  /** Head's height. */
  readonly heightM?: number;
  /** 0 an open hand, 1 a fist. */
  readonly curl?: number;
  /** Radians on the circle that the left controller draws, clockwise as they see it; it rests where left out. */
  readonly circle?: number | undefined;
}

/** Overwrites `sample`: head, left controller and right hand at `seconds` into the wave; facing -Z. */
export function writeWavingPose(sample: PoseSample, seconds: number, { x, z, heightM = 1.65, curl = 0, circle }: WaveOptions): void {
  const sway = Math.sin(seconds * 0.9 + x * 3) * 0.03;
  const yaw = Math.sin(seconds * 0.7 + x) * 0.35;
  sample.valid = PART_BITS.head | PART_BITS.leftController | PART_BITS.rightHand;
  sample.tracked = sample.valid;
  sample.rigid.set([x + sway, heightM + Math.sin(seconds * 2) * 0.01, z, ...turn(0, yaw / 2)], 0);
  const [right, up, ahead] = circle === undefined ? [-0.26, -0.62, 0.18] : [-0.2 + 0.12 * Math.sin(circle), -0.3 + 0.12 * Math.cos(circle), 0.45];
  sample.rigid.set([x + right + sway, heightM + up, z - ahead, ...turn(-0.2, 0)], POSE_FLOATS);
  const roll = Math.sin(seconds * 6) * 0.45;
  writeHand(sample.hands.subarray(HAND_FLOATS), { x: x + 0.32 - roll * 0.12, y: heightM - 0.2, z: z - 0.2, roll, curl });
}

/** A quaternion xyzw: half a turn of `halfYaw` about y after `halfPitch` about x. */
function turn(halfPitch: number, halfYaw: number): [number, number, number, number] {
  const sp = Math.sin(halfPitch), cp = Math.cos(halfPitch), sy = Math.sin(halfYaw), cy = Math.cos(halfYaw);
  return [sp * cy, cp * sy, -sp * sy, cp * cy];
}

/** A raised right hand: fingers up (+Y), palm to -Z, leaning by `roll` about z. */
function writeHand(joints: Float32Array, hand: { x: number; y: number; z: number; roll: number; curl: number }): void {
  const put = (joint: number, side: number, up: number, front: number, bend: number): void => {
    const sin = Math.sin(hand.roll), cos = Math.cos(hand.roll);
    joints.set([hand.x + side * cos - up * sin, hand.y + side * sin + up * cos, hand.z - front, ...raised(hand.roll, bend)], joint * POSE_FLOATS);
  };
  put(0, 0, 0, 0, 0);
  let joint = 1;
  FINGERS.forEach(({ x, bonesM }, finger) => {
    let up = finger === 0 ? 0.02 : 0.03, front = 0, side = x * 0.6, bend = 0;
    put(joint++, side, up, front, bend);
    bonesM.forEach((lengthM, bone) => {
      if (bone > 0 || finger === 0) bend += hand.curl * (finger === 0 ? 0.6 : 1.45);
      const spread = finger === 0 ? -0.55 * lengthM : bone === 0 ? x * 0.4 : x * 0.12 * (1 - hand.curl);
      side += spread;
      up += lengthM * Math.cos(bend);
      front += lengthM * Math.sin(bend);
      put(joint++, side, up, front, bend);
    });
  });
  if (joint !== HAND_JOINT_COUNT) throw new Error('bug: a hand has 25 joints');
}

/** -Z of the joint points up and its -Y, the palm's side, to -Z; bent towards the palm by `bend`, then rolled about z. */
function raised(roll: number, bend: number): [number, number, number, number] {
  const half = (Math.PI / 2 - bend) / 2;
  const [ax, aw] = [Math.sin(half), Math.cos(half)];
  const [rz, rw] = [Math.sin(roll / 2), Math.cos(roll / 2)];
  return [rw * ax, rz * ax, rz * aw, rw * aw];
}
