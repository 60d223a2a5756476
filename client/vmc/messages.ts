/**
 * A humanoid as messages of the Virtual Motion Capture protocol 2.7, what a performer sends (https://protocol.vmc.info/english): positions and turns in Unity's space.
 *
 * Pure: who sends them decides when.
 */
import type { PoseSample } from '../../protocol/codec/pose-sample.ts';
import { PART_BITS } from '../../protocol/codec/pose-sample.ts';
import { POSE_FLOATS } from '../../protocol/codec/quantise.ts';
import { EXPRESSIONS, VRM0_EXPRESSIONS, type Expression } from '../humanoid/expressions.ts';
import { PARENTS, type Skeleton } from '../humanoid/skeleton.ts';
import type { HumanoidPose } from '../humanoid/solve.ts';
import { subtract, type Turn, type Vector } from '../humanoid/turns.ts';
import { unityBone } from '../mapping/unity-bones.ts';
import { unityModelPosition, unityModelTurn, unityPosition, unityTurn } from '../mapping/spaces.ts';

export interface VmcMessage {
  readonly address: string;
  readonly args: readonly (string | number | { readonly int: number })[];
}

/** What there is to say of one moment of one participant. */
export interface VmcMoment {
  readonly sample: PoseSample;
  readonly pose: HumanoidPose;
  readonly skeleton: Skeleton;
  readonly face: Readonly<Record<Expression, number>>;
  /** Since the sender began. */
  readonly seconds: number;
}

const TRACKED = ['head', 'left_hand', 'right_hand'] as const;

/** In the order in which a listener takes them: where the model stands, its bones, its face, the devices, and that all is well. */
export function vmcMessages({ sample, pose, skeleton, face, seconds }: VmcMoment): VmcMessage[] {
  return [
    // The model's root stays; the hips carry it about.
    message('/VMC/Ext/Root/Pos', 'root', [0, 0, 0], [0, 0, 0, 1]),
    ...boneMessages(pose, skeleton),
    ...EXPRESSIONS.map((name) => ({ address: '/VMC/Ext/Blend/Val', args: [VRM0_EXPRESSIONS[name], face[name]] })),
    { address: '/VMC/Ext/Blend/Apply', args: [] },
    ...deviceMessages(sample),
    { address: '/VMC/Ext/T', args: [seconds] },
    // Loaded, calibrated, in normal mode, tracked as well as the head is.
    { address: '/VMC/Ext/OK', args: [1, 3, 0, (sample.tracked & PART_BITS.head) === 0 ? 0 : 1].map((int) => ({ int })) },
  ];
}

function boneMessages({ hips, turns }: HumanoidPose, { rest }: Skeleton): VmcMessage[] {
  return [...turns].map(([bone, turn]) => {
    const parent = PARENTS.get(bone);
    const at = rest.get(bone), from = parent === undefined ? undefined : rest.get(parent);
    const local: Vector = at === undefined || from === undefined ? hips : subtract(at, from);
    return message('/VMC/Ext/Bone/Pos', unityBone(bone), unityModelPosition(local), unityModelTurn(turn));
  });
}

/** Head and controllers as they were tracked, for listeners that pose a body themselves. */
function deviceMessages({ valid, rigid }: PoseSample): VmcMessage[] {
  return TRACKED.flatMap((name, part) => {
    if ((valid & (1 << part)) === 0) return [];
    const [x, y, z, qx, qy, qz, qw] = rigid.subarray(part * POSE_FLOATS, (part + 1) * POSE_FLOATS) as unknown as [number, number, number, number, number, number, number];
    return [message('/VMC/Ext/Tra/Pos', name, unityPosition([x, y, z]), unityTurn([qx, qy, qz, qw]))];
  });
}

function message(address: string, name: string, at: Vector, turn: Turn): VmcMessage {
  return { address, args: [name, ...at, ...turn] };
}
