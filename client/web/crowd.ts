/** Everybody in the session as avatars: made, moved, labelled and taken away as the client says. */
import { Vector3, type PerspectiveCamera } from 'three';
import { createPoseSample, PART_BITS } from '../../protocol/codec/pose-sample.ts';
import type { ParticipantInfo } from '../../protocol/message/common.ts';
import type { ResultMessage } from '../../protocol/message/result.ts';
import type { CopresenceClient } from '../client.ts';
import { slotColour } from '../drawing/colours.ts';
import { presenceOf, PRESENCE_NOTES, type Presence } from '../drawing/presence.ts';
import { Remarks } from '../drawing/remarks.ts';
import { Avatar } from './avatar.ts';
import { Label, tagContent } from './labels.ts';
import type { Room } from './scene.ts';

/** How long a body that a camera saw stays up without being seen again. */
const BODY_MS = 2500;
const SPREAD_SPACING_M = 1.25;
const OVERLAP_M = 0.3;
const HEADS_COMPARED = 32;
const SIDES = ['left', 'right'] as const;

interface Member {
  readonly avatar: Avatar;
  readonly tag: Label;
  readonly chips: Readonly<Record<(typeof SIDES)[number], Label>>;
  bodyUntilMs: number;
  seen: boolean;
}

export class Crowd {
  readonly #room: Room;
  readonly #layer: HTMLElement;
  readonly #members = new Map<number, Member>();
  readonly #remarks = new Remarks();
  readonly #sample = createPoseSample();
  readonly #point = new Vector3();
  /** Whether each participant is given a place of their own, for sessions whose spaces are not aligned. */
  spread: boolean;

  constructor(room: Room, layer: HTMLElement, options: { readonly spread: boolean }) {
    this.#room = room;
    this.#layer = layer;
    this.spread = options.spread;
  }

  /** Where the heads are that are drawn now, world space. */
  get heads(): Vector3[] {
    return [...this.#members.values()].filter(({ seen }) => seen).map(({ avatar }) => avatar.nameAnchor(new Vector3()));
  }

  /** Whether two stand in one place, as they do when their devices' spaces were never aligned. */
  get overlaps(): boolean {
    const heads = this.heads.slice(0, HEADS_COMPARED);
    return heads.some((head, index) => heads.slice(index + 1).some((other) => Math.hypot(head.x - other.x, head.z - other.z) < OVERLAP_M));
  }

  /** Draws everybody as the client knows them now. */
  update(client: CopresenceClient, nowMs: number): void {
    for (const slot of this.#members.keys()) if (!client.participants.has(slot)) this.#remove(slot);
    let place = 0;
    const drawn = [...this.#members.values()].filter(({ seen }) => seen).length;
    for (const participant of client.participants.values()) {
      const source = client.avatarNow(participant.slot, this.#sample);
      if (source === 'none' || (this.#sample.valid & PART_BITS.head) === 0) continue;
      const member = this.#memberOf(participant.slot);
      member.seen = true;
      this.#place(member, place++, drawn);
      member.avatar.pose(this.#sample);
      const presence = presenceOf(participant, source);
      member.avatar.show(presence);
      member.avatar.skeleton.group.visible = member.bodyUntilMs > nowMs;
      member.avatar.placePanels(this.#room.camera, nowMs);
      this.#label(member, participant, presence, nowMs);
    }
  }

  /** Keeps what a model said, to be shown for a while. */
  understand(result: ResultMessage, nowMs: number): void {
    const { slot, value } = result;
    const member = this.#members.get(slot);
    if (member === undefined) return;
    switch (value.task) {
      case 'body-pose':
        member.avatar.skeleton.update(value.keypoints);
        member.bodyUntilMs = value.score > 0.1 ? nowMs + BODY_MS : 0;
        return;
      case 'body-3d':
        return member.avatar.camera.showBody(value, nowMs);
      case 'hands':
        return member.avatar.camera.showHands(value, nowMs);
      case 'gesture':
      case 'dynamic-gesture':
      case 'language':
        return this.#remarks.take(result, nowMs);
      default:
        value satisfies never;
    }
  }

  clear(): void {
    for (const slot of [...this.#members.keys()]) this.#remove(slot);
  }

  #label(member: Member, participant: ParticipantInfo, presence: Presence, nowMs: number): void {
    const emotion = this.#remarks.emotion(participant.slot, nowMs)?.label;
    const person = { slot: participant.slot, name: participant.name, emotion, note: PRESENCE_NOTES[presence] };
    member.tag.fill(JSON.stringify(person), () => tagContent(person));
    member.tag.dim(presence !== 'present');
    const { camera } = this.#room;
    member.tag.follow(member.avatar.nameAnchor(this.#point), camera, this.#room);
    for (const side of SIDES) this.#labelHand(member, side, this.#remarks.gesture(participant.slot, side, nowMs), camera);
  }

  #labelHand(member: Member, side: (typeof SIDES)[number], text: string | undefined, camera: PerspectiveCamera): void {
    if (text !== undefined) member.chips[side].fill(text, () => [text]);
    member.chips[side].follow(text === undefined ? undefined : member.avatar.handAnchor(side, this.#sample, this.#point), camera, this.#room);
  }

  /** On a grid when spread, so that people who stand in the same place are told apart. */
  #place(member: Member, place: number, all: number): void {
    if (!this.spread) return void member.avatar.group.position.set(0, 0, 0);
    const columns = Math.ceil(Math.sqrt(all * 1.6));
    const rows = Math.ceil(all / columns);
    const column = place % columns, row = Math.floor(place / columns);
    member.avatar.group.position.set(((columns - 1) / 2 - column) * SPREAD_SPACING_M, 0, (row - (rows - 1) / 2) * SPREAD_SPACING_M);
  }

  #memberOf(slot: number): Member {
    const known = this.#members.get(slot);
    if (known !== undefined) return known;
    const member: Member = {
      avatar: new Avatar(slotColour(slot)),
      tag: new Label(this.#layer, 'tag'),
      chips: { left: new Label(this.#layer, 'chip'), right: new Label(this.#layer, 'chip') },
      bodyUntilMs: 0,
      seen: false,
    };
    this.#room.avatars.add(member.avatar.group);
    this.#members.set(slot, member);
    return member;
  }

  #remove(slot: number): void {
    const member = this.#members.get(slot);
    member?.avatar.dispose();
    member?.tag.remove();
    member?.chips.left.remove();
    member?.chips.right.remove();
    this.#members.delete(slot);
    this.#remarks.forget(slot);
  }
}
