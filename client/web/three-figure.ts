/** One participant in a scene of three.js: head with headset, controllers, hands, and a hint of a body. */
import { BoxGeometry, Color, CylinderGeometry, Group, Mesh, MeshStandardMaterial, SphereGeometry, TorusGeometry, Vector3, type BufferGeometry, type Object3D } from 'three';
import { HAND_FLOATS } from '../../protocol/codec/hand.ts';
import { PART_BITS, type PoseSample } from '../../protocol/codec/pose-sample.ts';
import { POSE_FLOATS } from '../../protocol/codec/quantise.ts';
import { OPACITY, type Presence } from '../drawing/presence.ts';
import { COLOURS, SHAPES, TORSO_OPACITY } from '../drawing/shapes.ts';
import { Hand } from './hand.ts';

const { skull, visor, strap, torso, grip, ring } = SHAPES;
const SKULL = new SphereGeometry(skull.radius, 24, 16);
const VISOR = new BoxGeometry(visor.width, visor.height, visor.depth);
const STRAP = new TorusGeometry(strap.radius, strap.tube, 8, 32);
const TORSO = new CylinderGeometry(torso.topRadius, torso.bottomRadius, torso.height, 20, 1);
const GRIP = new CylinderGeometry(grip.topRadius, grip.bottomRadius, grip.height, 12);
const RING = new TorusGeometry(ring.radius, ring.tube, 8, 24);
/** Rings come about z here. */
const ABOUT_Y = -Math.PI / 2;
const DARK = new MeshStandardMaterial({ color: COLOURS.dark, roughness: 0.4 });
const AWAY_COLOUR = new Color(COLOURS.away);

export class ThreeFigure {
  readonly group = new Group();
  protected readonly head = new Group();
  protected readonly colour: Color;
  readonly #solid: MeshStandardMaterial;
  readonly #torsoMaterial: MeshStandardMaterial;
  readonly #torso: Mesh;
  readonly #controllers: readonly [Group, Group];
  readonly #hands: readonly [Hand, Hand];
  #presence: Presence | undefined;

  /** @param colour - as CSS writes it. */
  constructor(colour: string) {
    this.colour = new Color().setStyle(colour);
    this.#solid = new MeshStandardMaterial({ color: this.colour, roughness: 0.6, transparent: true });
    this.#torsoMaterial = new MeshStandardMaterial({ color: this.colour, roughness: 0.9, transparent: true, depthWrite: false });
    this.#torso = new Mesh(TORSO, this.#torsoMaterial);
    this.#controllers = [this.#controller(), this.#controller()];
    this.#hands = [new Hand(this.#solid), new Hand(this.#solid)];
    this.head.add(new Mesh(SKULL, this.#solid), part(STRAP, DARK, { tiltX: ABOUT_Y }), part(VISOR, DARK, visor));
    this.group.add(this.head, this.#torso, ...this.#controllers, ...this.#hands.map((hand) => hand.group));
  }

  /** Moves every part to where the sample has it, session space; parts that are not valid are hidden. */
  pose(sample: PoseSample): void {
    const { valid, rigid, hands } = sample;
    this.head.visible = this.#torso.visible = (valid & PART_BITS.head) !== 0;
    if (this.head.visible) {
      setPose(this.head, rigid, 0);
      this.#torso.position.copy(this.head.position).y -= torso.belowHead;
    }
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
    for (const material of [this.#solid, this.#torsoMaterial]) material.color.copy(presence === 'away' ? AWAY_COLOUR : this.colour);
    this.#solid.opacity = OPACITY[presence];
    this.#torsoMaterial.opacity = OPACITY[presence] * TORSO_OPACITY;
  }

  /** Where the name goes, world space. */
  nameAnchor(into: Vector3): Vector3 {
    return this.group.localToWorld(into.copy(this.head.position).add(new Vector3(0, 0.16, 0)));
  }

  dispose(): void {
    this.group.removeFromParent();
    this.#solid.dispose();
    this.#torsoMaterial.dispose();
    for (const hand of this.#hands) hand.dispose();
  }

  #controller(): Group {
    const group = new Group();
    group.add(part(GRIP, DARK, grip), part(RING, this.#solid, { ...ring, tiltX: ring.tiltX + ABOUT_Y }));
    return group;
  }
}

function part(geometry: BufferGeometry, material: MeshStandardMaterial, { y = 0, z = 0, tiltX = 0 }: { y?: number; z?: number; tiltX?: number }): Mesh {
  const mesh = new Mesh(geometry, material);
  mesh.position.set(0, y, z);
  mesh.rotation.x = tiltX;
  return mesh;
}

function setPose(object: Object3D, poses: Float32Array, at: number): void {
  object.position.fromArray(poses, at);
  object.quaternion.fromArray(poses, at + 3);
}
