/** One participant as a VRM model in a scene of three.js, moved by what their headset tracks and what models say of their mood. */
import { Group } from 'three';
import type { PoseSample } from '../../protocol/codec/pose-sample.ts';
import type { Presence } from '../drawing/presence.ts';
import { SHAPES } from '../drawing/shapes.ts';
import { ThreeLabel, type ThreeDrawable } from './three-avatars.ts';
import { ThreeFigure } from './three-figure.ts';
import { VrmModel, type Vrm } from './vrm-model.ts';

export { VrmModel, type Vrm } from './vrm-model.ts';

/** For `ThreeAvatars`. Until the model is there, and when it does not load, the participant is a plain figure. */
export class VrmFigure implements ThreeDrawable {
  readonly group = new Group();
  readonly #plain: ThreeFigure;
  readonly #label: ThreeLabel;
  #model: VrmModel | undefined;
  #presence: Presence = 'present';
  #isDisposed = false;

  /**
   * @param loading - a model of this participant's alone, in its T-pose; it becomes this figure's.
   * @param colour - of the plain figure and of the name, as CSS writes it.
   */
  constructor(loading: Promise<Vrm>, colour: string) {
    this.#plain = new ThreeFigure(colour);
    this.#label = new ThreeLabel(colour);
    this.group.add(this.#plain.group, this.#label.sprite);
    loading.then((vrm) => this.#take(vrm), () => undefined);
  }

  get model(): VrmModel | undefined {
    return this.#model;
  }

  pose(sample: PoseSample): void {
    this.#plain.pose(sample);
    this.#model?.pose(sample);
    const { position } = this.#label.sprite;
    position.fromArray(sample.rigid).y += SHAPES.label.aboveHead;
  }

  show(presence: Presence): void {
    this.#presence = presence;
    this.#plain.show(presence);
    this.#model?.show(presence);
  }

  label(lines: readonly string[]): void {
    this.#label.write(lines);
  }

  express(emotion: { readonly label: string; readonly score: number } | undefined, nowMs: number): void {
    this.#model?.express(emotion, nowMs);
  }

  dispose(): void {
    this.#isDisposed = true;
    this.group.removeFromParent();
    this.#plain.dispose();
    this.#label.dispose();
    this.#model?.dispose();
  }

  #take(vrm: Vrm): void {
    const model = new VrmModel(vrm);
    if (this.#isDisposed) return model.dispose();
    this.#model = model;
    model.show(this.#presence);
    this.#plain.group.visible = false;
    this.group.add(vrm.scene);
  }
}
