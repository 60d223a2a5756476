import { VRMLoaderPlugin } from '@pixiv/three-vrm';
import { Vector3, type Mesh, type MeshStandardMaterial, type Object3D } from 'three';
import { GLTFLoader } from 'three/addons/loaders/GLTFLoader.js';
import { beforeAll, describe, expect, it } from 'vitest';
import { VrmModel, type Vrm } from '../../../client/web/vrm-model.ts';
import { buildPlainVrm } from '../../../examples/web/plain-vrm.ts';
import { writeWavingPose } from '../../../examples/generated-pose.ts';
import { HAND_FLOATS } from '../../../protocol/codec/hand.ts';
import { createPoseSample, PART_BITS } from '../../../protocol/codec/pose-sample.ts';

/** What a test looks at besides. */
interface Loaded extends Vrm {
  readonly humanoid: Vrm['humanoid'] & { readonly humanBones: object; getRawBoneNode(bone: string): Object3D | null };
  readonly expressionManager: { readonly expressions: readonly { readonly expressionName: string }[]; setValue(name: string, weight: number): void; getValue(name: string): number };
}

async function loadPlain(): Promise<Loaded> {
  const loader = new GLTFLoader();
  loader.register((parser) => new VRMLoaderPlugin(parser));
  const { userData } = await loader.parseAsync(buildPlainVrm([0.5, 0.7, 0.9]), '');
  return userData['vrm'] as Loaded;
}

describe('a VRM model', () => {
  let vrm: Loaded;
  let model: VrmModel;
  beforeAll(async () => {
    vrm = await loadPlain();
    model = new VrmModel(vrm);
  });
  const sample = createPoseSample();
  const placeOf = (bone: 'head' | 'rightHand' | 'rightIndexProximal' | 'rightIndexDistal' | 'leftFoot'): Vector3 => vrm.humanoid.getRawBoneNode(bone)!.getWorldPosition(new Vector3());
  function pose(curl: number): void {
    writeWavingPose(sample, 2, { x: 0.6, z: -1.5, heightM: 1.55, curl });
    // Near enough for an arm of this body.
    sample.hands.set([0.85, 1.2, -1.7], HAND_FLOATS);
    model.pose(sample);
    model.express(undefined, 1000);
    vrm.scene.updateMatrixWorld(true);
  }

  it('made here is a valid one, for a loader that knows nothing of it', () => {
    expect(vrm.meta).toMatchObject({ metaVersion: '1', name: 'Plain', licenseUrl: 'https://vrm.dev/licenses/1.0/' });
    expect(Object.keys(vrm.humanoid.humanBones)).toHaveLength(49);
    expect(vrm.expressionManager.expressions.map(({ expressionName }) => expressionName).sort()).toEqual(['happy', 'sad', 'surprised']);
  });

  it('stands where somebody is, with the hand where theirs is and fingers that point where theirs do', () => {
    pose(0);
    expect(placeOf('head').distanceTo(new Vector3(...sample.rigid.subarray(0, 3)))).toBeLessThan(0.15);
    expect(placeOf('rightHand').distanceTo(new Vector3(0.85, 1.2, -1.7))).toBeLessThan(0.01);
    expect(placeOf('leftFoot').y).toBeCloseTo(0.08, 1);
    const pointing = placeOf('rightIndexDistal').sub(placeOf('rightIndexProximal')).normalize();
    // -Z of the tracked joint.
    const at = HAND_FLOATS + 6 * 7;
    const [x, y, z, w] = sample.hands.subarray(at + 3, at + 7) as unknown as [number, number, number, number];
    const tracked = new Vector3(-2 * (x * z + w * y), -2 * (y * z - w * x), -1 + 2 * (x * x + y * y));
    expect(pointing.distanceTo(tracked)).toBeLessThan(0.02);
    pose(1);
    expect(placeOf('rightIndexDistal').sub(placeOf('rightIndexProximal')).normalize().distanceTo(pointing)).toBeGreaterThan(0.5);
  });

  it('smiles when a model heard joy, turns pale when nothing is heard, and hides without a head', () => {
    model.express({ label: 'joy', score: 0.9 }, 2000);
    model.express({ label: 'joy', score: 0.9 }, 4000);
    expect(vrm.expressionManager.getValue('happy')).toBeCloseTo(0.9, 2);
    const mouth = vrm.scene.getObjectByName('mouth') as Mesh;
    expect(mouth.morphTargetInfluences?.[0]).toBeCloseTo(0.9, 2);
    const { material } = vrm.scene.getObjectByName('head_box') as Mesh;
    model.show('stale');
    expect((material as MeshStandardMaterial).opacity).toBeCloseTo(0.6);
    model.show('present');
    expect(material).toMatchObject({ opacity: 1, transparent: false });
    model.pose({ ...sample, valid: PART_BITS.rightHand });
    expect(vrm.scene.visible).toBe(false);
  });
});
