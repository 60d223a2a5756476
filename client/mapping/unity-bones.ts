/** What Unity's HumanBodyBones, and so VMC, calls a bone of VRM 1.0. */
import { vmcBones, vrmBones, type Side } from './hand-joints.ts';

const SIDES: readonly Side[] = ['left', 'right'];
/** Fingers differ by more than a capital: VRM 1.0 calls a thumb's first bone metacarpal. */
const FINGERS = new Map(SIDES.flatMap((side) => vrmBones(side).map((bone, joint) => [bone, vmcBones(side)[joint]] as const)));
const BACK = new Map([...FINGERS].map(([vrm, unity]) => [unity, vrm]));

export function unityBone(vrm: string): string {
  return FINGERS.get(vrm) ?? vrm.charAt(0).toUpperCase() + vrm.slice(1);
}

export function vrmBoneOfUnity(unity: string): string {
  return BACK.get(unity) ?? unity.charAt(0).toLowerCase() + unity.slice(1);
}
