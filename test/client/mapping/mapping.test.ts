import { describe, expect, it } from 'vitest';
import { BLAZEPOSE_NAMES, BLAZEPOSE_OF_COCO } from '../../../client/mapping/body-landmarks.ts';
import { jointsBy, MEDIAPIPE_LANDMARKS, OPENXR_JOINTS, vmcBones, vrmBones } from '../../../client/mapping/hand-joints.ts';
import { BODY_KEYPOINTS, HAND_JOINTS } from '../../../protocol/joints.ts';

const SIDES = ['left', 'right'] as const;
const TABLES: readonly (readonly [string, readonly (string | number | undefined)[]])[] = [
  ['OpenXR', OPENXR_JOINTS], ['MediaPipe', MEDIAPIPE_LANDMARKS], ...SIDES.flatMap((side) => [[`VRM ${side}`, vrmBones(side)], [`VMC ${side}`, vmcBones(side)]] as const),
];
const at = (joint: string): number => HAND_JOINTS.findIndex((name) => name === joint);

describe('the joints of a hand', () => {
  it.each(TABLES)('come back from %s to where they were', (_name, table) => {
    expect(table).toHaveLength(HAND_JOINTS.length);
    const back = jointsBy<string | number>(table);
    const there = table.filter((name) => name !== undefined);
    expect(back.size).toBe(there.length);
    table.forEach((name, joint) => name !== undefined && expect(back.get(name)).toBe(joint));
  });

  it('use every index of OpenXR but the palm, and every landmark of MediaPipe', () => {
    expect([...OPENXR_JOINTS].sort((a, b) => a - b)).toEqual(Array.from({ length: 25 }, (_, index) => index + 1));
    expect([...jointsBy(MEDIAPIPE_LANDMARKS).keys()].sort((a, b) => a - b)).toEqual(Array.from({ length: 21 }, (_, index) => index));
    for (const side of SIDES) expect([jointsBy(vrmBones(side)).size, jointsBy(vmcBones(side)).size]).toEqual([16, 16]);
  });

  it.each([
    ['wrist', 1, 0, 'leftHand', 'LeftHand'],
    ['thumb-metacarpal', 2, 1, 'leftThumbMetacarpal', 'LeftThumbProximal'],
    ['thumb-phalanx-proximal', 3, 2, 'leftThumbProximal', 'LeftThumbIntermediate'],
    ['thumb-tip', 5, 4, undefined, undefined],
    ['index-finger-metacarpal', 6, undefined, undefined, undefined],
    ['index-finger-phalanx-proximal', 7, 5, 'leftIndexProximal', 'LeftIndexProximal'],
    ['middle-finger-phalanx-intermediate', 13, 10, 'leftMiddleIntermediate', 'LeftMiddleIntermediate'],
    ['pinky-finger-phalanx-distal', 24, 19, 'leftLittleDistal', 'LeftLittleDistal'],
    ['pinky-finger-tip', 25, 20, undefined, undefined],
  ] as const)('%s is number %d of OpenXR and %s of MediaPipe, and has its bones', (joint, openXr, mediaPipe, vrm, vmc) => {
    const index = at(joint);
    expect([OPENXR_JOINTS[index], MEDIAPIPE_LANDMARKS[index], vrmBones('left')[index], vmcBones('left')[index]]).toEqual([openXr, mediaPipe, vrm, vmc]);
  });
});

describe('the points of a body', () => {
  it('have one landmark of BlazePose for each keypoint of COCO, of the same name', () => {
    expect([BODY_KEYPOINTS.length, BLAZEPOSE_NAMES.length, new Set(BLAZEPOSE_OF_COCO).size]).toEqual([17, 33, 17]);
    expect(BLAZEPOSE_OF_COCO.map((landmark) => BLAZEPOSE_NAMES[landmark])).toEqual([...BODY_KEYPOINTS]);
    expect(BLAZEPOSE_OF_COCO.slice(5, 9)).toEqual([11, 12, 13, 14]);
  });
});
