/** One pose on the wire: three int16 millimetres and a packed quaternion, 10 bytes. */
import { NOT_FINITE, packQuaternionAt, quantisePosition, readInt16, readInt32, unpackQuaternion, writeInt16, writeUint32 } from './quantise.ts';

/**
 * Encodes a pose whose position is within MAX_POSITION_M; a component that is not finite becomes NOT_FINITE.
 *
 * @param poses - 7 floats from `from`: metres, then a quaternion xyzw. Read only.
 * @bound POSE_BYTES bytes are written from `offset`; no allocation.
 */
export function encodePose(poses: Float32Array, from: number, bytes: Uint8Array, offset: number): void {
  writeInt16(bytes, offset, quantisePosition(poses[from]!));
  writeInt16(bytes, offset + 2, quantisePosition(poses[from + 1]!));
  writeInt16(bytes, offset + 4, quantisePosition(poses[from + 2]!));
  writeUint32(bytes, offset + 6, packQuaternionAt(poses, from + 3));
}

/** Decodes a pose into 7 floats from `to`; false, with the target undefined, when a coordinate is NOT_FINITE. */
export function decodePose(bytes: Uint8Array, offset: number, poses: Float32Array, to: number): boolean {
  const x = readInt16(bytes, offset), y = readInt16(bytes, offset + 2), z = readInt16(bytes, offset + 4);
  if (x === NOT_FINITE || y === NOT_FINITE || z === NOT_FINITE) return false;
  poses[to] = x / 1000;
  poses[to + 1] = y / 1000;
  poses[to + 2] = z / 1000;
  unpackQuaternion(readInt32(bytes, offset + 6), poses, to + 3);
  return true;
}

/** Whether the encoded pose at `offset` has finite coordinates; the gateway's check, without decoding. */
export function poseIsFinite(bytes: Uint8Array, offset: number): boolean {
  return readInt16(bytes, offset) !== NOT_FINITE && readInt16(bytes, offset + 2) !== NOT_FINITE && readInt16(bytes, offset + 4) !== NOT_FINITE;
}

/** Whether the seven floats at `at` are finite: a sum of so few float32 cannot overflow, so it is finite exactly when they are. */
export function isFinitePose(poses: Float32Array, at: number): boolean {
  const sum = poses[at]! + poses[at + 1]! + poses[at + 2]! + poses[at + 3]! + poses[at + 4]! + poses[at + 5]! + poses[at + 6]!;
  return sum - sum === 0;
}
