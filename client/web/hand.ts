/** One hand in a scene of three.js: 25 joints and the 24 bones between them, two draw calls. */
import { CylinderGeometry, Group, IcosahedronGeometry, InstancedMesh, type Material } from 'three';
import { HAND_JOINT_COUNT } from '../../protocol/joints.ts';
import { HAND_BONES, writeHandMatrices } from '../drawing/hand-matrices.ts';
import { SHAPES } from '../drawing/shapes.ts';

const JOINT = new IcosahedronGeometry(SHAPES.joint.radius, 1);
/** Of length 1 along y, so that a bone is this one scaled. */
const BONE = new CylinderGeometry(SHAPES.bone.radius, SHAPES.bone.radius, 1, 7, 1, true);

export class Hand {
  readonly group = new Group();
  readonly #joints: InstancedMesh;
  readonly #bones: InstancedMesh;

  constructor(material: Material) {
    this.#joints = new InstancedMesh(JOINT, material, HAND_JOINT_COUNT);
    this.#bones = new InstancedMesh(BONE, material, HAND_BONES.length);
    // Bounds are taken once from the first pose, and the hand moves out of them.
    this.#joints.frustumCulled = false;
    this.#bones.frustumCulled = false;
    this.group.add(this.#joints, this.#bones);
  }

  /** @param joints - 25 poses of 7 floats from `start`, session space. Read only. */
  update(joints: Float32Array, start: number): void {
    writeHandMatrices(joints, start, this.#joints.instanceMatrix.array as Float32Array, this.#bones.instanceMatrix.array as Float32Array);
    this.#joints.instanceMatrix.needsUpdate = true;
    this.#bones.instanceMatrix.needsUpdate = true;
  }

  dispose(): void {
    this.#joints.dispose();
    this.#bones.dispose();
  }
}
