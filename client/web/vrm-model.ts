/** A loaded VRM model as a body for what is tracked. */
import { Vector3, type Group, type Material, type Mesh, type Object3D } from 'three';
import type { PoseSample } from '../../protocol/codec/pose-sample.ts';
import { OPACITY, type Presence } from '../drawing/presence.ts';
import { EXPRESSIONS, Face } from '../humanoid/expressions.ts';
import { PARENTS, type Skeleton } from '../humanoid/skeleton.ts';
import { solveHumanoid } from '../humanoid/solve.ts';
import type { Turn, Vector } from '../humanoid/turns.ts';
import { modelPosition } from '../mapping/spaces.ts';

/** What is used of a `VRM` of `@pixiv/three-vrm`. */
export interface Vrm {
  readonly scene: Group;
  readonly meta: { readonly metaVersion: string };
  readonly humanoid: { getNormalizedBoneNode(bone: string): Object3D | null };
  readonly expressionManager?: { setValue(name: string, weight: number): void } | undefined;
  update(seconds: number): void;
}

/** Where there is no bone for the eyes: above and ahead of where the head begins, in metres. */
const EYES_FROM_HEAD: Vector = [0, 0.07, 0.08];

export class VrmModel {
  readonly vrm: Vrm;
  readonly #skeleton: Skeleton;
  /** VRM 0 looks the other way: its space is the session's, turned by nothing. */
  readonly #isOld: boolean;
  readonly #face = new Face();
  readonly #materials: readonly { readonly material: Material; readonly opacity: number }[];
  #lastMs: number | undefined;

  constructor(vrm: Vrm) {
    this.vrm = vrm;
    this.#isOld = vrm.meta.metaVersion === '0';
    this.#skeleton = skeletonOf(vrm, this.#isOld);
    this.#materials = materialsOf(vrm.scene);
    vrm.scene.rotation.y = this.#isOld ? 0 : Math.PI;
  }

  /** Moves the model to where the sample has somebody, session space. */
  pose(sample: PoseSample): void {
    const pose = solveHumanoid(sample, this.#skeleton);
    this.vrm.scene.visible = pose !== undefined;
    if (pose === undefined) return;
    const { humanoid } = this.vrm;
    for (const [bone, turn] of pose.turns) humanoid.getNormalizedBoneNode(bone)?.quaternion.set(...this.#turnOf(turn));
    humanoid.getNormalizedBoneNode('hips')?.position.set(...(this.#isOld ? modelPosition(pose.hips) : pose.hips));
  }

  show(presence: Presence): void {
    for (const { material, opacity } of this.#materials) {
      material.transparent = presence !== 'present' || opacity < 1;
      material.opacity = opacity * OPACITY[presence];
    }
  }

  /** Also lets hair and clothes swing: once for each picture, after `pose`. */
  express(emotion: { readonly label: string; readonly score: number } | undefined, nowMs: number): void {
    const weights = this.#face.at(emotion, nowMs);
    for (const name of EXPRESSIONS) this.vrm.expressionManager?.setValue(name, weights[name]);
    this.vrm.update(Math.max(0, nowMs - (this.#lastMs ?? nowMs)) / 1000);
    this.#lastMs = nowMs;
  }

  dispose(): void {
    this.vrm.scene.removeFromParent();
    this.vrm.scene.traverse((object: Object3D) => (object as Partial<Mesh>).geometry?.dispose());
    for (const { material } of this.#materials) material.dispose();
  }

  /** About the same axes, which point the other way in a VRM 0. */
  #turnOf([x, y, z, w]: Turn): Turn {
    return this.#isOld ? [-x, y, -z, w] : [x, y, z, w];
  }
}

/** Where the bones are in the T-pose, in which a model is loaded. */
function skeletonOf({ humanoid, scene }: Vrm, isOld: boolean): Skeleton {
  scene.updateWorldMatrix(true, true);
  const at = (node: Object3D): Vector => {
    const local = scene.worldToLocal(node.getWorldPosition(new Vector3())).toArray();
    return isOld ? modelPosition(local) : local;
  };
  const rest = new Map<string, Vector>();
  for (const bone of PARENTS.keys()) {
    const node = humanoid.getNormalizedBoneNode(bone);
    if (node !== null) rest.set(bone, at(node));
  }
  const [left, right] = (['leftEye', 'rightEye'] as const).map((eye) => humanoid.getNormalizedBoneNode(eye)).map((node) => (node === null ? undefined : at(node)));
  const head = rest.get('head') ?? [0, 1.5, 0];
  const eyes: Vector = left !== undefined && right !== undefined
    ? [(left[0] + right[0]) / 2, (left[1] + right[1]) / 2, (left[2] + right[2]) / 2]
    : [head[0] + EYES_FROM_HEAD[0], head[1] + EYES_FROM_HEAD[1], head[2] + EYES_FROM_HEAD[2]];
  return { rest, eyes };
}

function materialsOf(scene: Object3D): { material: Material; opacity: number }[] {
  const found = new Set<Material>();
  scene.traverse((object) => {
    const { material } = object as Partial<Mesh>;
    if (material !== undefined) for (const one of Array.isArray(material) ? material : [material]) found.add(one);
  });
  return [...found].map((material) => ({ material, opacity: material.opacity }));
}
