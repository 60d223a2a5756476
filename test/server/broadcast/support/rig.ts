/** A session and its broadcast with the SDK's view of it at the other end of links that lose, hold back and overtake as a test wants. */
import { Emitter } from '../../../../client/emitter.ts';
import type { PoseEvent } from '../../../../client/events.ts';
import { SessionView } from '../../../../client/session-view.ts';
import { ManualClock } from '../../../../core/clock.ts';
import type { Random } from '../../../../core/random.ts';
import { decodeAcknowledgement } from '../../../../protocol/codec/acknowledgement.ts';
import { framedPayload, KIND } from '../../../../protocol/codec/container.ts';
import { createPoseSample, decodePoseSample, encodePoseSample, MAX_POSE_SAMPLE_BYTES, PART_BITS, type PoseSample } from '../../../../protocol/codec/pose-sample.ts';
import { CAPABILITIES, type Capability } from '../../../../protocol/version.ts';
import { Broadcaster } from '../../../../server/broadcast/broadcaster.ts';
import type { InterestSettings } from '../../../../server/broadcast/interest/feed-planner.ts';
import type { Connection, Lane, Meter, SendOutcome } from '../../../../server/flow.ts';
import type { DeltaWork } from '../../../../server/snapshot-flow.ts';
import { ClockOffset } from '../../../../server/session/clock-offset.ts';
import { Participant } from '../../../../server/session/participant.ts';
import { Session } from '../../../../server/session/session.ts';

export const TICK_HZ = 72;
export const TICK_MS = 1000 / TICK_HZ;
const CONSENT = { inference: false, recording: false, training: false };
const CLAIMS = { subject: 's', session: '*', role: 'participant', grants: ['publish-pose', 'subscribe'], tenant: '', expiresMs: Infinity } as const;

/** How a link treats what is sent on it. */
export interface LinkFaults {
  /** Says that too much waits. */
  supersedes: () => boolean;
  /** Only without order: what happens to one message, and to what is said back. */
  loses: () => boolean;
  /** Only without order: ticks until it comes. */
  delayTicks: () => number;
}

/** One participant, and their device. */
export class Member implements Connection {
  readonly id: string;
  readonly remoteAddress = 'test';
  readonly ordered: boolean;
  bufferedBytes = 0;
  /** Whether anybody looks at what comes. */
  isRead = true;
  readonly faults: LinkFaults = { supersedes: () => false, loses: () => false, delayTicks: () => 0 };
  readonly emitter = new Emitter();
  readonly view: SessionView;
  readonly participant: Participant;
  /** What the device was told last of each slot, and in which tick. */
  readonly told = new Map<number, { readonly sample: PoseSample; readonly captureMs: number; readonly periodMs: number; readonly tick: number }>();
  readonly problems: string[] = [];
  sentBytes = 0;
  messages = 0;
  asked = 0;
  /** Kinds of all messages. */
  readonly kinds = new Set<number>();
  readonly joinedTick: number;
  readonly #rig: Rig;
  readonly #onTheWay: { readonly dueTick: number; readonly arrive: () => void }[] = [];

  constructor(rig: Rig, slot: number, { ordered, capabilities }: { ordered: boolean; capabilities: readonly Capability[] }) {
    this.#rig = rig;
    this.joinedTick = rig.tick;
    this.id = `link ${slot}`;
    this.ordered = ordered;
    this.view = new SessionView(rig.clock, this.emitter, { interpolate: false, snapshots: { acknowledge: (bytes) => this.#acknowledge(bytes), askAnew: () => this.#ask() } });
    const presence = { state: 'live', connection: this, clock: new ClockOffset(0), capabilities } as const;
    this.participant = new Participant({ participantId: `p${slot}`, slot, name: 'n', claims: CLAIMS, consent: CONSENT, video: [], presence, nowMs: rig.clock.nowMs() });
    this.emitter.on('pose', (event) => this.#pose(event));
    this.joined();
  }

  get slot(): number {
    return this.participant.slot;
  }

  joined(): void {
    this.told.clear();
    this.view.joined({ type: 'joined', session: 's', slot: this.slot, participantId: 'p', role: 'participant', grants: [], resumed: true, resumeToken: 't', resumeMs: 1, tickRateHz: TICK_HZ, recording: false, participants: [] });
  }

  send(message: Uint8Array, _lane: Lane): SendOutcome {
    if (this.faults.supersedes()) return 'superseded';
    this.sentBytes += message.length;
    this.messages++;
    this.kinds.add(message[0]!);
    if (!this.isRead || this.faults.loses()) return 'sent';
    this.#onTheWay.push({ dueTick: this.#rig.tick + this.faults.delayTicks(), arrive: () => this.#arrive(message) });
    return 'sent';
  }

  close(): void {
    this.problems.push('was closed');
  }

  /** Lets come what is due. */
  receive(): void {
    const due = this.#onTheWay.filter(({ dueTick }) => dueTick <= this.#rig.tick);
    this.#onTheWay.splice(0, this.#onTheWay.length, ...this.#onTheWay.filter(({ dueTick }) => dueTick > this.#rig.tick));
    for (const { arrive } of due) arrive();
  }

  /** Says where the device is. */
  pose(change: (sample: PoseSample) => void, captureMs = this.#rig.clock.nowMs()): void {
    const sample = createPoseSample();
    sample.captureMs = captureMs;
    sample.valid = PART_BITS.head;
    sample.tracked = PART_BITS.head;
    sample.rigid.set([0, 1.6, 0, 0, 0, 0, 1]);
    change(sample);
    const bytes = new Uint8Array(MAX_POSE_SAMPLE_BYTES);
    const size = encodePoseSample(sample, bytes, 0);
    if (typeof size === 'string') throw new Error(size);
    this.participant.keepSample(bytes.subarray(0, size), captureMs, captureMs);
    this.#rig.remember(this.slot, this.participant.newest?.sample ?? bytes);
  }

  #arrive(message: Uint8Array): void {
    const before = this.messages;
    const problem = message[0] === KIND.deltaSnapshot ? this.view.deltaSnapshot(framedPayload(message)) : this.view.snapshot(framedPayload(message));
    if (problem !== undefined) this.problems.push(`message ${before}: ${problem}`);
  }

  /** As the session stage does with `snapshots`. */
  #ask(): void {
    this.asked++;
    this.participant.needsKey = true;
  }

  #acknowledge(bytes: Uint8Array): void {
    if (this.faults.loses()) return;
    const acknowledgement = decodeAcknowledgement(bytes);
    if (typeof acknowledgement === 'string') throw new Error(acknowledgement);
    this.#onTheWay.push({ dueTick: this.#rig.tick + this.faults.delayTicks(), arrive: () => this.participant.acknowledge(acknowledgement) });
  }

  #pose({ slot, sample, periodMs }: PoseEvent): void {
    const expected = this.#rig.sampleOf(slot, sample.captureMs);
    if (expected === undefined || !sameSample(expected, sample)) this.problems.push(`slot ${slot} at ${sample.captureMs} is not as it was`);
    const before = this.told.get(slot);
    if (before !== undefined && before.captureMs > sample.captureMs) this.problems.push(`slot ${slot} goes back from ${before.captureMs} to ${sample.captureMs}`);
    this.told.set(slot, { sample: { ...sample, rigid: sample.rigid.slice(), hands: sample.hands.slice() }, captureMs: sample.captureMs, periodMs, tick: this.#rig.tick });
  }
}

export class Rig {
  readonly clock = new ManualClock(1_000_000);
  readonly session: Session;
  readonly members = new Map<number, Member>();
  readonly work: DeltaWork[] = [];
  readonly #broadcaster: Broadcaster;
  /** By slot and capture time, every sample there was. */
  readonly #samples = new Map<string, PoseSample>();
  /** By slot, capture times with the tick before which they came; of the member who has it now. */
  readonly #captures = new Map<number, { readonly captureMs: number; readonly tick: number }[]>();
  tick = 0;

  constructor(settings: Partial<InterestSettings> = {}) {
    const nothing = (): void => undefined;
    const meter: Meter = { connectionOpened: nothing, connectionClosed: nothing, handshakeRefused: nothing, message: nothing, refusal: nothing, poseResidence: nothing, snapshot: nothing, result: nothing, deltas: (work) => void this.work.push(work) };
    this.#broadcaster = new Broadcaster(meter, { tickRateHz: TICK_HZ, plans: true, bytesPerSecond: Infinity, ...settings });
    this.session = new Session('s', this.#broadcaster, { settings: { visibility: 'open', capacity: 1024, metadata: {}, createdMs: 0, maxAgeMs: undefined, code: 'ABCDEF', locked: false, banned: [] }, ordinal: 1 });
  }

  join(slot: number, { ordered = true, deltas = true }: { ordered?: boolean; deltas?: boolean } = {}): Member {
    const member = new Member(this, slot, { ordered, capabilities: CAPABILITIES.filter((capability) => deltas || capability !== 'delta') });
    this.members.set(slot, member);
    this.session.add(member.participant);
    return member;
  }

  leave(slot: number): void {
    const member = this.members.get(slot);
    if (member === undefined) return;
    this.session.remove(member.participant);
    this.members.delete(slot);
    this.#captures.delete(slot);
    for (const other of this.members.values()) {
      other.told.delete(slot);
      other.view.presence({ type: 'presence', event: 'left', participant: member.participant.info() });
    }
  }

  /** One tick: everything that came before is sent, and what is due arrives. */
  step(): void {
    this.tick++;
    this.clock.advance(TICK_MS);
    this.#broadcaster.tick(this.session, this.tick, this.clock.nowMs());
    for (const member of this.members.values()) member.receive();
  }

  remember(slot: number, bytes: Uint8Array): void {
    const sample = createPoseSample();
    decodePoseSample(bytes, 0, this.clock.nowMs(), sample);
    this.#samples.set(`${slot} ${sample.captureMs}`, sample);
    const captures = this.#captures.get(slot) ?? [];
    captures.push({ captureMs: sample.captureMs, tick: this.tick });
    this.#captures.set(slot, captures);
  }

  newest(slot: number): readonly number[] {
    return (this.#captures.get(slot) ?? []).map(({ captureMs }) => captureMs);
  }

  /** What had come before the tick behind this one. */
  newestAt(slot: number, tick: number): number | undefined {
    return this.#captures.get(slot)?.findLast((capture) => capture.tick < tick)?.captureMs;
  }

  sampleOf(slot: number, captureMs: number): PoseSample | undefined {
    return this.#samples.get(`${slot} ${captureMs}`);
  }

  get problems(): string[] {
    return [...this.members.values()].flatMap((member) => member.problems.map((problem) => `${member.id}: ${problem}`));
  }
}

/** A place in a room of so many metres each way. */
export function wander(random: Random, metres: number): () => (sample: PoseSample) => void {
  const place = [0, 0].map(() => (random.next() - 0.5) * metres);
  let yaw = random.next() * 6;
  return () => {
    for (const axis of [0, 1]) place[axis] = Math.max(-metres / 2, Math.min(metres / 2, place[axis]! + (random.next() - 0.5) * 0.1));
    yaw += (random.next() - 0.5) * 0.2;
    return (sample) => void sample.rigid.set([place[0]!, 1.6, place[1]!, 0, Math.sin(yaw / 2), 0, Math.cos(yaw / 2)]);
  };
}

function sameSample(a: PoseSample, b: PoseSample): boolean {
  const parts = (sample: PoseSample): string => [sample.valid, sample.tracked, sample.spaceEpoch, ...sample.rigid.subarray(0, (sample.valid & 1) * 7)].join();
  return parts(a) === parts(b);
}
