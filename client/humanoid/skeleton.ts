/** The bones of a humanoid under VRM 1.0's names, and where each begins in the T-pose. */
import { vrmBones, type Side } from '../mapping/hand-joints.ts';
import type { Vector } from './turns.ts';

export const SIDES: readonly Side[] = ['left', 'right'];
const FINGERS = SIDES.map((side) => vrmBones(side).slice(1).filter((bone) => bone !== undefined));
const LIMBS = ['Shoulder', 'UpperArm', 'LowerArm', 'Hand', 'UpperLeg', 'LowerLeg', 'Foot'] as const;

/** By bone, the one that carries it; parents come first. */
export const PARENTS: ReadonlyMap<string, string | undefined> = new Map([
  ['hips', undefined], ['spine', 'hips'], ['chest', 'spine'], ['neck', 'chest'], ['head', 'neck'],
  ...SIDES.flatMap((side, index) => [
    ...LIMBS.map((limb, at) => [`${side}${limb}`, parentOfLimb(side, at)] as const),
    // Each finger is three bones.
    ...(FINGERS[index] ?? []).map((bone, at, bones) => [bone, at % 3 === 0 ? `${side}Hand` : bones[at - 1]] as const),
  ]),
]);

/** A body to move. Metres, the model's space, T-pose. */
export interface Skeleton {
  /** Where each bone begins. What a model does not have is left out; hips, head, upper and lower arms and hands there must be. */
  readonly rest: ReadonlyMap<string, Vector>;
  /** Between the eyes: what a headset follows. */
  readonly eyes: Vector;
}

/** An adult of 1.7 m, for whoever listens without telling of a model. */
export const PLAIN_SKELETON: Skeleton = {
  rest: new Map<string, Vector>([
    ['hips', [0, 0.93, 0]], ['spine', [0, 1.03, 0]], ['chest', [0, 1.17, 0]], ['neck', [0, 1.42, 0]], ['head', [0, 1.51, 0.01]],
    ...SIDES.flatMap(plainSide),
  ]),
  eyes: [0, 1.59, 0.09],
};

function parentOfLimb(side: Side, at: number): string {
  if (at === 0) return 'chest';
  return LIMBS[at] === 'UpperLeg' ? 'hips' : `${side}${LIMBS[at - 1] ?? ''}`;
}

function plainSide(side: Side, index: number): (readonly [string, Vector])[] {
  const out = side === 'left' ? 1 : -1;
  const limbs: readonly Vector[] = [[0.03, 1.39, 0], [0.14, 1.39, -0.01], [0.41, 1.39, -0.01], [0.66, 1.39, 0], [0.09, 0.88, 0], [0.09, 0.48, 0], [0.09, 0.08, -0.02]];
  const fingers = (FINGERS[index] ?? []).map((bone, at): readonly [string, Vector] => {
    const finger = Math.floor(at / 3), along = at % 3;
    // The thumb leaves the palm between the arm and the front.
    if (finger === 0) return [bone, [out * (0.68 + 0.025 * along), 1.38, 0.03 + 0.03 * along]];
    return [bone, [out * (0.75 + 0.032 * along), 1.39, 0.05 - 0.022 * finger]];
  });
  return [...LIMBS.map((limb, at): readonly [string, Vector] => [`${side}${limb}`, mirrored(limbs[at] ?? [0, 0, 0], out)]), ...fingers];
}

function mirrored([x, y, z]: Vector, out: number): Vector {
  return [out * x, y, z];
}
