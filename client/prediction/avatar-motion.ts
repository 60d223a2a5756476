/** The motion of everything that a pose sample has, and samples that go on with it. */
import { HAND_FLOATS } from '../../protocol/codec/hand.ts';
import type { PoseSample } from '../../protocol/codec/pose-sample.ts';
import { POSE_FLOATS } from '../../protocol/codec/quantise.ts';
import { ARM_PREDICTION, HEAD_PREDICTION, type Prediction } from './defaults.ts';
import { KalmanMotion } from './kalman.ts';
import { continuePose, leadMs, type Lead } from './motion.ts';
import { PartMotion } from './part-motion.ts';
import { writeTurnBetween, writeTurned } from '../../core/rotation.ts';

/** Head, left and right controller, left and right hand: the bits of PART_BITS. */
const PARTS = 5;
const FIRST_HAND = 3;

export class AvatarMotion {
  /** By part; of those that were ever valid. */
  readonly #parts: (PartMotion | undefined)[] = Array.from({ length: PARTS });
  #spaceEpoch = 0;

  /** Takes a sample in, later than those before. Read only. */
  observe(sample: PoseSample): void {
    // A reset of the reference space moves everything, and nothing has moved.
    if (sample.spaceEpoch !== this.#spaceEpoch) this.forget();
    this.#spaceEpoch = sample.spaceEpoch;
    for (let part = 0; part < PARTS; part++) {
      if ((sample.valid & (1 << part)) === 0) this.#parts[part]?.forget();
      else this.#motionOf(part).observe(sample.captureMs, arrayOf(sample, part), offsetOf(part));
    }
  }

  /** Moves the valid parts of a sample on by `aheadMs`. @param sample - the one that was observed last, or a copy of it. */
  advance(sample: PoseSample, aheadMs: number): void {
    for (let part = 0; part < PARTS; part++) {
      const moving = this.#parts[part];
      if ((sample.valid & (1 << part)) === 0 || moving === undefined) continue;
      const lead = leadOf(settingsOf(part), aheadMs);
      if (part < FIRST_HAND) continuePose(moving.motion, lead, sample.rigid, sample.rigid, offsetOf(part));
      else continueHand(moving, lead, sample.hands, offsetOf(part));
    }
  }

  forget(): void {
    for (const part of this.#parts) part?.forget();
  }

  #motionOf(part: number): PartMotion {
    return (this.#parts[part] ??= new PartMotion(new KalmanMotion(settingsOf(part).kalman)));
  }
}

function settingsOf(part: number): Prediction {
  return part === 0 ? HEAD_PREDICTION : ARM_PREDICTION;
}

function arrayOf(sample: PoseSample, part: number): Float32Array {
  return part < FIRST_HAND ? sample.rigid : sample.hands;
}

function offsetOf(part: number): number {
  return part < FIRST_HAND ? part * POSE_FLOATS : (part - FIRST_HAND) * HAND_FLOATS;
}

function leadOf({ moveFadeMs, turnFadeMs }: Prediction, aheadMs: number): Lead {
  return { moveS: leadMs(aheadMs, moveFadeMs) / 1000, turnS: leadMs(aheadMs, turnFadeMs) / 1000 };
}

const before = new Float32Array(POSE_FLOATS);
const turn = new Float64Array(3);

/** The wrist goes on and takes the fingers along as they are: they bend and stretch too quickly to be guessed. */
function continueHand({ motion }: PartMotion, lead: Lead, joints: Float32Array, at: number): void {
  for (let index = 0; index < POSE_FLOATS; index++) before[index] = joints[at + index]!;
  continuePose(motion, lead, joints, joints, at);
  writeTurnBetween(before, 3, joints, at + 3, turn);
  for (let joint = at + POSE_FLOATS; joint < at + HAND_FLOATS; joint += POSE_FLOATS) {
    writeTurnedAbout(joints, joint, at);
    writeTurned(joints, joint + 3, turn, 1, joints, joint + 3);
  }
}

/** Carries a joint's position with the wrist: turned about where that was, and moved to where it is. */
function writeTurnedAbout(joints: Float32Array, joint: number, wrist: number): void {
  const x = joints[joint]! - before[0]!, y = joints[joint + 1]! - before[1]!, z = joints[joint + 2]! - before[2]!;
  // Rodrigues: v + sin(a) k x v + (1 - cos(a)) k x (k x v)
  const angle = Math.hypot(turn[0]!, turn[1]!, turn[2]!);
  const scale = angle > 1e-9 ? 1 / angle : 0;
  const kx = turn[0]! * scale, ky = turn[1]! * scale, kz = turn[2]! * scale;
  const cx = ky * z - kz * y, cy = kz * x - kx * z, cz = kx * y - ky * x;
  const sine = Math.sin(angle), rest = 1 - Math.cos(angle);
  joints[joint] = joints[wrist]! + x + sine * cx + rest * (ky * cz - kz * cy);
  joints[joint + 1] = joints[wrist + 1]! + y + sine * cy + rest * (kz * cx - kx * cz);
  joints[joint + 2] = joints[wrist + 2]! + z + sine * cz + rest * (kx * cy - ky * cx);
}
