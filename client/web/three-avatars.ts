/** Everybody else in a session, as a part of a scene of three.js: heads, controllers, hands of 25 joints, and labels. */
import { CanvasTexture, Group, Sprite, SpriteMaterial, SRGBColorSpace } from 'three';
import type { PoseSample } from '../../protocol/codec/pose-sample.ts';
import type { CopresenceClient } from '../client.ts';
import { slotColour } from '../drawing/colours.ts';
import { Figures, type Figure, type MakeFigure } from '../drawing/figures.ts';
import { SHAPES } from '../drawing/shapes.ts';
import { drawLabel, labelSize } from './label-picture.ts';
import { ThreeFigure } from './three-figure.ts';

/** A figure of another kind, such as a model of one's own, has a part of the scene. */
export interface ThreeDrawable extends Figure {
  readonly group: Group;
}

/** Add it to a scene whose origin is that of the session's space, and call `update` before each picture. */
export class ThreeAvatars extends Group {
  readonly #figures: Figures<ThreeDrawable>;

  /** @param make - other figures than the plain ones. */
  constructor(client: CopresenceClient, make: MakeFigure<ThreeDrawable> = ({ slot }) => new LabelledFigure(slotColour(slot))) {
    super();
    this.#figures = new Figures(client, (participant) => {
      const figure = make(participant);
      this.add(figure.group);
      return figure;
    });
  }

  /** Moves everybody to where they are now; those of whom nothing is heard turn pale, those who are away grey. */
  update(): void {
    this.#figures.update();
  }

  override dispose(): void {
    this.#figures.dispose();
    this.removeFromParent();
  }
}

export class LabelledFigure extends ThreeFigure implements ThreeDrawable {
  readonly #label: ThreeLabel;

  constructor(colour: string) {
    super(colour);
    this.#label = new ThreeLabel(colour);
    this.group.add(this.#label.sprite);
  }

  override pose(sample: PoseSample): void {
    super.pose(sample);
    this.#label.sprite.position.copy(this.head.position).y += SHAPES.label.aboveHead;
  }

  label(lines: readonly string[]): void {
    this.#label.write(lines);
  }

  override dispose(): void {
    super.dispose();
    this.#label.dispose();
  }
}

/** Lines of text that face whoever looks. */
export class ThreeLabel {
  readonly sprite = new Sprite(new SpriteMaterial({ depthWrite: false, transparent: true }));
  readonly #colour: string;

  constructor(colour: string) {
    this.#colour = colour;
    this.sprite.visible = false;
  }

  write(lines: readonly string[]): void {
    const picture = drawLabel(lines, this.#colour);
    const { width, height } = labelSize(picture, SHAPES.label.lineHeight);
    // Pictures of another size need another texture.
    this.sprite.material.map?.dispose();
    this.sprite.material.map = new CanvasTexture(picture.canvas);
    this.sprite.material.map.colorSpace = SRGBColorSpace;
    this.sprite.material.needsUpdate = true;
    this.sprite.scale.set(width, height, 1);
    this.sprite.visible = true;
  }

  dispose(): void {
    this.sprite.material.map?.dispose();
    this.sprite.material.dispose();
  }
}
