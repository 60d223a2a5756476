/** What a camera sees of a hand: its landmarks in a picture, without their depth. */
import type { Random } from '../../core/random.ts';
import { randomBetween, randomNormal } from '../../core/random.ts';
import { LANDMARK_COUNT, LANDMARK_JOINTS } from '../../features/hand.ts';

/** x and y of each landmark, y up. */
export const CAMERA_VALUES = LANDMARK_COUNT * 2;

/** How far a camera may stand off the palm's normal; its distance in metres. */
const CONE = (50 * Math.PI) / 180;
const CAMERA_DISTANCE = [0.35, 1] as const;

/**
 * A perspective picture by a camera somewhere in front of or behind the palm.
 *
 * @param positions - [25, 3] metres in the wrist's frame, XRHand order. Read only.
 * @returns [21, 2]
 */
export function cameraView(random: Random, positions: Float32Array): number[] {
  const across = randomBetween(random, -CONE, CONE);
  const along = randomBetween(random, -CONE, CONE);
  const side = random.next() < 0.5 ? 1 : -1;
  const away = randomBetween(random, ...CAMERA_DISTANCE);
  return LANDMARK_JOINTS.flatMap((joint) => {
    const x = positions[joint * 3]!;
    const y = positions[joint * 3 + 1]!;
    const z = positions[joint * 3 + 2]!;
    // The wrist's frame has y out of the back of the hand: turn about z, then about x, and look along y.
    const turnedX = x * Math.cos(across) - y * Math.sin(across);
    const height = x * Math.sin(across) + y * Math.cos(across);
    const turnedZ = z * Math.cos(along) - height * Math.sin(along);
    const depth = away + side * (z * Math.sin(along) + height * Math.cos(along));
    return [turnedX / depth, turnedZ / depth];
  });
}

/**
 * The same hand seen from a little aside: stretched along a random direction, with noise.
 *
 * @param values - [21, 2] in any unit. Read only.
 * @param stretch - the largest, as a share. @param noise - deviation, as a share of the hand's largest coordinate from the wrist.
 */
export function stretchedView(random: Random, values: readonly (number | null)[], { stretch, noise }: { stretch: number; noise: number }): (number | null)[] {
  const direction = randomBetween(random, 0, Math.PI);
  const [x, y] = [Math.cos(direction), Math.sin(direction)];
  const share = randomBetween(random, -stretch, stretch);
  const [wristX, wristY] = [values[0] ?? 0, values[1] ?? 0];
  const size = values.reduce((largest: number, value, at) => Math.max(largest, Math.abs((value ?? 0) - (at % 2 === 0 ? wristX : wristY))), 0);
  return values.map((value, at) => {
    if (value === null) return null;
    const start = at - (at % 2);
    const along = (((values[start] ?? wristX) - wristX) * x + ((values[start + 1] ?? wristY) - wristY) * y) * share;
    return value + along * (at % 2 === 0 ? x : y) + randomNormal(random) * noise * size;
  });
}

/** [21, 3] as `landmarkFeatures` takes them, z 0; NaN where a value is missing. */
export function viewPoints(values: readonly (number | null)[]): Float32Array {
  return Float32Array.from({ length: LANDMARK_COUNT * 3 }, (_, at) => (at % 3 === 2 ? 0 : (values[Math.floor(at / 3) * 2 + (at % 3)] ?? Number.NaN)));
}
