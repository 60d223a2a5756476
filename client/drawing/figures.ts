/** Everybody else in a session as figures of some engine: made, moved, marked and taken away as the client says. */
import { createPoseSample, PART_BITS, type PoseSample } from '../../protocol/codec/pose-sample.ts';
import type { ParticipantInfo } from '../../protocol/message/common.ts';
import type { CopresenceClient } from '../client.ts';
import { presenceOf, PRESENCE_NOTES, type Presence } from './presence.ts';
import { Remarks, type Side } from './remarks.ts';

/** What an engine has for one participant. Everything is in the session's space: metres, y up, right-handed. */
export interface Figure {
  /** Moves every part to where the sample has it and hides those that are not valid. @param sample - borrowed. */
  pose(sample: PoseSample): void;
  show(presence: Presence): void;
  /** Called when the text changes. @param lines - the name first, then what is to be known of them. */
  label(lines: readonly string[]): void;
  /** How they sound, as often as they are moved; for figures with a face. */
  express?(emotion: { readonly label: string; readonly score: number } | undefined, nowMs: number): void;
  /** Takes it out of the scene and frees what is its own. */
  dispose(): void;
}

/** Makes a figure and adds it to the scene. */
export type MakeFigure<Made extends Figure> = (participant: ParticipantInfo) => Made;

interface Member<Made> {
  readonly figure: Made;
  readonly participantId: string;
  text: string;
}

const SIDES: readonly Side[] = ['left', 'right'];

/** @bound one figure for each participant but oneself, and only for those whose head is known. */
export class Figures<Made extends Figure> {
  readonly #client: CopresenceClient;
  readonly #make: MakeFigure<Made>;
  readonly #members = new Map<number, Member<Made>>();
  readonly #remarks = new Remarks();
  readonly #sample = createPoseSample();
  readonly #stopListening: () => void;

  constructor(client: CopresenceClient, make: MakeFigure<Made>) {
    this.#client = client;
    this.#make = make;
    this.#stopListening = client.on('result', (result) => this.#remarks.take(result, client.serverNowMs()));
  }

  /** Moves everybody to where they are now: call it before each picture. Those of whom nothing is heard turn pale, those who are away grey. */
  update(): void {
    const { participants, self } = this.#client;
    for (const [slot, { participantId }] of this.#members) {
      // A slot is given to somebody else once it is free.
      if (participants.get(slot)?.participantId !== participantId) this.#remove(slot);
    }
    const nowMs = this.#client.serverNowMs();
    for (const participant of participants.values()) if (participant.slot !== self.slot) this.#draw(participant, nowMs);
  }

  /** By slot; undefined for oneself, and for whoever is not drawn. */
  figure(slot: number): Made | undefined {
    return this.#members.get(slot)?.figure;
  }

  get size(): number {
    return this.#members.size;
  }

  dispose(): void {
    this.#stopListening();
    for (const slot of this.#members.keys()) this.#remove(slot);
  }

  #draw(participant: ParticipantInfo, nowMs: number): void {
    const { slot } = participant;
    const source = this.#client.avatarNow(slot, this.#sample);
    if (source === 'none' || (this.#sample.valid & PART_BITS.head) === 0) return;
    const member = this.#memberFor(participant);
    const presence = presenceOf(participant, source);
    member.figure.pose(this.#sample);
    member.figure.show(presence);
    const emotion = this.#remarks.emotion(slot, nowMs);
    member.figure.express?.(emotion, nowMs);
    const lines = [participant.name, PRESENCE_NOTES[presence], emotion?.label ?? '', ...SIDES.map((side) => this.#remarks.gesture(slot, side, nowMs) ?? '')].filter((line) => line !== '');
    const text = lines.join('\n');
    if (text !== member.text) member.figure.label(lines);
    member.text = text;
  }

  #memberFor(participant: ParticipantInfo): Member<Made> {
    const known = this.#members.get(participant.slot);
    if (known !== undefined) return known;
    const member = { figure: this.#make(participant), participantId: participant.participantId, text: '' };
    this.#members.set(participant.slot, member);
    return member;
  }

  #remove(slot: number): void {
    this.#members.get(slot)?.figure.dispose();
    this.#members.delete(slot);
    this.#remarks.forget(slot);
  }
}
