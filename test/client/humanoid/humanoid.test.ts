import fc from 'fast-check';
import { Object3D, Quaternion, Vector3 } from 'three';
import { describe, expect, it } from 'vitest';
import { Face } from '../../../client/humanoid/expressions.ts';
import { PARENTS, PLAIN_SKELETON } from '../../../client/humanoid/skeleton.ts';
import { solveHumanoid, type HumanoidPose } from '../../../client/humanoid/solve.ts';
import { multiply, turnAbout, turnBetween, type Turn, type Vector } from '../../../client/humanoid/turns.ts';
import { restGrip, restJoint, restThumb } from '../../../client/mapping/bone-turns.ts';
import { vrmBones, type Side } from '../../../client/mapping/hand-joints.ts';
import { modelPosition, modelTurn } from '../../../client/mapping/spaces.ts';
import { writeWavingPose } from '../../../examples/generated-pose.ts';
import { HAND_FLOATS } from '../../../protocol/codec/hand.ts';
import { createPoseSample, PART_BITS, type PoseSample } from '../../../protocol/codec/pose-sample.ts';
import { decimal } from '../support/decimals.ts';

const { rest, eyes } = PLAIN_SKELETON;
const SIDES = [['left', 0], ['right', 1]] as const;

/** The plain skeleton's T-pose as a headset would track it, with hands. @param turnOf - more than the T-pose has, by bone, in the model's space. */
function tPose(turnOf: (bone: string) => Turn = () => [0, 0, 0, 1]): PoseSample {
  const sample = createPoseSample();
  sample.valid = sample.tracked = PART_BITS.head | PART_BITS.leftHand | PART_BITS.rightHand;
  sample.rigid.set([...modelPosition(eyes), 0, 0, 0, 1]);
  for (const [side, index] of SIDES) {
    vrmBones(side).forEach((bone, joint) => {
      const at = index * HAND_FLOATS + joint * 7;
      sample.hands.set([...modelPosition(rest.get(bone ?? `${side}Hand`)!), ...modelTurn(multiply(turnOf(bone ?? ''), restOf(side, bone, joint)))], at);
    });
  }
  return sample;
}

function restOf(side: Side, bone: string | undefined, joint: number): Turn {
  if (bone === undefined || joint === 0 || joint > 4) return restJoint(side);
  const [from, to] = [rest.get(`${side}ThumbMetacarpal`)!, rest.get(`${side}ThumbProximal`)!];
  return restThumb(side, [to[0] - from[0], to[1] - from[1], to[2] - from[2]]);
}

/** The skeleton as three.js would turn it. */
function posed({ hips, turns }: HumanoidPose): Map<string, Object3D> {
  const nodes = new Map<string, Object3D>();
  for (const [bone, parent] of PARENTS) {
    const node = new Object3D();
    const from = parent === undefined ? undefined : rest.get(parent);
    node.position.set(...rest.get(bone)!);
    if (from === undefined) node.position.set(...hips);
    else node.position.sub(new Vector3(...from));
    node.quaternion.set(...(turns.get(bone) ?? [0, 0, 0, 1] as const));
    nodes.get(parent ?? '')?.add(node);
    nodes.set(bone, node);
  }
  nodes.get('hips')?.updateMatrixWorld(true);
  return nodes;
}

function placeOf(nodes: Map<string, Object3D>, bone: string): Vector3 {
  return nodes.get(bone)!.getWorldPosition(new Vector3());
}

function angleOf(turn: Turn | undefined): number {
  return new Quaternion(...turn!).angleTo(new Quaternion());
}

describe('a humanoid from a headset', () => {
  it('is not turned at all in the T-pose', () => {
    const pose = solveHumanoid(tPose(), PLAIN_SKELETON)!;
    expect([...pose.turns.keys()].sort()).toEqual([...PARENTS.keys()].sort());
    // Limbs are never quite stretched, and elbows hang, which rolls the arms about themselves.
    for (const [bone, turn] of pose.turns) if (!/Arm|Leg|Foot|Hand/.test(bone)) expect(angleOf(turn), bone).toBeLessThan(1e-3);
    const nodes = posed(pose);
    for (const [bone, at] of rest) expect(placeOf(nodes, bone).distanceTo(new Vector3(...at)), bone).toBeLessThan(0.02);
    for (const [side] of SIDES) expect(nodes.get(`${side}Hand`)!.getWorldQuaternion(new Quaternion()).angleTo(new Quaternion())).toBeLessThan(1e-3);
    pose.hips.forEach((value, axis) => expect(value).toBeCloseTo(rest.get('hips')![axis]!, 3));
  });

  it('bends a finger about the axis of its knuckle, against the bone before it', () => {
    for (const [side, out] of [['left', 1], ['right', -1]] as const) {
      // From outwards to down, and the next bone on from there back to the arm.
      const bent = turnAbout([0, 0, 1], -out * Math.PI / 2), curled = turnAbout([0, 0, 1], -out * Math.PI * 0.9);
      const bone = (name: string): string => `${side}Index${name}`;
      const pose = solveHumanoid(tPose((name) => (name === bone('Proximal') ? bent : name === bone('Intermediate') || name === bone('Distal') ? curled : [0, 0, 0, 1])), PLAIN_SKELETON)!;
      const about = (turn: Turn): Vector3 => new Vector3(turn[0], turn[1], turn[2]).normalize();
      expect(angleOf(pose.turns.get(bone('Proximal')))).toBeCloseTo(Math.PI / 2, 2);
      expect(angleOf(pose.turns.get(bone('Intermediate')))).toBeCloseTo(Math.PI * 0.4, 2);
      expect(angleOf(pose.turns.get(bone('Distal')))).toBeCloseTo(0, 2);
      expect(about(pose.turns.get(bone('Proximal'))!).z).toBeCloseTo(-out, 3);
      expect(angleOf(pose.turns.get(`${side}MiddleProximal`))).toBeCloseTo(0, 2);
    }
  });

  it('has head and wrists where they were tracked, however they are turned, and knees that bend when it crouches', () => {
    const unit = decimal({ min: -1, max: 1 });
    const turns = fc.tuple(unit, unit, unit, unit).filter((q) => Math.hypot(...q) > 0.1).map((q) => new Quaternion(...q).normalize().toArray());
    fc.assert(fc.property(fc.record({ x: unit, up: decimal({ min: 0.5, max: 1.9 }), z: unit, head: turns, wrist: fc.tuple(unit, unit, unit), hand: turns }), ({ x, up, z, head, wrist, hand }) => {
      const sample = tPose();
      sample.rigid.set([x, up, z, ...head]);
      const pose = solveHumanoid(sample, PLAIN_SKELETON)!;
      for (const turn of pose.turns.values()) expect(Math.hypot(...turn)).toBeCloseTo(1, 5);
      const nodes = posed(pose);
      const seen = nodes.get('head')!.localToWorld(new Vector3(...eyes).sub(new Vector3(...rest.get('head')!)));
      expect(seen.distanceTo(new Vector3(...modelPosition([x, up, z])))).toBeLessThan(1e-4);
      // Now a wrist that the arm reaches from where that has put the shoulder; the other hand is not tracked, so the trunk stays.
      sample.valid = PART_BITS.head | PART_BITS.rightHand;
      const shoulder = placeOf(posed(solveHumanoid({ ...sample, valid: PART_BITS.head }, PLAIN_SKELETON)!), 'rightUpperArm');
      const target = shoulder.clone().add(new Vector3(...wrist).multiplyScalar(0.28));
      fc.pre(target.distanceTo(shoulder) > 0.05);
      sample.hands.set([...modelPosition(target.toArray()), ...hand], HAND_FLOATS);
      const reached = posed(solveHumanoid(sample, PLAIN_SKELETON)!);
      expect(placeOf(reached, 'rightHand').distanceTo(target)).toBeLessThan(1e-3);
      // And the hand is turned as the joint was.
      const turn = multiply(reached.get('rightHand')!.getWorldQuaternion(new Quaternion()).toArray(), restJoint('right'));
      expect(Math.abs(new Quaternion(...turn).dot(new Quaternion(...modelTurn(hand))))).toBeCloseTo(1, 4);
    }), { numRuns: 60 });
  });

  it('stands with both feet on the floor, and lets arms hang that nobody tracks', () => {
    const sample = createPoseSample();
    sample.valid = PART_BITS.head;
    sample.rigid.set([0.5, 1.3, -2, 0, 0, 0, 1]);
    const nodes = posed(solveHumanoid(sample, PLAIN_SKELETON)!);
    for (const [side, out] of [['left', 1], ['right', -1]] as const) {
      expect(placeOf(nodes, `${side}Foot`).y).toBeCloseTo(0.08, 2);
      // The session's right is the model's left: it looks the other way.
      const [shoulder, hand, knee, hips] = ['UpperArm', 'Hand', 'LowerLeg', ''].map((name) => placeOf(nodes, name === '' ? 'hips' : `${side}${name}`)) as [Vector3, Vector3, Vector3, Vector3];
      expect(shoulder.y - hand.y).toBeGreaterThan(0.45);
      expect(knee.z - hips.z).toBeGreaterThan(0.1);
      expect(Math.sign(hand.x - hips.x)).toBe(out);
    }
  });

  it('takes a controller for the hand that holds it', () => {
    const sample = createPoseSample();
    sample.valid = PART_BITS.head | PART_BITS.leftController;
    sample.rigid.set([...modelPosition(eyes), 0, 0, 0, 1]);
    const wrist = rest.get('leftHand')!;
    sample.rigid.set([...modelPosition([wrist[0] + 0.08, wrist[1], wrist[2]]), ...modelTurn(restGrip('left'))], 7);
    const pose = solveHumanoid(sample, PLAIN_SKELETON)!;
    const hand = posed(pose).get('leftHand')!;
    expect(hand.getWorldPosition(new Vector3()).distanceTo(new Vector3(...wrist))).toBeLessThan(2e-3);
    expect(hand.getWorldQuaternion(new Quaternion()).angleTo(new Quaternion())).toBeLessThan(1e-3);
    expect(pose.turns.has('leftIndexProximal')).toBe(false);
  });

  it('is nothing without a head, and does without bones that a model does not have', () => {
    expect(solveHumanoid(createPoseSample(), PLAIN_SKELETON)).toBeUndefined();
    const few = new Map([...rest].filter(([bone]) => !/chest|neck|Shoulder|Thumb/.test(bone)));
    const sample = createPoseSample();
    writeWavingPose(sample, 1, { x: 0, z: 0, curl: 0.4 });
    const pose = solveHumanoid(sample, { rest: few, eyes })!;
    expect([...pose.turns.keys()].filter((bone) => !few.has(bone))).toEqual([]);
    expect([...pose.turns.values()].flat().every(Number.isFinite)).toBe(true);
  });
});

describe('turns', () => {
  it('lead from one direction to another, opposite ones too', () => {
    for (const to of [[1, 0, 0], [-1, 0, 0], [0, 0, 1], [0, -1, 0]] as const satisfies Vector[]) {
      const turned = new Vector3(1, 0, 0).applyQuaternion(new Quaternion(...turnBetween([1, 0, 0], to)));
      expect(turned.distanceTo(new Vector3(...to))).toBeLessThan(1e-6);
    }
  });
});

it('a face goes to what it is to show and back, and not at once', () => {
  const face = new Face();
  face.at(undefined, 0);
  const early = { ...face.at({ label: 'joy', score: 0.8 }, 50) };
  const late = { ...face.at({ label: 'joy', score: 0.8 }, 3000) };
  expect(early.happy).toBeGreaterThan(0.05);
  expect(early.happy).toBeLessThan(0.3);
  expect(late).toEqual({ happy: expect.closeTo(0.8, 2) as number, angry: 0, sad: 0, relaxed: 0, surprised: 0 });
  expect(face.at({ label: 'neutral', score: 1 }, 9000).happy).toBeLessThan(0.01);
  expect(face.at({ label: 'constructor', score: 1 }, 9100).happy).toBeLessThan(0.01);
});
