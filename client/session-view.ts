/** What a client knows of its session: who is there, where they are, how late that is. Told by the server's messages. */
import type { Clock } from '../core/clock.ts';
import { writeAvatarState } from '../protocol/codec/delta/avatar-state.ts';
import { DeltaSnapshotReader, readDeltaSnapshotHeader, type ToldState } from '../protocol/codec/delta/delta-snapshot.ts';
import { createPoseSample, decodePoseSample, MAX_POSE_SAMPLE_BYTES, type PoseSample } from '../protocol/codec/pose-sample.ts';
import { decodeSnapshot } from '../protocol/codec/snapshot.ts';
import type { VideoCodec } from '../protocol/codec/video-chunk.ts';
import type { DownMessageOf } from '../protocol/down.ts';
import type { ErrorCode } from '../core/errors.ts';
import type { ParticipantInfo } from '../protocol/message/common.ts';
import type { SessionInfo } from '../protocol/message/session.ts';
import { Avatars, type Now } from './avatars.ts';
import type { AvatarSource } from './client.ts';
import { Acknowledger } from './acknowledger.ts';
import { ClockFilter, PoseAge } from './clock-sync.ts';
import type { Emitter } from './emitter.ts';
import { unreadable, type JoinedEvent, type PoseEvent, type PresenceEvent } from './events.ts';
import type { SnapshotKind } from './link.ts';

/** What there is to say of snapshots; not sent where there is no link. */
export interface Snapshots {
  /** @param payload - of kind `acknowledgement`. */
  acknowledge(payload: Uint8Array): void;
  /** Something cannot be told without a key snapshot. */
  askAnew(): void;
}

/** Between two questions for a key snapshot. */
const ASK_PERIOD_MS = 1000;
/** Samples of each participant that later ones may be told by, where some are lost: those of nearly a second. */
const BASELINES = 64;

export class SessionView {
  readonly participants = new Map<number, ParticipantInfo>();
  readonly clockFilter = new ClockFilter();
  readonly poseAge = new PoseAge();
  recording = false;
  /** How the session stands; undefined until the server says so. */
  info: SessionInfo | undefined;
  /** Snapshots that came after a newer one. */
  overtaken = 0;
  /** Between two ticks; 0 where they have no rate. */
  tickMs = 0;
  /** Of the newest snapshot of this connection. */
  #tick: number | undefined;

  #capabilities: readonly string[] = [];
  readonly #clock: Clock;
  readonly #emitter: Emitter;
  readonly #avatars: Avatars | undefined;
  readonly #snapshots: Snapshots;
  readonly #acknowledger = new Acknowledger();
  /** Of this connection; undefined until a delta has come. */
  #reader: { readonly acknowledges: boolean; readonly deltas: DeltaSnapshotReader } | undefined;
  #askedMs = -Infinity;
  /** By slot: when what was told last was captured, and how often it comes. */
  readonly #told = new Map<number, { captureMs: number; periodMs: number }>();
  readonly #bytes = new Uint8Array(MAX_POSE_SAMPLE_BYTES);
  readonly #scratch = createPoseSample();
  /** One event for every pose, so that a full session makes no garbage. */
  readonly #pose: { -readonly [Key in keyof PoseEvent]: PoseEvent[Key] } = { slot: 0, sample: this.#scratch, sampleBytes: 0, periodMs: 0, arrivedMs: 0 };

  constructor(clock: Clock, emitter: Emitter, options: { interpolate: boolean; snapshots: Snapshots }) {
    this.#clock = clock;
    this.#emitter = emitter;
    this.#snapshots = options.snapshots;
    this.#avatars = options.interpolate ? new Avatars() : undefined;
  }

  /** What the server takes of a camera. */
  get videoCodecs(): readonly VideoCodec[] {
    return this.#capabilities.includes('video-codecs') ? ['jpeg', 'vp8', 'h264'] : ['jpeg'];
  }

  /** A server greets. @param elsewhere - another one than before, with a clock of its own. */
  welcomed({ serverMs, capabilities }: DownMessageOf<'welcome'>, { elsewhere }: { readonly elsewhere: boolean }): void {
    this.#capabilities = capabilities;
    if (elsewhere) this.changeServer(serverMs, this.#clock.nowMs());
    else this.clockFilter.guess(serverMs, this.#clock.nowMs());
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
    this.#reader = undefined;
    this.#told.clear();
    this.#acknowledger.restart();
    this.#askedMs = -Infinity;
    this.recording = message.recording;
    if (!message.resumed) this.info = undefined;
    this.tickMs = message.tickRateHz > 0 ? 1000 / message.tickRateHz : 0;
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
    if (event !== 'away') this.#told.delete(participant.slot);
    if (event === 'left' || event === 'joined') this.#avatars?.forget(participant.slot);
  }

  /** How often the server sends a participant at most, by what came last; the time between two ticks for who never came. */
  periodMs(slot: number): number {
    return this.#told.get(slot)?.periodMs ?? this.tickMs;
  }

  /** Takes a snapshot in, and tells why where it cannot be read. */
  take(payload: Uint8Array, kind: SnapshotKind): void {
    const problem = this[kind](payload);
    if (problem !== undefined) this.#emitter.emit('error', unreadable(problem, 'snapshot'));
  }

  /** Takes a snapshot in and tells its poses, then the snapshot; or why it cannot be read. */
  snapshot(payload: Uint8Array): ErrorCode | undefined {
    if (this.#isOvertaken(payload)) return undefined;
    const arrivedMs = this.#clock.nowMs();
    const serverMs = arrivedMs + this.clockFilter.offsetMs;
    const isKey = payload[8] === 1;
    this.#pose.arrivedMs = arrivedMs;
    const header = decodeSnapshot(payload, serverMs, this.#scratch, (slot, _sample, sampleBytes) => {
      this.#tell(slot, { sampleBytes, periodMs: this.tickMs, ageMs: isKey ? undefined : serverMs - this.#scratch.captureMs });
    });
    if (typeof header === 'string') return header;
    this.#tick = header.tick;
    this.#emitter.emit('snapshot', header);
    return undefined;
  }

  /** As `snapshot`, of what differs from earlier ones. What cannot be known without those is asked for. */
  deltaSnapshot(payload: Uint8Array): ErrorCode | undefined {
    if (this.#isOvertaken(payload)) return undefined;
    const arrivedMs = this.#clock.nowMs();
    const serverMs = arrivedMs + this.clockFilter.offsetMs;
    const before = readDeltaSnapshotHeader(payload, serverMs);
    if (before === undefined) return 'MESSAGE_INVALID';
    const { deltas, acknowledges } = this.#readerFor(before.acknowledge);
    this.#pose.arrivedMs = arrivedMs;
    const header = deltas.read(payload, serverMs, (slot, told) => this.#tellState(slot, told, { repeats: before.key, serverMs }));
    if (typeof header === 'string' || header.missing.length > 0) this.#askAnew(arrivedMs);
    if (typeof header === 'string') return header;
    this.#tick = header.tick;
    // What is missing has not arrived; the server then tells it whole.
    if (acknowledges && header.missing.length === 0) {
      const acknowledgement = this.#acknowledger.arrived(header.tick, arrivedMs);
      if (acknowledgement !== undefined) this.#snapshots.acknowledge(acknowledgement);
    }
    const { tick, key, count } = header;
    this.#emitter.emit('snapshot', { tick, serverMs: header.serverMs, key, count });
    return undefined;
  }

  #readerFor(acknowledges: boolean): { readonly acknowledges: boolean; readonly deltas: DeltaSnapshotReader } {
    if (this.#reader?.acknowledges !== acknowledges) this.#reader = { acknowledges, deltas: new DeltaSnapshotReader({ baselines: acknowledges ? BASELINES : 0 }) };
    return this.#reader;
  }

  /** @param options - `repeats`: tell also what was told before, as key snapshots do. */
  #tellState(slot: number, { state, tier, bytes, isKey }: ToldState, { repeats, serverMs }: { repeats: boolean; serverMs: number }): void {
    writeAvatarState(state, this.#bytes, 0);
    if (typeof decodePoseSample(this.#bytes, 0, serverMs, this.#scratch) === 'string') return;
    const { captureMs } = this.#scratch;
    // Until something is known to have arrived it comes again and again.
    if (!repeats && this.#told.get(slot)?.captureMs === captureMs) return;
    this.#tell(slot, { sampleBytes: bytes, periodMs: this.tickMs * 2 ** tier, ageMs: isKey ? undefined : serverMs - captureMs });
  }

  /** Tells the pose in `#scratch`. @param ageMs - undefined for one that may be as old as its participant has been still. */
  #tell(slot: number, { sampleBytes, periodMs, ageMs }: { sampleBytes: number; periodMs: number; ageMs: number | undefined }): void {
    if (this.participants.has(slot)) this.#avatars?.add(slot, this.#scratch, this.#pose.arrivedMs + this.clockFilter.offsetMs);
    if (ageMs !== undefined) this.poseAge.add(ageMs);
    this.#noteTold(slot, periodMs);
    this.#pose.slot = slot;
    this.#pose.sampleBytes = sampleBytes;
    this.#pose.periodMs = periodMs;
    this.#emitter.emit('pose', this.#pose);
  }

  #noteTold(slot: number, periodMs: number): void {
    const { captureMs } = this.#scratch;
    const told = this.#told.get(slot);
    if (told === undefined) this.#told.set(slot, { captureMs, periodMs });
    else {
      told.captureMs = captureMs;
      told.periodMs = periodMs;
    }
  }

  /** Where nothing is lost this happens only when something has gone wrong; once a second mends it. */
  #askAnew(nowMs: number): void {
    if (nowMs - this.#askedMs < ASK_PERIOD_MS) return;
    this.#askedMs = nowMs;
    this.#snapshots.askAnew();
  }

  /** Whether a newer snapshot has come before this one, which some connections allow. */
  #isOvertaken(payload: Uint8Array): boolean {
    if (payload.length < 4 || this.#tick === undefined) return false;
    const tick = new DataView(payload.buffer, payload.byteOffset).getUint32(0, true);
    const isOvertaken = ((tick - this.#tick) | 0) < 0;
    if (isOvertaken) this.overtaken++;
    return isOvertaken;
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
