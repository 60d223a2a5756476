/** Everybody else in a session, as a part of a scene of Babylon.js: heads, controllers, hands of 25 joints, and labels. */
import { StandardMaterial } from '@babylonjs/core/Materials/standardMaterial.js';
import { DynamicTexture } from '@babylonjs/core/Materials/Textures/dynamicTexture.js';
import { Color3 } from '@babylonjs/core/Maths/math.color.js';
import { Vector3 } from '@babylonjs/core/Maths/math.vector.js';
import { CreatePlane } from '@babylonjs/core/Meshes/Builders/planeBuilder.js';
import { Mesh } from '@babylonjs/core/Meshes/mesh.js';
import { TransformNode } from '@babylonjs/core/Meshes/transformNode.js';
import type { Scene } from '@babylonjs/core/scene.js';
import type { CopresenceClient } from '../client.ts';
import { slotColour, slotRgb } from '../drawing/colours.ts';
import { Figures, type Figure } from '../drawing/figures.ts';
import type { PoseSample } from '../../protocol/codec/pose-sample.ts';
import { SHAPES } from '../drawing/shapes.ts';
import { BabylonFigure, BabylonShapes } from './babylon-figure.ts';
import { drawLabel, labelSize } from './label-picture.ts';

/** Call `update` before each picture. `root` stands at the origin of the session's space; move it as you like. */
export class BabylonAvatars {
  readonly root: TransformNode;
  readonly #shapes: BabylonShapes;
  readonly #figures: Figures<Figure>;

  constructor(client: CopresenceClient, scene: Scene) {
    this.root = new TransformNode('copresence', scene);
    // The session's space is right-handed, as WebXR is; Babylon's own is not, unless it is told to be.
    this.root.scaling.z = scene.useRightHandedSystem ? 1 : -1;
    this.#shapes = new BabylonShapes(scene);
    this.#figures = new Figures(client, ({ slot }) => new LabelledFigure(slot, this.#shapes, this.root));
  }

  /** Moves everybody to where they are now; those of whom nothing is heard turn pale, those who are away grey. */
  update(): void {
    this.#figures.update();
  }

  dispose(): void {
    this.#figures.dispose();
    this.#shapes.dispose();
    this.root.dispose();
  }
}

class LabelledFigure extends BabylonFigure implements Figure {
  readonly #root: TransformNode;
  readonly #plane: Mesh;
  readonly #material: StandardMaterial;
  readonly #colour: string;

  constructor(slot: number, shapes: BabylonShapes, root: TransformNode) {
    super(slotRgb(slot), shapes, root);
    this.#root = root;
    this.#colour = slotColour(slot);
    const scene = root.getScene();
    this.#material = new StandardMaterial('copresence label', scene);
    this.#material.disableLighting = true;
    this.#material.emissiveColor = Color3.White();
    this.#material.disableDepthWrite = true;
    // Not below the root: mirrored text reads badly.
    this.#plane = CreatePlane('copresence label', { size: 1, sideOrientation: Mesh.DOUBLESIDE }, scene);
    this.#plane.billboardMode = Mesh.BILLBOARDMODE_ALL;
    this.#plane.material = this.#material;
    this.#plane.isPickable = false;
    this.#plane.isVisible = false;
  }

  override pose(sample: PoseSample): void {
    super.pose(sample);
    const { position } = this.#plane;
    position.copyFrom(this.head.position).y += SHAPES.label.aboveHead;
    Vector3.TransformCoordinatesToRef(position, this.#root.getWorldMatrix(), position);
  }

  label(lines: readonly string[]): void {
    const picture = drawLabel(lines, this.#colour);
    const { width, height } = labelSize(picture, SHAPES.label.lineHeight);
    this.#material.diffuseTexture?.dispose();
    // Pictures of another size need another texture.
    const texture = new DynamicTexture('copresence label', picture.canvas, this.#root.getScene(), true);
    texture.hasAlpha = true;
    texture.update();
    this.#material.diffuseTexture = this.#material.emissiveTexture = texture;
    this.#material.useAlphaFromDiffuseTexture = true;
    this.#plane.scaling.set(width, height, 1);
    this.#plane.isVisible = true;
  }

  override dispose(): void {
    super.dispose();
    this.#plane.dispose();
    this.#material.dispose(false, true);
  }
}
