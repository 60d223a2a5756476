/** One hand: 25 joints and the 24 bones between them, two draw calls. */
import { CylinderGeometry, Group, IcosahedronGeometry, InstancedMesh, Matrix4, Quaternion, Vector3, type Material } from 'three';
import { HAND_JOINT_COUNT } from '../../protocol/joints.ts';
import { POSE_FLOATS } from '../../protocol/codec/quantise.ts';

const JOINT = new IcosahedronGeometry(0.0095, 1);
/** Of length 1 along y, so that a bone is this one scaled. */
const BONE = new CylinderGeometry(0.0065, 0.0065, 1, 7, 1, true);
const UP = new Vector3(0, 1, 0);
const ONE = new Vector3(1, 1, 1);
const NO_TURN = new Quaternion();

/** Pairs of joints, in the order of HAND_JOINTS: the wrist to each finger's first joint, then along the finger. */
const BONES: readonly (readonly [number, number])[] = [1, 5, 10, 15, 20].flatMap((first, finger) => {
  const length = finger === 0 ? 4 : 5;
  return Array.from({ length }, (_, index) => [index === 0 ? 0 : first + index - 1, first + index] as const);
});

export class Hand {
  readonly group = new Group();
  readonly #joints: InstancedMesh;
  readonly #bones: InstancedMesh;
  readonly #from = new Vector3();
  readonly #to = new Vector3();
  readonly #along = new Vector3();
  readonly #turn = new Quaternion();
  readonly #matrix = new Matrix4();

  constructor(material: Material) {
    this.#joints = new InstancedMesh(JOINT, material, HAND_JOINT_COUNT);
    this.#bones = new InstancedMesh(BONE, material, BONES.length);
    // Bounds are taken once from the first pose, and the hand moves out of them.
    this.#joints.frustumCulled = false;
    this.#bones.frustumCulled = false;
    this.group.add(this.#joints, this.#bones);
  }

  /** @param joints - 25 poses of 7 floats from `start`, session space. Read only. */
  update(joints: Float32Array, start: number): void {
    for (let joint = 0; joint < HAND_JOINT_COUNT; joint++) {
      this.#read(joints, start, joint, this.#from);
      this.#joints.setMatrixAt(joint, this.#matrix.compose(this.#from, NO_TURN, ONE));
    }
    BONES.forEach(([from, to], index) => {
      this.#read(joints, start, from, this.#from);
      this.#read(joints, start, to, this.#to);
      this.#bones.setMatrixAt(index, this.#boneMatrix());
    });
    this.#joints.instanceMatrix.needsUpdate = true;
    this.#bones.instanceMatrix.needsUpdate = true;
  }

  dispose(): void {
    this.#joints.dispose();
    this.#bones.dispose();
  }

  #boneMatrix(): Matrix4 {
    this.#along.subVectors(this.#to, this.#from);
    const length = Math.max(1e-4, this.#along.length());
    this.#turn.setFromUnitVectors(UP, this.#along.divideScalar(length));
    this.#from.add(this.#to).multiplyScalar(0.5);
    return this.#matrix.compose(this.#from, this.#turn, this.#to.set(1, length, 1));
  }

  #read(joints: Float32Array, start: number, joint: number, into: Vector3): void {
    const at = start + joint * POSE_FLOATS;
    into.set(joints[at] ?? 0, joints[at + 1] ?? 0, joints[at + 2] ?? 0);
  }
}
