/** The shared space that participants join: who is there, and what is to be told to all of them. */
import { encodeDown } from '../../protocol/codec/control.ts';
import type { DownMessage } from '../../protocol/down.ts';
import { LIMITS } from '../../protocol/limits.ts';
import type { ParticipantInfo } from '../../protocol/message/common.ts';
import type { Audience, Delivery, Lane, Receiver, RecordingTap, TimedEntry } from '../flow.ts';
import type { Participant } from './participant.ts';

/** Whether the session is being written to a file. */
export type Recording = { readonly state: 'off' } | { readonly state: 'starting' } | { readonly state: 'on'; readonly tap: RecordingTap };

/** @bound LIMITS.participantsPerSession participants. */
export class Session implements Audience {
  readonly id: string;
  readonly #delivery: Delivery;
  readonly #participants = new Map<number, Participant>();
  #nextSlot = 0;
  #nextChatId: number;
  recording: Recording = { state: 'off' };

  /** @param nextChatId - of a session that comes from another server, where it goes on. */
  constructor(id: string, delivery: Delivery, nextChatId = 1) {
    this.#nextChatId = nextChatId;
    this.id = id;
    this.#delivery = delivery;
  }

  get participants(): Iterable<Participant> {
    return this.#participants.values();
  }

  get size(): number {
    return this.#participants.size;
  }

  get receivers(): Iterable<Receiver> {
    return this.#subscribers();
  }

  participant(slot: number): Participant | undefined {
    return this.#participants.get(slot);
  }

  /** A free slot, going round so that a slot is not used again at once; undefined when the session is full. */
  freeSlot(): number | undefined {
    for (let tries = 0; tries < LIMITS.participantsPerSession; tries++) {
      const slot = this.#nextSlot;
      this.#nextSlot = (slot + 1) % LIMITS.participantsPerSession;
      if (!this.#participants.has(slot)) return slot;
    }
    return undefined;
  }

  add(participant: Participant): void {
    this.#participants.set(participant.slot, participant);
  }

  remove(participant: Participant): void {
    this.#participants.delete(participant.slot);
  }

  /** The number that the next line of chat gets. */
  get nextChatId(): number {
    return this.#nextChatId;
  }

  takeChatId(): number {
    return this.#nextChatId++;
  }

  roster(): ParticipantInfo[] {
    return [...this.#participants.values()].map((participant) => participant.info());
  }

  /** Tells everybody with the grant `subscribe`. */
  tell(message: DownMessage, lane: Lane = 'reliable'): { sent: number; superseded: number } {
    return this.deliver(encodeDown(message), lane);
  }

  /** Sends a framed message to everybody with the grant `subscribe`. */
  deliver(framed: Uint8Array, lane: Lane): { sent: number; superseded: number } {
    return this.#delivery.deliver(this, framed, lane);
  }

  takeChanged(): readonly TimedEntry[] {
    const changed: TimedEntry[] = [];
    for (const participant of this.#participants.values()) {
      const entry = participant.takeChanged();
      if (entry !== undefined) changed.push(entry);
    }
    return changed;
  }

  everybody(): readonly TimedEntry[] {
    return [...this.#participants.values()].flatMap((participant) => participant.newest ?? []);
  }

  *#subscribers(): Iterable<Participant> {
    for (const participant of this.#participants.values()) if (participant.may('subscribe')) yield participant;
  }
}
