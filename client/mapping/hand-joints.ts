/**
 * The joints of a hand under the names that others have for them. The order is always that of HAND_JOINTS, which is WebXR's.
 *
 * Names and indices only. How a joint is turned differs too: WebXR and OpenXR look along -Z towards the tip, VRM and VMC give turns from a rest pose.
 */
import { HAND_JOINTS } from '../../protocol/joints.ts';

export type Side = 'left' | 'right';

const FINGERS = ['Index', 'Middle', 'Ring', 'Little'] as const;

/** The index of each joint in OpenXR's XrHandJointEXT: the same order behind its palm, which WebXR has not. */
export const OPENXR_JOINTS: readonly number[] = HAND_JOINTS.map((_, joint) => joint + 1);

/** The index of each joint among MediaPipe's 21 hand landmarks; the four long fingers have no metacarpal there. */
export const MEDIAPIPE_LANDMARKS: readonly (number | undefined)[] = [
  0,
  1, 2, 3, 4,
  ...FINGERS.flatMap((_, finger) => [undefined, ...[5, 6, 7, 8].map((landmark) => landmark + 4 * finger)]),
];

/** The bone of VRM 1.0's humanoid that begins at each joint. Tips end the bone before them, and long metacarpals are part of the hand. */
export function vrmBones(side: Side): readonly (string | undefined)[] {
  const thumb = ['Metacarpal', 'Proximal', 'Distal'].map((segment) => `${side}Thumb${segment}`);
  return [`${side}Hand`, ...thumb, undefined, ...FINGERS.flatMap((finger) => longFinger(side, finger))];
}

/** The bone of VMC, which has Unity's names: its thumb's first bone is called proximal. */
export function vmcBones(side: Side): readonly (string | undefined)[] {
  const capital = side === 'left' ? 'Left' : 'Right';
  const thumb = ['Proximal', 'Intermediate', 'Distal'].map((segment) => `${capital}Thumb${segment}`);
  return [`${capital}Hand`, ...thumb, undefined, ...FINGERS.flatMap((finger) => longFinger(capital, finger))];
}

/**
 * The way back: by the other's name or index, the joint here.
 *
 * @param names - one of the tables above.
 */
export function jointsBy<Name extends string | number>(names: readonly (Name | undefined)[]): ReadonlyMap<Name, number> {
  return new Map(names.flatMap((name, joint) => (name === undefined ? [] : [[name, joint] as const])));
}

function longFinger(side: string, finger: (typeof FINGERS)[number]): (string | undefined)[] {
  return [undefined, ...['Proximal', 'Intermediate', 'Distal'].map((segment) => `${side}${finger}${segment}`), undefined];
}
