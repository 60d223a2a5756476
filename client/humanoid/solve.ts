/**
 * A whole humanoid from what a headset tracks: head, and hands or controllers.
 *
 * Head, hands and fingers are as they were tracked. Everything between is a guess that a body could be in: the trunk stands below the head and turns with it and the
 * hands, arms reach for the wrists with elbows that hang out and back, legs stand on the floor.
 */
import { HAND_FLOATS } from '../../protocol/codec/hand.ts';
import { PART_BITS, type PoseSample } from '../../protocol/codec/pose-sample.ts';
import { POSE_FLOATS } from '../../protocol/codec/quantise.ts';
import { boneTurn, REST_HEAD, restGrip, restJoint, restThumb } from '../mapping/bone-turns.ts';
import { vrmBones, type Side } from '../mapping/hand-joints.ts';
import { modelPosition, modelTurn } from '../mapping/spaces.ts';
import { reach } from './limb.ts';
import { PARENTS, SIDES, type Skeleton } from './skeleton.ts';
import { add, cross, direction, dot, inverse, multiply, NO_TURN, rotate, shareOf, subtract, turnAbout, turnBetween, twistAbout, type Turn, type Vector } from './turns.ts';

/** In the model's space, which is the session's with half a turn about y. */
export interface HumanoidPose {
  readonly hips: Vector;
  /** By bone, how it is turned against its parent; nothing in the T-pose. Bones that the skeleton does not have are left out. */
  readonly turns: ReadonlyMap<string, Turn>;
}

const UP: Vector = [0, 1, 0];
const AHEAD: Vector = [0, 0, 1];
/** How much the line between the hands says of where the trunk looks. */
const HANDS_SHARE = 0.3;
/** How far behind the middle of the fist the wrist is, along the fingers' axis of the grip. */
const WRIST_BEHIND_GRIP: Vector = [0, 0.08, 0];
/** Crouching lowers the hips to this share of their height, and bends the back from there on. */
const LOWEST_HIPS = 0.35;

interface Wrist {
  readonly at: Vector;
  readonly turn: Turn;
}

/** @returns undefined when the head is not known: there is nothing to begin with. */
export function solveHumanoid(sample: PoseSample, skeleton: Skeleton): HumanoidPose | undefined {
  if ((sample.valid & PART_BITS.head) === 0) return undefined;
  const eyes = modelPosition(vectorAt(sample.rigid, 0));
  const head = boneTurn(modelTurn(turnAt(sample.rigid, 3)), REST_HEAD);
  const wrists = SIDES.map((side, index) => wristOf(sample, side, index));
  const body = bodyTurn(head, wrists);
  const turns = new Map<string, Turn>([['head', head]]);
  const { hips, joints } = placeTrunk(skeleton, { eyes, head, body }, turns);
  SIDES.forEach((side, index) => {
    poseArm(skeleton, side, { body, shoulders: joints, wrist: wrists[index] }, turns);
    if ((sample.valid & (PART_BITS.leftHand << index)) !== 0) poseFingers(skeleton, side, sample.hands, index * HAND_FLOATS, turns);
    poseLeg(skeleton, side, { body, hips }, turns);
  });
  return { hips, turns: againstParents(turns, skeleton) };
}

/** Where the trunk looks: where the head does, flat, and a little where the hands do. */
function bodyTurn(head: Turn, wrists: readonly (Wrist | undefined)[]): Turn {
  const gaze = rotate(head, AHEAD);
  // Whoever looks straight up or down faces where the top of the head does not.
  const flat = direction([gaze[0], 0, gaze[2]], AHEAD);
  const crown = rotate(head, UP);
  const facing = Math.hypot(gaze[0], gaze[2]) > 0.3 ? flat : direction([crown[0] * -Math.sign(gaze[1]), 0, crown[2] * -Math.sign(gaze[1])], flat);
  const [left, right] = wrists;
  const apart = left === undefined || right === undefined ? undefined : subtract(left.at, right.at);
  const square = apart === undefined || Math.hypot(apart[0], apart[2]) < 0.15 ? facing : direction(cross([apart[0], 0, apart[2]], UP), facing);
  const share = dot(square, facing) > 0.2 ? HANDS_SHARE : 0;
  return turnAbout(UP, Math.atan2(facing[0] * (1 - share) + square[0] * share, facing[2] * (1 - share) + square[2] * share));
}

interface Trunk {
  readonly eyes: Vector;
  readonly head: Turn;
  readonly body: Turn;
}

/** Hangs the trunk below the head, and says where the arms begin. The head comes to lie where it was tracked, to the last bit of the chain. */
function placeTrunk({ rest, eyes: restEyes }: Skeleton, { eyes, head, body }: Trunk, turns: Map<string, Turn>): { hips: Vector; joints: (side: Side) => Vector } {
  const at = (bone: string): Vector => rest.get(bone) ?? at(PARENTS.get(bone) ?? 'hips');
  const between = (from: string, to: string): Vector => subtract(at(to), at(from));
  const neck = multiply(body, shareOf(multiply(inverse(body), head), 0.5));
  const headAt = subtract(eyes, rotate(head, subtract(restEyes, at('head'))));
  const neckAt = subtract(headAt, rotate(neck, between('neck', 'head')));
  const trunk = rotate(body, between('hips', 'neck'));
  // Whoever crouches lower than their hips can go leans forward, with the hips behind.
  const liftM = Math.max(0, at('hips')[1] * LOWEST_HIPS - (neckAt[1] - trunk[1]));
  const lean = turnBetween(direction(trunk, UP), direction(add(trunk, rotate(body, [0, -liftM, liftM])), UP));
  const chest = multiply(lean, body);
  const spine = multiply(shareOf(lean, 0.5), body);
  for (const [bone, turn] of [['hips', body], ['spine', spine], ['chest', chest], ['neck', neck]] as const) turns.set(bone, turn);
  const chain = [rotate(body, between('hips', 'spine')), rotate(spine, between('spine', 'chest')), rotate(chest, between('chest', 'neck')), rotate(neck, between('neck', 'head'))];
  const hips = chain.reduceRight(subtract, headAt);
  const chestAt = add(hips, add(chain[0] ?? UP, chain[1] ?? UP));
  return { hips, joints: (side) => add(chestAt, rotate(chest, between('chest', `${side}UpperArm`))) };
}

interface Reach {
  readonly body: Turn;
  readonly shoulders: (side: Side) => Vector;
  readonly wrist: Wrist | undefined;
}

function poseArm({ rest }: Skeleton, side: Side, { body, shoulders, wrist }: Reach, turns: Map<string, Turn>): void {
  const out = side === 'left' ? 1 : -1;
  const bones = restOf(rest, [`${side}UpperArm`, `${side}LowerArm`, `${side}Hand`]);
  if (bones === undefined) return;
  const root = shoulders(side);
  const hanging = add(root, rotate(body, [out * 0.12, -1, 0.06]));
  const { upper, lower } = reach({ root, target: wrist?.at ?? hanging, rest: bones, bend: rotate(body, [out * 0.5, -0.7, -0.5]), restBend: [0, 0, -1] });
  turns.set(`${side}Shoulder`, turns.get('chest') ?? body);
  turns.set(`${side}UpperArm`, upper);
  turns.set(`${side}Hand`, wrist?.turn ?? lower);
  // Both bones of a forearm share in what turns the hand about it.
  const about = direction(subtract(bones[2], bones[1]), [out, 0, 0]);
  const twist = wrist === undefined ? NO_TURN : shareOf(twistAbout(multiply(inverse(lower), wrist.turn), about), 0.5);
  turns.set(`${side}LowerArm`, multiply(lower, twist));
}

function poseLeg({ rest }: Skeleton, side: Side, { body, hips }: { readonly body: Turn; readonly hips: Vector }, turns: Map<string, Turn>): void {
  const bones = restOf(rest, [`${side}UpperLeg`, `${side}LowerLeg`, `${side}Foot`]);
  const restHips = rest.get('hips');
  if (bones === undefined || restHips === undefined) return;
  const root = add(hips, rotate(body, subtract(bones[0], restHips)));
  const foot = rotate(body, subtract(bones[2], restHips));
  const { upper, lower } = reach({ root, target: [hips[0] + foot[0], bones[2][1], hips[2] + foot[2]], rest: bones, bend: rotate(body, AHEAD), restBend: AHEAD });
  turns.set(`${side}UpperLeg`, upper);
  turns.set(`${side}LowerLeg`, lower);
  turns.set(`${side}Foot`, body);
}

function poseFingers({ rest }: Skeleton, side: Side, joints: Float32Array, start: number, turns: Map<string, Turn>): void {
  const thumbs = restOf(rest, [`${side}ThumbMetacarpal`, `${side}ThumbProximal`, `${side}ThumbDistal`]);
  const thumb = thumbs && restThumb(side, subtract(thumbs[1], thumbs[0]));
  vrmBones(side).forEach((bone, joint) => {
    if (joint === 0 || bone === undefined || (joint < 5 && thumb === undefined)) return;
    turns.set(bone, boneTurn(modelTurn(turnAt(joints, start + joint * POSE_FLOATS + 3)), joint < 5 && thumb !== undefined ? thumb : restJoint(side)));
  });
}

/** Of a tracked hand, else of the controller that a hand holds. */
function wristOf({ valid, rigid, hands }: PoseSample, side: Side, index: number): Wrist | undefined {
  if ((valid & (PART_BITS.leftHand << index)) !== 0) {
    const at = index * HAND_FLOATS;
    return { at: modelPosition(vectorAt(hands, at)), turn: boneTurn(modelTurn(turnAt(hands, at + 3)), restJoint(side)) };
  }
  if ((valid & (PART_BITS.leftController << index)) === 0) return undefined;
  const at = (1 + index) * POSE_FLOATS;
  const grip = modelTurn(turnAt(rigid, at + 3));
  return { at: add(modelPosition(vectorAt(rigid, at)), rotate(grip, WRIST_BEHIND_GRIP)), turn: boneTurn(grip, restGrip(side)) };
}

/** From turns in the model's space to turns against the next bone up that there is. */
function againstParents(turns: ReadonlyMap<string, Turn>, { rest }: Skeleton): Map<string, Turn> {
  const local = new Map<string, Turn>();
  for (const [bone, turn] of turns) {
    if (!rest.has(bone)) continue;
    let parent = PARENTS.get(bone);
    while (parent !== undefined && (!rest.has(parent) || !turns.has(parent))) parent = PARENTS.get(parent);
    local.set(bone, parent === undefined ? turn : multiply(inverse(turns.get(parent) ?? NO_TURN), turn));
  }
  return local;
}

function restOf(rest: Skeleton['rest'], bones: readonly [string, string, string]): readonly [Vector, Vector, Vector] | undefined {
  const [first, second, third] = bones.map((bone) => rest.get(bone));
  return first && second && third ? [first, second, third] : undefined;
}

function vectorAt(floats: Float32Array, at: number): Vector {
  return [floats[at]!, floats[at + 1]!, floats[at + 2]!];
}

function turnAt(floats: Float32Array, at: number): Turn {
  return [floats[at]!, floats[at + 1]!, floats[at + 2]!, floats[at + 3]!];
}
