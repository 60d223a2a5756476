/** Everybody else in a session, as a part of a scene of three.js: heads, controllers, and hands of 25 joints. */
import { Group } from 'three';
import { createPoseSample, PART_BITS } from '../../protocol/codec/pose-sample.ts';
import type { CopresenceClient } from '../client.ts';
import { Avatar, presenceOf } from './avatar.ts';
import { slotColour } from './colours.ts';

/** Add it to a scene whose origin is that of the session's space, and call `update` before each picture. */
export class ThreeAvatars extends Group {
  readonly #client: CopresenceClient;
  readonly #avatars = new Map<number, Avatar>();
  readonly #sample = createPoseSample();

  constructor(client: CopresenceClient) {
    super();
    this.#client = client;
  }

  /** Moves everybody to where they are now; those of whom nothing is heard turn pale, those who are away grey. */
  update(): void {
    const { participants, self } = this.#client;
    for (const [slot, avatar] of this.#avatars) if (!participants.has(slot)) this.#remove(slot, avatar);
    for (const participant of participants.values()) {
      if (participant.slot === self.slot) continue;
      const source = this.#client.avatarNow(participant.slot, this.#sample);
      if (source === 'none' || (this.#sample.valid & PART_BITS.head) === 0) continue;
      const avatar = this.#avatarOf(participant.slot);
      avatar.pose(this.#sample);
      avatar.show(presenceOf(participant, source));
    }
  }

  override dispose(): void {
    for (const [slot, avatar] of this.#avatars) this.#remove(slot, avatar);
    this.removeFromParent();
  }

  #avatarOf(slot: number): Avatar {
    const known = this.#avatars.get(slot);
    if (known !== undefined) return known;
    const avatar = new Avatar(slotColour(slot));
    // What models saw in a picture is the application's to show.
    avatar.skeleton.group.visible = avatar.camera.group.visible = false;
    this.#avatars.set(slot, avatar);
    this.add(avatar.group);
    return avatar;
  }

  #remove(slot: number, avatar: Avatar): void {
    avatar.dispose();
    this.#avatars.delete(slot);
  }
}
