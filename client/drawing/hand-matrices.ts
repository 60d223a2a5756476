/** The joints of a hand and the bones between them as matrices for instanced meshes, the same for every engine. */
import { HAND_JOINT_COUNT } from '../../protocol/joints.ts';
import { POSE_FLOATS } from '../../protocol/codec/quantise.ts';

export const MATRIX_FLOATS = 16;

/** Pairs of joints, in the order of HAND_JOINTS: the wrist to each finger's first joint, then along the finger. */
export const HAND_BONES: readonly (readonly [number, number])[] = [1, 5, 10, 15, 20].flatMap((first, finger) => {
  const length = finger === 0 ? 4 : 5;
  return Array.from({ length }, (_, index) => [index === 0 ? 0 : first + index - 1, first + index] as const);
});

/** Below this a bone has no direction that could be told from noise. */
const SHORTEST_M = 1e-4;

/**
 * Writes where to put a ball for each joint, and a rod of length 1 along y for each bone.
 *
 * @param joints - 25 poses of 7 floats from `start`, session space. Read only.
 * @param balls - [25, 16] column-major, overwritten.
 * @param rods - [24, 16] column-major, overwritten: centred, stretched to the bone's length, round about y as it comes.
 */
export function writeHandMatrices(joints: Float32Array, start: number, balls: Float32Array, rods: Float32Array): void {
  for (let joint = 0; joint < HAND_JOINT_COUNT; joint++) {
    const at = start + joint * POSE_FLOATS, to = joint * MATRIX_FLOATS;
    balls.fill(0, to, to + MATRIX_FLOATS);
    balls[to] = balls[to + 5] = balls[to + 10] = balls[to + 15] = 1;
    for (let axis = 0; axis < 3; axis++) balls[to + 12 + axis] = joints[at + axis]!;
  }
  for (let bone = 0; bone < HAND_BONES.length; bone++) {
    const [from, to] = HAND_BONES[bone]!;
    writeRod(joints, start + from * POSE_FLOATS, start + to * POSE_FLOATS, rods, bone * MATRIX_FLOATS);
  }
}

/** A frame whose y goes along the bone; the other two axes are any that stand on it (Duff et al. 2017, without branches). */
function writeRod(joints: Float32Array, from: number, to: number, rods: Float32Array, at: number): void {
  const dx = joints[to]! - joints[from]!, dy = joints[to + 1]! - joints[from + 1]!, dz = joints[to + 2]! - joints[from + 2]!;
  const length = Math.max(SHORTEST_M, Math.hypot(dx, dy, dz));
  const nx = dx / length, ny = dy / length, nz = dz / length;
  const sign = nz < 0 ? -1 : 1;
  const a = -1 / (sign + nz), b = nx * ny * a;
  rods[at] = b;
  rods[at + 1] = sign + ny * ny * a;
  rods[at + 2] = -ny;
  rods[at + 4] = dx;
  rods[at + 5] = dy;
  rods[at + 6] = dz;
  rods[at + 8] = 1 + sign * nx * nx * a;
  rods[at + 9] = sign * b;
  rods[at + 10] = -sign * nx;
  for (let axis = 0; axis < 3; axis++) rods[at + 12 + axis] = (joints[from + axis]! + joints[to + axis]!) / 2;
  rods[at + 3] = rods[at + 7] = rods[at + 11] = 0;
  rods[at + 15] = 1;
}
