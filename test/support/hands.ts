/** A plausible right hand for tests that need joints but no recording. */
import { XR_HAND_JOINT_COUNT } from '../../features/hand.ts';
import type { HandCapture } from '../../training/hands/handy-poses.ts';

/** Where each finger starts, how far its bones reach and how much each joint bends; metres and radians. */
const FINGERS = [
  { x: -0.02, z: -0.035, bones: [0.04, 0.032, 0.025], lift: -0.02 },
  { x: -0.016, z: -0.041, bones: [0.055, 0.038, 0.024, 0.022], lift: -0.009 },
  { x: -0.003, z: -0.041, bones: [0.055, 0.042, 0.027, 0.023], lift: -0.009 },
  { x: 0.008, z: -0.038, bones: [0.052, 0.038, 0.026, 0.022], lift: -0.009 },
  { x: 0.023, z: -0.034, bones: [0.045, 0.03, 0.02, 0.02], lift: -0.009 },
];

/** A right hand in its wrist's frame, palm down; `curl` radians at each finger joint, 0 is flat. [25, 3] metres. */
export function handPositions(curl: number): Float32Array {
  const positions = [0, 0, 0];
  for (const { x, z, bones, lift } of FINGERS) {
    let point = [x, lift, z] as const;
    let bent = 0;
    positions.push(...point);
    for (const [index, bone] of bones.entries()) {
      bent += index === 0 ? 0 : curl;
      // Fingers fan out a little, so that the palm has a width at the knuckles.
      point = [point[0] + x * bone * 8, point[1] - Math.sin(bent) * bone, point[2] - Math.cos(bent) * bone];
      positions.push(...point);
    }
  }
  return Float32Array.from(positions.slice(0, XR_HAND_JOINT_COUNT * 3));
}

/** The same hand mirrored to the left. */
export function mirrored(positions: Float32Array): Float32Array {
  return positions.map((value, at) => (at % 3 === 0 ? -value : value));
}

/** A line of a handy.js pose file. */
export function poseLine({ name, handedness, positions }: HandCapture): string {
  const jointPositions = Array.from({ length: XR_HAND_JOINT_COUNT }, (_, joint) =>
    Array.from(positions.subarray(joint * 3, joint * 3 + 3), (metres) => Math.round(metres * 1000)));
  return `\t${JSON.stringify({ names: [name], handedness, jointPositions })},`;
}
