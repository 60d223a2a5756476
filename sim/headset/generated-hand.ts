/**
 * A hand for recordings that have none: it moves between measured poses, on the wrist of a recorded controller.
 *
 * Only the poses and the wrist are measured, so what comes out is labelled `generated`.
 */
import { Quaternion, Vector3 } from 'three';
import { blendPoses } from '../../client/blend.ts';
import { HAND_FLOATS } from '../../protocol/codec/hand.ts';
import { HAND_JOINT_COUNT } from '../../protocol/joints.ts';
import { POSE_FLOATS } from '../../protocol/codec/quantise.ts';
import { randomInt, seededRandom } from '../../core/random.ts';
import { PARENTS, type HandPose } from './hand-poses.ts';

/** How long a pose lasts, with the move to it. */
const HOLD_MS = 1800;
const MOVE_MS = 450;
/** The wrist is behind the grip; the back of the hand faces away from the body. */
const WRIST_BEHIND_GRIP_M = 0.09;

/** A hand's movement: the same seed gives the same one. */
export interface GeneratedHand {
  /** The name of the pose that the hand holds or moves to. */
  poseNameAt(timeMs: number): string;
  /**
   * Writes the joints at `timeMs`.
   *
   * @param grip - the pose of the controller at `gripAt`, 7 floats. Read only.
   * @param into - [25, 7] floats are overwritten from `at`, in the space of `grip`.
   */
  write(timeMs: number, grip: Float32Array, gripAt: number, into: Float32Array, at: number): void;
}

/** @param poses - of a left hand, at least one; mirrored for a right hand. */
export function generateHand(poses: readonly HandPose[], { side, seed }: { side: 'left' | 'right'; seed: number }): GeneratedHand {
  const local = new Float32Array(HAND_FLOATS);
  const poseOf = (slot: number): HandPose => poses[randomInt(seededRandom(seed * 7919 + slot), poses.length)] as HandPose;
  return {
    poseNameAt: (timeMs) => poseOf(Math.floor(timeMs / HOLD_MS)).name,
    write(timeMs, grip, gripAt, into, at) {
      const slot = Math.floor(timeMs / HOLD_MS);
      const fraction = easeInOut(Math.min(1, (timeMs - slot * HOLD_MS) / MOVE_MS));
      blendPoses({ from: poseOf(slot - 1).local, to: poseOf(slot).local, fraction }, local, 0, HAND_FLOATS);
      placeHand(local, { side, grip, gripAt }, into, at);
    },
  };
}

/** Starts and ends at rest. */
function easeInOut(fraction: number): number {
  return fraction * fraction * (3 - 2 * fraction);
}

const ROLL = { left: quarterTurn(1), right: quarterTurn(-1) };

function quarterTurn(direction: 1 | -1): Quaternion {
  return new Quaternion(0, 0, direction * Math.SQRT1_2, Math.SQRT1_2);
}

const joint = { position: new Vector3(), orientation: new Quaternion() };
const parent = { position: new Vector3(), orientation: new Quaternion() };

/** Chains the joints from the wrist outwards. */
function placeHand(local: Float32Array, where: { side: 'left' | 'right'; grip: Float32Array; gripAt: number }, into: Float32Array, at: number): void {
  joint.orientation.fromArray(where.grip, where.gripAt + 3);
  joint.position.set(0, 0, WRIST_BEHIND_GRIP_M).applyQuaternion(joint.orientation);
  joint.position.add(parent.position.fromArray(where.grip, where.gripAt));
  writeJoint(into, at, joint.position, joint.orientation.multiply(ROLL[where.side]));
  const mirror = where.side === 'left' ? 1 : -1;
  for (let index = 1; index < HAND_JOINT_COUNT; index++) {
    const from = index * POSE_FLOATS;
    const parentAt = at + PARENTS[index]! * POSE_FLOATS;
    parent.position.fromArray(into, parentAt);
    parent.orientation.fromArray(into, parentAt + 3);
    joint.position.set(local[from]! * mirror, local[from + 1]!, local[from + 2]!).applyQuaternion(parent.orientation).add(parent.position);
    joint.orientation.set(local[from + 3]!, local[from + 4]! * mirror, local[from + 5]! * mirror, local[from + 6]!).premultiply(parent.orientation);
    writeJoint(into, at + from, joint.position, joint.orientation);
  }
}

function writeJoint(into: Float32Array, at: number, position: Vector3, orientation: Quaternion): void {
  position.toArray(into, at);
  orientation.normalize().toArray(into, at + 3);
}
