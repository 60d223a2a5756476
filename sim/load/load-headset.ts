/** One virtual headset of a load run: plays its loop by an open schedule, and tells the measures what it hears. */
import type { Clock } from '../../core/clock.ts';
import { randomBetween, seededRandom, type Random } from '../../core/random.ts';
import { readInt16 } from '../../protocol/codec/quantise.ts';
import type { ResultMessage } from '../../protocol/message/result.ts';
import type { ChatSource } from '../source/chat-lines.ts';
import { PICTURES_HZ, type PictureSource } from '../source/pictures.ts';
import type { Guest, GuestListener, Target } from '../target/target.ts';
import type { Beat, Beats } from './beats.ts';
import { countIn, type LoadMeasure } from './load-measure.ts';
import { readIntendedMs, readSender, writeMarker } from './marker.ts';
import type { HeadsetPlan } from './plan.ts';
import { shiftSample, type PoseLoop } from './pose-loop.ts';
import type { HeadsetMix } from './profile.ts';
import { HeadTrail } from './head-trail.ts';
import { ParticipantTally, type ParticipantFigures } from './participant-tally.ts';

/** The members of a session that are in this process. */
export interface Room {
  readonly members: Map<number, LoadHeadset>;
  /** By the slot that the server gave, where it gives any. @bound the session's size. */
  readonly slots: Map<number, LoadHeadset>;
  /** Who is in and reads. */
  hearing: number;
}

export interface LoadHeadsetParts {
  readonly clock: Clock;
  readonly beats: Beats;
  readonly target: Target;
  readonly measure: LoadMeasure;
  readonly plan: HeadsetPlan;
  readonly mix: HeadsetMix;
  readonly loop: PoseLoop;
  readonly pictures: PictureSource | undefined;
  readonly chat: ChatSource;
  readonly room: Room;
  readonly sessionName: string;
  /** Whether it stands for its session: reads results, and watches what a display would show. */
  readonly isEar: boolean;
  /** Whom it watches: the ear everybody, and another one the ear. */
  readonly watches: (sender: number) => boolean;
}

/** What a display shows is looked at this often. */
const DISPLAY_PERIOD_MS = 50;
/** A peer that has not been heard for so long is not on display. */
const STALE_MS = 2000;
const LINE = /#(\d+):(\d+)$/;

export class LoadHeadset implements GuestListener {
  readonly tally = new ParticipantTally();
  readonly #parts: LoadHeadsetParts;
  readonly #guest: Guest;
  readonly #random: Random;
  readonly #sample: Uint8Array;
  readonly #stops: (() => void)[] = [];
  /** Of each sender, the newest pose. @bound the session's size. */
  readonly #newest = new Map<number, number>();
  readonly #trails = new Map<number, HeadTrail>();
  readonly #batches = new Set<string>();
  #askedMs = 0;
  #out: Promise<void> = Promise.resolve();
  #cutMs: number | undefined;
  #arrivedMs = 0;
  #playing = false;
  #everCame = false;
  #lastEnd: string | undefined;
  #hears = false;
  #shownMs = 0;
  /** Whether a fault is why its link will go. */
  #expectsEnd = false;

  constructor(parts: LoadHeadsetParts) {
    const { plan, sessionName, isEar } = parts;
    this.#parts = parts;
    this.#random = seededRandom(plan.seed);
    this.#sample = new Uint8Array(parts.loop.sampleBytes);
    this.#guest = parts.target.guest({ session: sessionName, name: `load-${plan.number}`, number: plan.number, results: isEar }, this);
  }

  get live(): boolean {
    return this.#guest.live;
  }

  get number(): number {
    return this.#parts.plan.number;
  }

  /** Whether it was asked in and never let in. */
  get neverCame(): boolean {
    return this.#playing && !this.#everCame;
  }

  figures(): ParticipantFigures {
    return this.tally.figures(this.#parts.plan);
  }

  /** Why its link went last. */
  get lastEnd(): string | undefined {
    return this.#lastEnd;
  }

  /** Asked in, and not out again. */
  get wanted(): boolean {
    return this.#playing;
  }

  /** @param intendedMs - when it was meant to come: joining is timed from then. */
  enter(intendedMs: number): void {
    if (this.#playing) return;
    this.#playing = true;
    this.#askedMs = intendedMs;
    this.#cutMs = undefined;
    this.#parts.measure.counts.joinsAsked++;
    // Somebody who has just left may not be out yet.
    void this.#out.then(() => { if (this.#playing) this.#guest.enter(); });
    this.#play(intendedMs);
  }

  /** Stops sending; stays. */
  rest(): void {
    for (const stop of this.#stops.splice(0)) stop();
  }

  async leave(): Promise<void> {
    if (!this.#playing) return;
    this.#playing = false;
    this.#hear(false);
    this.rest();
    this.#out = this.#guest.leave();
    await this.#out;
    this.#newest.clear();
    this.#trails.clear();
  }

  // ── faults ────────────────────────────────────────────────────────────────

  cut(backMs?: number): boolean {
    this.#cutMs = this.#parts.clock.nowMs();
    this.#expectsEnd = true;
    return this.#guest.cut(backMs);
  }

  readSlowly(on: boolean): boolean {
    if (!this.#guest.readSlowly(on)) return false;
    this.#expectsEnd = on;
    this.#hear(!on);
    return true;
  }

  fallSilent(): boolean {
    if (!this.#guest.fallSilent()) return false;
    this.#expectsEnd = true;
    this.#hear(false);
    return true;
  }

  // ── what it hears ─────────────────────────────────────────────────────────

  joined(how: 'new' | 'resumed', slot: number | undefined): void {
    const { measure, clock, room } = this.#parts;
    if (slot !== undefined) room.slots.set(slot, this);
    const nowMs = clock.nowMs();
    this.#expectsEnd = false;
    this.#everCame = true;
    if (how === 'new') {
      measure.counts.joined++;
      measure.noteTime('join', nowMs - this.#askedMs);
    } else {
      measure.counts.resumed++;
      if (this.#cutMs !== undefined) measure.noteTime('resume', nowMs - this.#cutMs);
    }
    this.#cutMs = undefined;
    this.#hear(true);
  }

  received(packetBytes: number): void {
    this.#arrivedMs = this.#parts.clock.nowMs();
    this.#parts.measure.noteReceived(packetBytes, this.tally);
  }

  pose(bytes: Uint8Array, offset: number, sampleBytes: number): void {
    const sender = readSender(bytes, offset);
    const nowMs = this.#arrivedMs;
    const intendedMs = readIntendedMs(bytes, offset, nowMs);
    const before = this.#newest.get(sender);
    if (before !== undefined && intendedMs <= before) {
      this.#parts.measure.counts.repeated++;
      return;
    }
    this.#newest.set(sender, intendedMs);
    const { measure, room, watches } = this.#parts;
    measure.notePose(intendedMs, nowMs, sampleBytes, { from: room.members.get(sender)?.tally, to: this.tally });
    if (watches(sender)) this.#trailOf(sender).add(intendedMs, readInt16(bytes, offset + 6), readInt16(bytes, offset + 8), readInt16(bytes, offset + 10));
  }

  chat(text: string): void {
    const [, speaker, number] = LINE.exec(text) ?? [];
    if (speaker === undefined || number === undefined || !this.#hears) return;
    this.#parts.measure.ledger(this.#parts.plan.session).hear(this.#parts.plan.number, Number(speaker), Number(number));
  }

  result(message: ResultMessage, captureMs: number): void {
    const { measure, clock, room } = this.#parts;
    measure.noteResult(message, Math.max(0, clock.nowMs() - captureMs), this.#batches, room.slots.get(message.slot)?.tally);
    if (this.#batches.size > MOST_BATCHES) this.#batches.clear();
  }

  refused(code: string): void {
    countIn(this.#parts.measure.refusals, code);
  }

  lost({ code, detail, final }: Parameters<GuestListener['lost']>[0]): void {
    const { measure, clock } = this.#parts;
    this.#lastEnd = detail === '' ? code : `${code}: ${detail}`;
    this.#hear(false);
    this.#cutMs ??= clock.nowMs();
    if (this.#expectsEnd) measure.counts.linksCut++;
    else if (this.#playing) {
      measure.counts.linksLost++;
      this.tally.linksLost++;
      countIn(measure.ends, code);
    }
    if (final) this.rest();
  }

  /** Where its head truly is, in millimetres; undefined when it does not play. */
  headAt(timeMs: number, into: Float64Array): boolean {
    if (!this.#guest.live) return false;
    const { loop, plan } = this.#parts;
    const at = this.#frameAt(timeMs);
    const frame = Math.floor(at);
    const from = (((frame % loop.count) + loop.count) % loop.count) * loop.sampleBytes + 6;
    const to = ((((frame + 1) % loop.count) + loop.count) % loop.count) * loop.sampleBytes + 6;
    for (let axis = 0; axis < 3; axis++) {
      const start = readInt16(loop.bytes, from + 2 * axis);
      into[axis] = start + (readInt16(loop.bytes, to + 2 * axis) - start) * (at - frame) + (axis === 0 ? plan.xMm : axis === 2 ? plan.zMm : 0);
    }
    return true;
  }

  // ── what it sends ─────────────────────────────────────────────────────────

  #play(startMs: number): void {
    const { plan, mix, pictures } = this.#parts;
    const poseMs = 1000 / plan.poseHz;
    const shiftMs = mix.jitterMs === 0 ? undefined : (): number => randomBetween(this.#random, -1, 1) * Math.min(mix.jitterMs, poseMs / 3);
    this.#add({ periodMs: poseMs, gridMs: startMs + plan.phase * poseMs, ...(shiftMs === undefined ? {} : { shiftMs }), run: (intendedMs, missed) => this.#sendPose(intendedMs, missed) });
    if (pictures !== undefined) {
      const videoMs = 1000 / mix.videoHz;
      this.#add({ periodMs: videoMs, gridMs: startMs + plan.phase * videoMs, run: (intendedMs, missed) => this.#sendVideo(pictures, intendedMs, missed) });
    }
    if (mix.chatPerMinute > 0) {
      const chatMs = 60_000 / mix.chatPerMinute;
      this.#add({ periodMs: chatMs, gridMs: startMs + plan.start * chatMs, shiftMs: () => randomBetween(this.#random, -0.4, 0.4) * chatMs, run: (intendedMs) => this.#say(intendedMs) });
    }
  }

  #add(beat: Beat): void {
    this.#stops.push(this.#parts.beats.add(beat));
  }

  #sendPose(intendedMs: number, missed: number): void {
    const { loop, plan, measure, room } = this.#parts;
    const sample = this.#sample;
    const frame = ((Math.round(this.#frameAt(intendedMs)) % loop.count) + loop.count) % loop.count;
    sample.set(loop.bytes.subarray(frame * loop.sampleBytes, (frame + 1) * loop.sampleBytes));
    shiftSample(sample, 0, plan.xMm, plan.zMm);
    writeMarker(sample, 0, plan.number, intendedMs);
    const sent = this.#guest.sendPose(sample, intendedMs);
    measure.noteSent('pose', intendedMs, { sent, missed, receivers: room.hearing - (this.#hears ? 1 : 0), bytes: loop.sampleBytes }, this.tally);
    if (plan.hands && sent === 'sent') measure.windows?.noteHands(plan.number, plan.poseHz, intendedMs);
    if (intendedMs - this.#shownMs >= DISPLAY_PERIOD_MS) this.#look(intendedMs);
  }

  #sendVideo(pictures: PictureSource, intendedMs: number, missed: number): void {
    const { loop } = this.#parts;
    const frame = ((Math.round(this.#frameAt(intendedMs)) % loop.count) + loop.count) % loop.count;
    // Pictures of a recording are those that belong to its movement.
    const picture = pictures.at(Math.floor((frame * PICTURES_HZ) / loop.rateHz));
    const sent = this.#guest.sendVideo(picture, intendedMs);
    this.#parts.measure.noteSent('video', intendedMs, { sent, missed, receivers: 0, bytes: picture.bytes.length }, this.tally);
  }

  #say(intendedMs: number): void {
    const { plan, measure, chat, clock } = this.#parts;
    if (!this.#hears) return;
    const ledger = measure.ledger(plan.session);
    const sent = this.#guest.say(`${chat.next().text} #${plan.number}:${ledger.nextNumber(plan.number)}`, intendedMs);
    if (sent === 'sent') ledger.say(plan.number, clock.nowMs());
    measure.noteSent('chat', intendedMs, { sent, missed: 0, receivers: 0, bytes: 0 }, this.tally);
  }

  /** Looks at the session as a display would at this moment. */
  #look(intendedMs: number): void {
    const { measure, clock } = this.#parts;
    const nowMs = clock.nowMs();
    this.#shownMs = intendedMs;
    if (!measure.counting(nowMs)) return;
    for (const [sender, trail] of this.#trails) {
      const peer = this.#parts.room.members.get(sender);
      const newestMs = this.#newest.get(sender) ?? -Infinity;
      if (nowMs - newestMs > STALE_MS || peer?.live !== true) continue;
      measure.noteDisplay(nowMs - newestMs, peer.tally);
      if (!peer.headAt(nowMs, truth)) continue;
      if (trail.count > 1) measure.notePrediction(trail.distance(nowMs, truth, true), trail.distance(nowMs, truth, false), peer.tally);
    }
  }

  /** Where in its loop it is, in frames. */
  #frameAt(timeMs: number): number {
    const { loop, plan } = this.#parts;
    return (timeMs * loop.rateHz) / 1000 + plan.start * loop.count;
  }

  #trailOf(sender: number): HeadTrail {
    const trail = this.#trails.get(sender) ?? new HeadTrail();
    this.#trails.set(sender, trail);
    return trail;
  }

  #hear(on: boolean): void {
    const { room, measure, plan } = this.#parts;
    if (this.#hears === on) return;
    this.#hears = on;
    room.hearing += on ? 1 : -1;
    if (on) measure.ledger(plan.session).enter(plan.number);
    else measure.ledger(plan.session).exit(plan.number);
  }
}

const MOST_BATCHES = 10_000;
const truth = new Float64Array(3);
