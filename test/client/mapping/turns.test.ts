import fc from 'fast-check';
import { Matrix3, Matrix4, Quaternion, Vector3 } from 'three';
import { describe, expect, it } from 'vitest';
import { rotate, type Turn, type Vector } from '../../../client/humanoid/turns.ts';
import { boneTurn, partTurn, REST_HEAD, restGrip, restJoint, restThumb } from '../../../client/mapping/bone-turns.ts';
import { modelPosition, modelTurn, unityModelPosition, unityModelTurn, unityPosition, unityTurn } from '../../../client/mapping/spaces.ts';
import { unityBone, vrmBoneOfUnity } from '../../../client/mapping/unity-bones.ts';
import { PARENTS } from '../../../client/humanoid/skeleton.ts';
import { decimal } from '../support/decimals.ts';

const part = decimal({ min: -1, max: 1 });
const turns = fc.tuple(part, part, part, part).filter((q) => Math.hypot(...q) > 0.1).map((q): Turn => new Quaternion(...q).normalize().toArray());
const vectors: fc.Arbitrary<Vector> = fc.tuple(part, part, part);

/** Whether both are one turn: q and -q are. */
function expectSame(a: Turn, b: Turn): void {
  expect(Math.abs(new Quaternion(...a).dot(new Quaternion(...b)))).toBeCloseTo(1, 6);
}

function expectNear(a: Vector, b: Vector): void {
  a.forEach((value, axis) => expect(value).toBeCloseTo(b[axis]!, 6));
}

describe('spaces', () => {
  it('come back to where they were, by turn and by position', () => {
    fc.assert(fc.property(turns, vectors, (turn, at) => {
      for (const position of [modelPosition, unityPosition, unityModelPosition]) expectNear(position(position(at)), at);
      for (const there of [modelTurn, unityTurn, unityModelTurn]) expectSame(there(there(turn)), turn);
    }));
  });

  it('turn as they move: what a turn carries to a place, it carries to the same place in the other space', () => {
    fc.assert(fc.property(turns, vectors, (turn, at) => {
      // Unity mirrors, so a turn is mirrored with the space; a model's space is turned, and the part keeps its own axes.
      expectNear(rotate(unityTurn(turn), unityPosition(at)), unityPosition(rotate(turn, at)));
      expectNear(rotate(unityModelTurn(turn), unityModelPosition(at)), unityModelPosition(rotate(turn, at)));
      expectNear(rotate(modelTurn(turn), at), modelPosition(rotate(turn, at)));
    }));
  });

  it('keep handedness between WebXR and a model, and change it for Unity, where both ways lead to one place', () => {
    const handedness = (space: (at: Vector) => Vector): number => new Matrix3().setFromMatrix4(new Matrix4().makeBasis(...([[1, 0, 0], [0, 1, 0], [0, 0, 1]] as const).map((axis) => new Vector3(...space(axis))) as [Vector3, Vector3, Vector3])).determinant();
    expect([modelPosition, unityPosition, unityModelPosition].map(handedness)).toEqual([1, -1, -1]);
    fc.assert(fc.property(vectors, (at) => expectNear(unityModelPosition(modelPosition(at)), unityPosition(at))));
  });
});

describe('turns of bones', () => {
  const thumb: Vector = [Math.SQRT1_2, 0, Math.SQRT1_2];
  const RESTS: readonly (readonly [string, Turn])[] = [['head', REST_HEAD], ...(['left', 'right'] as const).flatMap((side) => [
    [`joint ${side}`, restJoint(side)], [`grip ${side}`, restGrip(side)], [`thumb ${side}`, restThumb(side, [side === 'left' ? thumb[0] : -thumb[0], 0, thumb[2]])],
  ] as const)];

  it.each(RESTS)('come back to those of the %s', (_name, rest) => {
    fc.assert(fc.property(turns, (turn) => {
      expectSame(partTurn(boneTurn(turn, rest), rest), turn);
      expectSame(boneTurn(partTurn(turn, rest), rest), turn);
    }));
  });

  it('are none in the T-pose, where joints point outwards with the back of the hand up', () => {
    for (const [side, out] of [['left', 1], ['right', -1]] as const) {
      expectNear(rotate(restJoint(side), [0, 0, -1]), [out, 0, 0]);
      expectNear(rotate(restJoint(side), [0, 1, 0]), [0, 1, 0]);
      // OpenXR: -Z from the little finger to the thumb, which is ahead; fingers along -Y; X out of the left palm and into the right one.
      expectNear(rotate(restGrip(side), [0, 0, -1]), [0, 0, 1]);
      expectNear(rotate(restGrip(side), [0, -1, 0]), [out, 0, 0]);
      expectNear(rotate(restGrip(side), [1, 0, 0]), [0, side === 'left' ? -1 : 1, 0]);
      expectNear(rotate(restThumb(side, [out * thumb[0], 0, thumb[2]]), [0, 0, -1]), [out * thumb[0], 0, thumb[2]]);
    }
    expectNear(rotate(REST_HEAD, [0, 0, -1]), [0, 0, 1]);
  });
});

it('bones of VRM and of Unity are named to and fro', () => {
  const bones = [...PARENTS.keys()];
  expect(bones.length).toBe(49);
  expect(new Set(bones.map(unityBone)).size).toBe(bones.length);
  expect(bones.map((bone) => vrmBoneOfUnity(unityBone(bone)))).toEqual(bones);
  expect(['hips', 'leftThumbMetacarpal', 'leftThumbProximal', 'rightLittleDistal'].map(unityBone)).toEqual(['Hips', 'LeftThumbProximal', 'LeftThumbIntermediate', 'RightLittleDistal']);
});
