/**
 * One hand on the wire: the wrist as a pose, the other 24 joints relative to it.
 *
 * Relative positions are whole millimetres in the wrist's own frame, one byte an axis. Fingers reach along -z and curl
 * along -y, so the byte's range sits around the places where joints can be instead of around zero.
 */
import { HAND_JOINT_COUNT } from '../joints.ts';
import { MAX_POSITION_M, POSE_BYTES, POSE_FLOATS, packQuaternionAt, readInt32, unpackQuaternion, writeUint32 } from './quantise.ts';
import { decodePose, encodePose, isFinitePose } from './pose.ts';

export const JOINT_BYTES = 7;
export const HAND_BYTES = POSE_BYTES + (HAND_JOINT_COUNT - 1) * JOINT_BYTES;
export const HAND_FLOATS = HAND_JOINT_COUNT * POSE_FLOATS;

/** Millimetres that byte 0 stands for, negated: x -127..128, y -150..105, z -225..30. */
const OFFSET_X_MM = 127;
const OFFSET_Y_MM = 150;
const OFFSET_Z_MM = 225;

const wrist = new Float32Array(POSE_FLOATS);
const relative = new Float32Array(4);

/**
 * Encodes a hand. Joints out of the byte's range are moved to its edge.
 *
 * The joints are made relative to the wrist as the decoder will see it, so the wrist's rounding is not added to theirs.
 *
 * @param joints - 25 poses of 7 floats from `from`: metres and unit quaternions xyzw, in the order of HAND_JOINTS. Read only.
 * @returns false, with the bytes undefined, when the wrist or a joint is not finite or the wrist is out of range.
 * @bound HAND_BYTES bytes are written from `offset`; no allocation.
 */
export function encodeHand(joints: Float32Array, from: number, bytes: Uint8Array, offset: number): boolean {
  for (let joint = 0; joint < HAND_JOINT_COUNT; joint++) if (!isFinitePose(joints, from + joint * POSE_FLOATS)) return false;
  for (let axis = 0; axis < 3; axis++) if (Math.abs(joints[from + axis]!) > MAX_POSITION_M) return false;
  encodePose(joints, from, bytes, offset);
  decodePose(bytes, offset, wrist, 0);
  const px = wrist[0]!, py = wrist[1]!, pz = wrist[2]!;
  const ix = -wrist[3]!, iy = -wrist[4]!, iz = -wrist[5]!, iw = wrist[6]!;
  let out = offset + POSE_BYTES;
  for (let joint = 1; joint < HAND_JOINT_COUNT; joint++, out += JOINT_BYTES) {
    const at = from + joint * POSE_FLOATS;
    const x = joints[at]! - px, y = joints[at + 1]! - py, z = joints[at + 2]! - pz;
    const tx = 2 * (iy * z - iz * y), ty = 2 * (iz * x - ix * z), tz = 2 * (ix * y - iy * x);
    bytes[out] = toByte(x + iw * tx + iy * tz - iz * ty, OFFSET_X_MM);
    bytes[out + 1] = toByte(y + iw * ty + iz * tx - ix * tz, OFFSET_Y_MM);
    bytes[out + 2] = toByte(z + iw * tz + ix * ty - iy * tx, OFFSET_Z_MM);
    const qx = joints[at + 3]!, qy = joints[at + 4]!, qz = joints[at + 5]!, qw = joints[at + 6]!;
    relative[0] = iw * qx + ix * qw + iy * qz - iz * qy;
    relative[1] = iw * qy - ix * qz + iy * qw + iz * qx;
    relative[2] = iw * qz + ix * qy - iy * qx + iz * qw;
    relative[3] = iw * qw - ix * qx - iy * qy - iz * qz;
    writeUint32(bytes, out + 3, packQuaternionAt(relative, 0));
  }
  return true;
}

/**
 * Decodes a hand into the space of its wrist. Any HAND_BYTES bytes with a finite wrist give finite joints.
 *
 * @param joints - 25 poses of 7 floats from `to` are overwritten.
 * @returns false when the wrist is marked as not finite.
 */
export function decodeHand(bytes: Uint8Array, offset: number, joints: Float32Array, to = 0): boolean {
  if (!decodePose(bytes, offset, joints, to)) return false;
  const px = joints[to]!, py = joints[to + 1]!, pz = joints[to + 2]!;
  const wx = joints[to + 3]!, wy = joints[to + 4]!, wz = joints[to + 5]!, ww = joints[to + 6]!;
  let from = offset + POSE_BYTES;
  for (let joint = 1; joint < HAND_JOINT_COUNT; joint++, from += JOINT_BYTES) {
    const at = to + joint * POSE_FLOATS;
    const x = (bytes[from]! - OFFSET_X_MM) / 1000, y = (bytes[from + 1]! - OFFSET_Y_MM) / 1000, z = (bytes[from + 2]! - OFFSET_Z_MM) / 1000;
    const tx = 2 * (wy * z - wz * y), ty = 2 * (wz * x - wx * z), tz = 2 * (wx * y - wy * x);
    joints[at] = px + x + ww * tx + wy * tz - wz * ty;
    joints[at + 1] = py + y + ww * ty + wz * tx - wx * tz;
    joints[at + 2] = pz + z + ww * tz + wx * ty - wy * tx;
    unpackQuaternion(readInt32(bytes, from + 3), relative, 0);
    const qx = relative[0]!, qy = relative[1]!, qz = relative[2]!, qw = relative[3]!;
    joints[at + 3] = ww * qx + wx * qw + wy * qz - wz * qy;
    joints[at + 4] = ww * qy - wx * qz + wy * qw + wz * qx;
    joints[at + 5] = ww * qz + wx * qy - wy * qx + wz * qw;
    joints[at + 6] = ww * qw - wx * qx - wy * qy - wz * qz;
  }
  return true;
}

/**
 * Reads where one joint is, in the space of its wrist.
 *
 * @param offset - of the joint's JOINT_BYTES. @param wristPose - 7 floats, decoded. Read only. @param position - x y z are overwritten.
 */
export function readJointPosition(bytes: Uint8Array, offset: number, wristPose: Float32Array, position: Float32Array): void {
  const wx = wristPose[3]!, wy = wristPose[4]!, wz = wristPose[5]!, ww = wristPose[6]!;
  const x = (bytes[offset]! - OFFSET_X_MM) / 1000, y = (bytes[offset + 1]! - OFFSET_Y_MM) / 1000, z = (bytes[offset + 2]! - OFFSET_Z_MM) / 1000;
  const tx = 2 * (wy * z - wz * y), ty = 2 * (wz * x - wx * z), tz = 2 * (wx * y - wy * x);
  position[0] = wristPose[0]! + x + ww * tx + wy * tz - wz * ty;
  position[1] = wristPose[1]! + y + ww * ty + wz * tx - wx * tz;
  position[2] = wristPose[2]! + z + ww * tz + wx * ty - wy * tx;
}

/** The nearest whole millimetre, moved to the edge of the byte when out of its range. */
function toByte(metres: number, offsetMm: number): number {
  const shifted = metres * 1000 + offsetMm + 0.5;
  return shifted < 0 ? 0 : shifted > 255 ? 255 : shifted | 0;
}
