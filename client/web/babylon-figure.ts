/** One participant in a scene of Babylon.js: head with headset, controllers, hands, and a hint of a body. */
import { StandardMaterial } from '@babylonjs/core/Materials/standardMaterial.js';
import { Color3 } from '@babylonjs/core/Maths/math.color.js';
import { Quaternion } from '@babylonjs/core/Maths/math.vector.js';
import { CreateBox } from '@babylonjs/core/Meshes/Builders/boxBuilder.js';
import { CreateCylinder } from '@babylonjs/core/Meshes/Builders/cylinderBuilder.js';
import { CreateIcoSphere } from '@babylonjs/core/Meshes/Builders/icoSphereBuilder.js';
import { CreateSphere } from '@babylonjs/core/Meshes/Builders/sphereBuilder.js';
import { CreateTorus } from '@babylonjs/core/Meshes/Builders/torusBuilder.js';
import type { Mesh } from '@babylonjs/core/Meshes/mesh.js';
import '@babylonjs/core/Meshes/thinInstanceMesh.js';
import { TransformNode } from '@babylonjs/core/Meshes/transformNode.js';
import type { Scene } from '@babylonjs/core/scene.js';
import { HAND_FLOATS } from '../../protocol/codec/hand.ts';
import { PART_BITS, type PoseSample } from '../../protocol/codec/pose-sample.ts';
import { POSE_FLOATS } from '../../protocol/codec/quantise.ts';
import { HAND_JOINT_COUNT } from '../../protocol/joints.ts';
import type { Rgb } from '../drawing/colours.ts';
import { HAND_BONES, MATRIX_FLOATS, writeHandMatrices } from '../drawing/hand-matrices.ts';
import { OPACITY, type Presence } from '../drawing/presence.ts';
import { COLOURS, SHAPES, TORSO_OPACITY } from '../drawing/shapes.ts';

type ShapeName = 'skull' | 'visor' | 'strap' | 'torso' | 'grip' | 'ring' | 'joint' | 'bone';

/** What all figures of a scene share: shapes to copy, and the material of what has no owner's colour. */
export class BabylonShapes {
  readonly scene: Scene;
  readonly #dark: StandardMaterial;
  readonly #meshes: Readonly<Record<ShapeName, Mesh>>;

  constructor(scene: Scene) {
    this.scene = scene;
    this.#dark = plainMaterial(scene, Color3.FromHexString(COLOURS.dark));
    const { skull, visor, strap, torso, grip, ring, joint, bone } = SHAPES;
    this.#meshes = {
      skull: CreateSphere('skull', { diameter: 2 * skull.radius, segments: 12 }, scene),
      visor: CreateBox('visor', visor, scene),
      strap: CreateTorus('strap', { diameter: 2 * strap.radius, thickness: 2 * strap.tube, tessellation: 32 }, scene),
      torso: CreateCylinder('torso', { height: torso.height, diameterTop: 2 * torso.topRadius, diameterBottom: 2 * torso.bottomRadius, tessellation: 20 }, scene),
      grip: CreateCylinder('grip', { height: grip.height, diameterTop: 2 * grip.topRadius, diameterBottom: 2 * grip.bottomRadius, tessellation: 12 }, scene),
      ring: CreateTorus('ring', { diameter: 2 * ring.radius, thickness: 2 * ring.tube, tessellation: 24 }, scene),
      joint: CreateIcoSphere('joint', { radius: joint.radius, subdivisions: 1, flat: false }, scene),
      bone: CreateCylinder('bone', { height: 1, diameter: 2 * bone.radius, tessellation: 7, cap: 0 }, scene),
    };
    for (const mesh of Object.values(this.#meshes)) {
      mesh.setEnabled(false);
      mesh.isPickable = false;
    }
  }

  /** A copy that shares the shape's vertices. @param material - the dark one when left out. */
  add(name: ShapeName, parent: TransformNode, { material = this.#dark, y = 0, z = 0, tiltX = 0 }: { material?: StandardMaterial; y?: number; z?: number; tiltX?: number } = {}): Mesh {
    const mesh = this.#meshes[name].clone(name, parent);
    mesh.material = material;
    mesh.position.set(0, y, z);
    mesh.rotation.x = tiltX;
    mesh.setEnabled(true);
    return mesh;
  }

  dispose(): void {
    for (const mesh of Object.values(this.#meshes)) mesh.dispose();
    this.#dark.dispose();
  }
}

export class BabylonFigure {
  readonly #node: TransformNode;
  protected readonly head: TransformNode;
  readonly #colour: Color3;
  readonly #solid: StandardMaterial;
  readonly #torsoMaterial: StandardMaterial;
  readonly #torso: Mesh;
  readonly #controllers: readonly TransformNode[];
  readonly #hands: readonly BabylonHand[];
  #presence: Presence | undefined;

  constructor(colour: Rgb, shapes: BabylonShapes, parent: TransformNode) {
    const { scene } = shapes;
    this.#colour = Color3.FromArray([...colour]);
    this.#solid = plainMaterial(scene, this.#colour);
    this.#torsoMaterial = plainMaterial(scene, this.#colour);
    this.#torsoMaterial.disableDepthWrite = true;
    this.#node = childOf(parent);
    this.head = childOf(this.#node);
    shapes.add('skull', this.head, { material: this.#solid });
    shapes.add('strap', this.head);
    shapes.add('visor', this.head, SHAPES.visor);
    this.#torso = shapes.add('torso', this.#node, { material: this.#torsoMaterial });
    this.#controllers = [0, 1].map(() => {
      const controller = childOf(this.#node);
      shapes.add('grip', controller, SHAPES.grip);
      shapes.add('ring', controller, { ...SHAPES.ring, material: this.#solid });
      return controller;
    });
    this.#hands = [0, 1].map(() => new BabylonHand(shapes, this.#node, this.#solid));
  }

  pose(sample: PoseSample): void {
    const { valid, rigid, hands } = sample;
    const hasHead = (valid & PART_BITS.head) !== 0;
    this.head.setEnabled(hasHead);
    this.#torso.setEnabled(hasHead);
    if (hasHead) {
      setPose(this.head, rigid, 0);
      this.#torso.position.copyFrom(this.head.position).y -= SHAPES.torso.belowHead;
    }
    this.#controllers.forEach((controller, side) => {
      // A tracked hand says more than the controller that it may also hold.
      const isShown = (valid & (PART_BITS.leftController << side)) !== 0 && (valid & (PART_BITS.leftHand << side)) === 0;
      controller.setEnabled(isShown);
      if (isShown) setPose(controller, rigid, (1 + side) * POSE_FLOATS);
    });
    this.#hands.forEach((hand, side) => {
      const isShown = (valid & (PART_BITS.leftHand << side)) !== 0;
      hand.setEnabled(isShown);
      if (isShown) hand.update(hands, side * HAND_FLOATS);
    });
  }

  show(presence: Presence): void {
    if (presence === this.#presence) return;
    this.#presence = presence;
    for (const material of [this.#solid, this.#torsoMaterial]) material.diffuseColor = presence === 'away' ? Color3.FromHexString(COLOURS.away) : this.#colour;
    this.#solid.alpha = OPACITY[presence];
    this.#torsoMaterial.alpha = OPACITY[presence] * TORSO_OPACITY;
  }

  dispose(): void {
    this.#node.dispose();
    this.#solid.dispose();
    this.#torsoMaterial.dispose();
  }
}

/** 25 joints and the 24 bones between them, two draw calls. */
class BabylonHand {
  readonly #balls = new Float32Array(HAND_JOINT_COUNT * MATRIX_FLOATS);
  readonly #rods = new Float32Array(HAND_BONES.length * MATRIX_FLOATS);
  readonly #meshes: readonly [joints: Mesh, bones: Mesh];
  #isStarted = false;

  constructor(shapes: BabylonShapes, parent: TransformNode, material: StandardMaterial) {
    this.#meshes = [shapes.add('joint', parent, { material }), shapes.add('bone', parent, { material })];
    // Bounds are taken once, and the hand moves out of them.
    for (const mesh of this.#meshes) {
      mesh.alwaysSelectAsActiveMesh = true;
      mesh.setEnabled(false);
    }
  }

  setEnabled(isShown: boolean): void {
    for (const mesh of this.#meshes) mesh.setEnabled(isShown);
  }

  /** @param joints - 25 poses of 7 floats from `start`, session space. Read only. */
  update(joints: Float32Array, start: number): void {
    writeHandMatrices(joints, start, this.#balls, this.#rods);
    const [balls, rods] = this.#meshes;
    if (this.#isStarted) {
      balls.thinInstanceBufferUpdated('matrix');
      rods.thinInstanceBufferUpdated('matrix');
      return;
    }
    this.#isStarted = true;
    balls.thinInstanceSetBuffer('matrix', this.#balls, MATRIX_FLOATS, false);
    rods.thinInstanceSetBuffer('matrix', this.#rods, MATRIX_FLOATS, false);
  }
}

function childOf(parent: TransformNode): TransformNode {
  const node = new TransformNode('copresence', parent.getScene());
  node.parent = parent;
  node.rotationQuaternion = Quaternion.Identity();
  return node;
}

function plainMaterial(scene: Scene, colour: Color3): StandardMaterial {
  const material = new StandardMaterial('copresence', scene);
  material.diffuseColor = colour;
  material.specularColor = Color3.Black();
  return material;
}

function setPose(node: TransformNode, poses: Float32Array, at: number): void {
  node.position.set(poses[at]!, poses[at + 1]!, poses[at + 2]!);
  node.rotationQuaternion?.set(poses[at + 3]!, poses[at + 4]!, poses[at + 5]!, poses[at + 6]!);
}
