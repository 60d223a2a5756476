/** What a client knows of its session: who is there, where they are, how late that is. Told by the server's messages. */
import type { Clock } from '../core/clock.ts';
import { createPoseSample, type PoseSample } from '../protocol/codec/pose-sample.ts';
import { decodeSnapshot } from '../protocol/codec/snapshot.ts';
import type { ErrorCode } from '../core/errors.ts';
import type { ParticipantInfo } from '../protocol/message/common.ts';
import type { SessionInfo } from '../protocol/message/session.ts';
import { Avatars, type Now } from './avatars.ts';
import type { AvatarSource } from './client.ts';
import { ClockFilter, PoseAge } from './clock-sync.ts';
import type { Emitter } from './emitter.ts';
import type { JoinedEvent, PoseEvent, PresenceEvent } from './events.ts';

export class SessionView {
  readonly participants = new Map<number, ParticipantInfo>();
  readonly clockFilter = new ClockFilter();
  readonly poseAge = new PoseAge();
  recording = false;
  /** How the session stands; undefined until the server says so. */
  info: SessionInfo | undefined;
  /** Of the newest snapshot of this connection. */
  #tick: number | undefined;

  readonly #clock: Clock;
  readonly #emitter: Emitter;
  readonly #avatars: Avatars | undefined;
  readonly #scratch = createPoseSample();
  /** One event for every pose, so that a full session makes no garbage. */
  readonly #pose: { -readonly [Key in keyof PoseEvent]: PoseEvent[Key] } = { slot: 0, sample: this.#scratch, sampleBytes: 0, arrivedMs: 0 };

  constructor(clock: Clock, emitter: Emitter, options: { interpolate: boolean }) {
    this.#clock = clock;
    this.#emitter = emitter;
    this.#avatars = options.interpolate ? new Avatars() : undefined;
  }

  serverNowMs(): number {
    return this.#clock.nowMs() + this.clockFilter.offsetMs;
  }

  joined(message: JoinedEvent): void {
    this.participants.clear();
    for (const participant of message.participants) this.participants.set(participant.slot, participant);
    // Slots of an earlier participation may be somebody else's now.
    if (!message.resumed) this.#avatars?.clear();
    this.#tick = undefined;
    this.recording = message.recording;
    if (!message.resumed) this.info = undefined;
    this.clockFilter.restart();
  }

  /** What comes next is on another server's clock. */
  changeServer(serverMs: number, receivedMs: number): void {
    this.#avatars?.clear();
    this.clockFilter.restart();
    this.clockFilter.guess(serverMs, receivedMs);
  }

  presence({ event, participant }: PresenceEvent): void {
    if (event === 'left') this.participants.delete(participant.slot);
    else this.participants.set(participant.slot, participant);
    if (event === 'left' || event === 'joined') this.#avatars?.forget(participant.slot);
  }

  /** Takes a snapshot in and tells its poses, then the snapshot; or why it cannot be read. */
  snapshot(payload: Uint8Array): ErrorCode | undefined {
    if (this.#isOvertaken(payload)) return undefined;
    const arrivedMs = this.#clock.nowMs();
    const serverMs = arrivedMs + this.clockFilter.offsetMs;
    const isKey = payload[8] === 1;
    const header = decodeSnapshot(payload, serverMs, this.#scratch, (slot, sample, sampleBytes) => {
      if (this.participants.has(slot)) this.#avatars?.add(slot, sample, serverMs);
      // A key snapshot repeats poses that may be as old as their participant has been still.
      if (!isKey) this.poseAge.add(serverMs - sample.captureMs);
      this.#pose.slot = slot;
      this.#pose.sampleBytes = sampleBytes;
      this.#pose.arrivedMs = arrivedMs;
      this.#emitter.emit('pose', this.#pose);
    });
    if (typeof header === 'string') return header;
    this.#tick = header.tick;
    this.#emitter.emit('snapshot', header);
    return undefined;
  }

  /** Whether a newer snapshot has come before this one, which some connections allow. */
  #isOvertaken(payload: Uint8Array): boolean {
    if (payload.length < 4 || this.#tick === undefined) return false;
    const tick = new DataView(payload.buffer, payload.byteOffset).getUint32(0, true);
    return ((tick - this.#tick) | 0) < 0;
  }

  avatarAt(slot: number, serverMs: number, into: PoseSample): AvatarSource {
    return this.#avatars?.at(slot, serverMs, into) ?? 'none';
  }

  avatarNow(slot: number, into: PoseSample): AvatarSource {
    return this.#avatars?.now(slot, this.#now(), into) ?? 'none';
  }

  get renderDelayMs(): number {
    return this.#avatars?.commonDelayMs(this.#now()) ?? 0;
  }

  #now(): Now {
    const deviceMs = this.#clock.nowMs();
    return { deviceMs, serverMs: deviceMs + this.clockFilter.offsetMs };
  }
}
