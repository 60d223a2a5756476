/** One participant in the scene: head with headset, controllers, hands, and a hint of a body. */
import { BoxGeometry, Color, CylinderGeometry, Group, Mesh, MeshStandardMaterial, SphereGeometry, TorusGeometry, Vector3, type BufferGeometry, type Camera, type Object3D } from 'three';
import { HAND_FLOATS } from '../../protocol/codec/hand.ts';
import { PART_BITS, type PoseSample } from '../../protocol/codec/pose-sample.ts';
import { POSE_FLOATS } from '../../protocol/codec/quantise.ts';
import type { ParticipantInfo } from '../../protocol/message/common.ts';
import type { AvatarSource } from '../client.ts';
import { CameraView } from './camera-view.ts';
import { Hand } from './hand.ts';
import { SkeletonPanel } from './skeleton-panel.ts';

/** `stale`: where they were when last heard of. `away`: their connection is gone. */
export type Presence = 'present' | 'stale' | 'away';

/** What to show of somebody whose pose came from `source`. */
export function presenceOf({ presence }: Pick<ParticipantInfo, 'presence'>, source: AvatarSource): Presence {
  if (presence === 'away') return 'away';
  return source === 'held' ? 'stale' : 'present';
}

const OPACITY: Readonly<Record<Presence, number>> = { present: 1, stale: 0.6, away: 0.35 };

const SKULL = new SphereGeometry(0.105, 24, 16);
const VISOR = new BoxGeometry(0.19, 0.095, 0.085);
const STRAP = new TorusGeometry(0.106, 0.011, 8, 32);
const TORSO = new CylinderGeometry(0.09, 0.17, 0.5, 20, 1);
const GRIP = new CylinderGeometry(0.016, 0.019, 0.11, 12);
const RING = new TorusGeometry(0.038, 0.006, 8, 24);
const DARK = new MeshStandardMaterial({ color: '#46525f', roughness: 0.4 });
const AWAY_COLOUR = new Color('#6b7480');

export class Avatar {
  readonly group = new Group();
  readonly skeleton: SkeletonPanel;
  readonly camera: CameraView;
  readonly #colour: Color;
  readonly #solid: MeshStandardMaterial;
  readonly #torsoMaterial: MeshStandardMaterial;
  readonly #head = new Group();
  readonly #torso: Mesh;
  readonly #controllers: readonly [Group, Group];
  readonly #hands: readonly [Hand, Hand];
  #presence: Presence | undefined;

  constructor(colour: string) {
    this.#colour = new Color().setStyle(colour);
    this.#solid = new MeshStandardMaterial({ color: this.#colour, roughness: 0.6, transparent: true });
    this.#torsoMaterial = new MeshStandardMaterial({ color: this.#colour, roughness: 0.9, transparent: true, depthWrite: false });
    this.skeleton = new SkeletonPanel(this.#colour);
    this.camera = new CameraView(this.#colour);
    this.#torso = new Mesh(TORSO, this.#torsoMaterial);
    this.#controllers = [this.#controller(), this.#controller()];
    this.#hands = [new Hand(this.#solid), new Hand(this.#solid)];
    const strap = part(STRAP, DARK, 0, 0);
    strap.rotation.x = Math.PI / 2;
    this.#head.add(new Mesh(SKULL, this.#solid), strap, part(VISOR, DARK, 0, -0.085));
    this.group.add(this.#head, this.#torso, ...this.#controllers, ...this.#hands.map((hand) => hand.group), this.skeleton.group, this.camera.group);
  }

  /** Moves every part to where the sample has it, session space; parts that are not valid are hidden. */
  pose(sample: PoseSample): void {
    const { valid, rigid, hands } = sample;
    this.#head.visible = (valid & PART_BITS.head) !== 0;
    this.#torso.visible = this.#head.visible;
    if (this.#head.visible) this.#poseHead(rigid);
    this.#controllers.forEach((controller, side) => {
      // A tracked hand says more than the controller that it may also hold.
      controller.visible = (valid & (PART_BITS.leftController << side)) !== 0 && (valid & (PART_BITS.leftHand << side)) === 0;
      if (controller.visible) setPose(controller, rigid, (1 + side) * POSE_FLOATS);
    });
    this.#hands.forEach((hand, side) => {
      hand.group.visible = (valid & (PART_BITS.leftHand << side)) !== 0;
      if (hand.group.visible) hand.update(hands, side * HAND_FLOATS);
    });
  }

  show(presence: Presence): void {
    if (presence === this.#presence) return;
    this.#presence = presence;
    for (const material of [this.#solid, this.#torsoMaterial]) material.color.copy(presence === 'away' ? AWAY_COLOUR : this.#colour);
    this.#solid.opacity = OPACITY[presence];
    this.#torsoMaterial.opacity = OPACITY[presence] * 0.3;
  }

  /** Keeps what cameras saw beside the head; the flat skeleton faces whoever looks. */
  placePanels(camera: Camera, nowMs: number): void {
    this.camera.place(this.#head.position, camera, nowMs);
    this.skeleton.face(camera);
    this.skeleton.group.position.set(0.46, -0.3, 0).applyQuaternion(camera.quaternion).add(this.#head.position);
  }

  /** Where the name goes, world space. */
  nameAnchor(into: Vector3): Vector3 {
    return this.group.localToWorld(into.copy(this.#head.position).add(new Vector3(0, 0.16, 0)));
  }

  /** Where a hand's label goes: at the tracked hand, else at the one that a camera saw; undefined when there is neither. */
  handAnchor(side: 'left' | 'right', sample: PoseSample, into: Vector3): Vector3 | undefined {
    const index = side === 'left' ? 0 : 1;
    if ((sample.valid & (PART_BITS.leftHand << index)) === 0) return this.camera.handAnchor(side, into);
    const at = index * HAND_FLOATS;
    return this.group.localToWorld(into.set(sample.hands[at] ?? 0, (sample.hands[at + 1] ?? 0) - 0.03, sample.hands[at + 2] ?? 0));
  }

  dispose(): void {
    this.group.removeFromParent();
    this.#solid.dispose();
    this.#torsoMaterial.dispose();
    for (const hand of this.#hands) hand.dispose();
    this.skeleton.dispose();
    this.camera.dispose();
  }

  /** No sensor sees the body: it hangs below the head and turns with it, only so that a place has an owner. */
  #poseHead(rigid: Float32Array): void {
    setPose(this.#head, rigid, 0);
    this.#torso.position.copy(this.#head.position).y -= 0.42;
  }

  #controller(): Group {
    const group = new Group();
    const grip = part(GRIP, DARK, 0, 0.02);
    grip.rotation.x = Math.PI / 2.6;
    const ring = part(RING, this.#solid, 0.03, -0.035);
    ring.rotation.x = -Math.PI / 3;
    group.add(grip, ring);
    return group;
  }
}

function part(geometry: BufferGeometry, material: MeshStandardMaterial, y: number, z: number): Mesh {
  const mesh = new Mesh(geometry, material);
  mesh.position.set(0, y, z);
  return mesh;
}

function setPose(object: Object3D, poses: Float32Array, at: number): void {
  object.position.fromArray(poses, at);
  object.quaternion.fromArray(poses, at + 3);
}
