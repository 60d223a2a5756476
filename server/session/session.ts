/** The shared space that participants join: who is there, and what is to be told to all of them. */
import { encodeDown } from '../../protocol/codec/control.ts';
import type { DownMessage } from '../../protocol/down.ts';
import { LIMITS } from '../../protocol/limits.ts';
import type { Metadata, SessionInfo } from '../../protocol/message/session.ts';
import type { ParticipantInfo } from '../../protocol/message/common.ts';
import type { Audience, Delivery, Lane, Receiver, RecordingTap, Source, TimedEntry } from '../flow.ts';
import type { Participant } from './participant.ts';
import { SessionRules, type SessionSettings } from './session-rules.ts';

/** Whether the session is being written to a file. */
export type Recording = { readonly state: 'off' } | { readonly state: 'starting' } | { readonly state: 'on'; readonly tap: RecordingTap };

export interface SessionOptions {
  readonly settings: SessionSettings;
  readonly ordinal: number;
  /** Of a session that comes from another server, where it goes on. */
  readonly nextChatId?: number | undefined;
}

/** @bound `rules.capacity` participants. */
export class Session implements Audience {
  readonly id: string;
  readonly rules: SessionRules;
  /** Counts up over the sessions of this server. */
  readonly ordinal: number;
  readonly #delivery: Delivery;
  readonly #participants = new Map<number, Participant>();
  #nextSlot = 0;
  #departures = 0;
  #nextChatId: number;
  recording: Recording = { state: 'off' };

  constructor(id: string, delivery: Delivery, { settings, ordinal, nextChatId = 1 }: SessionOptions) {
    this.rules = new SessionRules(settings);
    this.ordinal = ordinal;
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

  get isFull(): boolean {
    return this.size >= this.rules.capacity;
  }

  /** The member with `moderate` who has been here longest: when they leave, the next one is. */
  get host(): Participant | undefined {
    for (const participant of this.#participants.values()) if (participant.may('moderate')) return participant;
    return undefined;
  }

  get receivers(): Iterable<Receiver> {
    return this.#subscribers();
  }

  get departures(): number {
    return this.#departures;
  }

  source(slot: number): Source | undefined {
    return this.#participants.get(slot);
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
    this.#departures++;
  }

  /** The number that the next line of chat gets. */
  get nextChatId(): number {
    return this.#nextChatId;
  }

  lock(): void {
    this.#setLocked(true);
  }

  unlock(): void {
    this.#setLocked(false);
  }

  /** @param metadata - takes the place of what was there. */
  setMetadata(metadata: Metadata): void {
    this.rules.metadata = metadata;
    this.announce();
  }

  /** Tells everybody who may know it, and can read it, how the session stands. */
  announce(): void {
    const framed = encodeDown(this.info());
    for (const participant of this.#participants.values()) if (hearsOfSession(participant)) participant.connection?.send(framed, 'reliable');
  }

  info(): SessionInfo {
    const { code, visibility, capacity, locked, metadata, createdMs, maxAgeMs, ending } = this.rules;
    const maxAgeS = maxAgeMs === undefined ? null : maxAgeMs / 1000;
    return { type: 'session-info', session: this.id, code, visibility, host: this.host?.slot ?? null, capacity, locked, metadata, createdMs, maxAgeS, ending };
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

  /** Sends a framed message to everybody with the grant `subscribe`. @param isFor - or to those of them only. */
  deliver(framed: Uint8Array, lane: Lane, isFor?: (participant: Participant) => boolean): { sent: number; superseded: number } {
    return this.#delivery.deliver(isFor === undefined ? this : { receivers: [...this.#subscribers()].filter(isFor) }, framed, lane);
  }

  /** Writes into a running recording that somebody came or went, if they consent to being in it. */
  recordPresence({ participantId, slot, consent }: Participant, event: 'joined' | 'away' | 'back' | 'left', nowMs: number): void {
    if (this.recording.state !== 'on' || !consent.recording) return;
    const bytes = Buffer.from(JSON.stringify({ event }));
    this.recording.tap.record({ kind: 'presence', participantId, slot, bytes, captureDeviceMs: nowMs, captureServerMs: nowMs, arrivedMs: nowMs });
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

  #setLocked(locked: boolean): void {
    if (this.rules.locked === locked) return;
    this.rules.locked = locked;
    this.announce();
  }

  *#subscribers(): Iterable<Participant> {
    for (const participant of this.#participants.values()) if (participant.may('subscribe')) yield participant;
  }
}

/** Whether `session-info` is for them. */
export function hearsOfSession(participant: Participant): boolean {
  return participant.understands('sessions') && (participant.may('subscribe') || participant.may('moderate'));
}
