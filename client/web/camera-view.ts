/** What cameras saw of one participant, drawn beside the avatar: the body in space and the hands, each for a while. */
import { Group, Vector3, type Camera, type ColorRepresentation } from 'three';
import type { Body3dValue, HandsValue } from '../../protocol/message/result.ts';
import { BODY_LANDMARK_BONES, HAND_LANDMARK_BONES } from './landmark-bones.ts';
import { LandmarkFigure } from './landmark-figure.ts';

type Side = 'left' | 'right';

const BODY_MS = 2500;
const HANDS_MS = 600;
const MIN_BODY_SCORE = 0.5;
/** Where each stands from the head, in the axes of the screen: beside it, on the side that the flat skeleton leaves free. */
const PLACES = {
  body: new Vector3(-0.46, -0.3, 0),
  // As in the picture, which is not mirrored: a person's right hand is on its left.
  right: new Vector3(-0.58, -0.68, 0),
  left: new Vector3(-0.36, -0.68, 0),
} as const;

export class CameraView {
  readonly group = new Group();
  readonly #body: LandmarkFigure;
  readonly #hands: Readonly<Record<Side, LandmarkFigure>>;
  readonly #untilMs = { body: 0, left: 0, right: 0 };

  constructor(colour: ColorRepresentation) {
    this.#body = new LandmarkFigure({ colour, landmarks: 33, bones: BODY_LANDMARK_BONES, scale: 0.28 });
    const hand = (): LandmarkFigure => new LandmarkFigure({ colour, landmarks: 21, bones: HAND_LANDMARK_BONES, scale: 0.9 });
    this.#hands = { left: hand(), right: hand() };
    this.group.add(this.#body.group, this.#hands.left.group, this.#hands.right.group);
  }

  showBody({ world, score }: Body3dValue, nowMs: number): void {
    this.#untilMs.body = score >= MIN_BODY_SCORE ? nowMs + BODY_MS : 0;
    this.#body.update(world);
  }

  /** A hand that the picture no longer shows goes at once; two of one side are drawn as the likelier one. */
  showHands({ hands }: HandsValue, nowMs: number): void {
    for (const side of ['left', 'right'] as const) {
      const [hand] = hands.filter((other) => other.hand === side).sort((one, other) => other.score - one.score);
      this.#untilMs[side] = hand === undefined ? 0 : nowMs + HANDS_MS;
      if (hand !== undefined) this.#hands[side].update(hand.world);
    }
  }

  /** Puts what is still fresh beside the head. @param head - in the parent's space. */
  place(head: Vector3, camera: Camera, nowMs: number): void {
    const figures = { body: this.#body, ...this.#hands };
    for (const part of ['body', 'left', 'right'] as const) {
      const { group } = figures[part];
      group.visible = this.#untilMs[part] > nowMs;
      if (group.visible) group.position.copy(PLACES[part]).applyQuaternion(camera.quaternion).add(head);
    }
  }

  /** Where a drawn hand's label goes, world space; undefined when none is drawn. */
  handAnchor(side: Side, into: Vector3): Vector3 | undefined {
    const { group } = this.#hands[side];
    return group.visible ? this.group.localToWorld(into.copy(group.position)).add(new Vector3(0, -0.1, 0)) : undefined;
  }

  dispose(): void {
    for (const figure of [this.#body, this.#hands.left, this.#hands.right]) figure.dispose();
  }
}
