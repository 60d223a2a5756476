/**
 * Where the others are between two samples, and shortly after the last one.
 *
 * Samples come in ticks and late; drawn as they come they stutter. So each participant is drawn a little in the past,
 * between the two samples that surround that moment. When the newer one is missing, the last motion goes on for at most
 * 100 ms, and then stands still and says so: a guess that goes on for longer shows motion that nobody made.
 */
import { HAND_FLOATS } from '../protocol/codec/hand.ts';
import { createPoseSample, type PoseSample } from '../protocol/codec/pose-sample.ts';
import { POSE_FLOATS } from '../protocol/codec/quantise.ts';
import type { AvatarSource } from './client.ts';
import { blendPoses, type Blend } from './blend.ts';

/** A third of a second at 72 Hz, more than the largest render delay. */
const CAPACITY = 24;
export const MAX_EXTRAPOLATION_MS = 100;
/** Samples further apart than this are not one motion: the earlier one is held until this long before the later. */
const MAX_GAP_MS = 250;
/** A faster head or hand is a jump or a tracking error, and is not continued. */
const MAX_SPEED_M_PER_S = 8;
/** A capture time this far before the newest one starts a new time line instead of being late. */
const RESTART_MS = 1000;

/** The newest samples of one participant, in order of capture. @bound CAPACITY samples of about 1.5 KB. */
export class SampleBuffer {
  readonly #ring: PoseSample[] = [];
  /** Index of the oldest sample. */
  #first = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Takes a copy of a sample; false when one of its time or newer is there already. */
  add(sample: PoseSample): boolean {
    const newest = this.#at(this.#length - 1);
    if (newest !== undefined && sample.captureMs <= newest.captureMs) {
      if (sample.captureMs > newest.captureMs - RESTART_MS) return false;
      this.#length = 0;
    }
    copySample(sample, this.#nextPlace());
    return true;
  }

  /** Writes the participant's pose at `serverMs` into `into`. */
  sampleAt(serverMs: number, into: PoseSample): AvatarSource {
    const newest = this.#at(this.#length - 1);
    if (newest === undefined) return 'none';
    if (serverMs > newest.captureMs) return this.#beyond(newest, serverMs, into);
    const after = this.#firstAtOrAfter(serverMs);
    const next = this.#at(after) ?? newest;
    const previous = this.#at(after - 1);
    if (next.captureMs === serverMs || previous === undefined || previous.spaceEpoch !== next.spaceEpoch) {
      copySample(previous === undefined || next.captureMs === serverMs ? next : previous, into);
      return next.captureMs === serverMs ? 'interpolated' : 'held';
    }
    const startMs = Math.max(previous.captureMs, next.captureMs - MAX_GAP_MS);
    blendSamples(previous, next, Math.max(0, serverMs - startMs) / (next.captureMs - startMs), into);
    return 'interpolated';
  }

  /** Goes on with the motion of the last two samples, up to MAX_EXTRAPOLATION_MS, then stands. */
  #beyond(newest: PoseSample, serverMs: number, into: PoseSample): AvatarSource {
    const aheadMs = serverMs - newest.captureMs;
    const previous = this.#at(this.#length - 2);
    if (previous === undefined || !isOneMotion(previous, newest)) copySample(newest, into);
    else {
      const spanMs = newest.captureMs - previous.captureMs;
      blendSamples(previous, newest, 1 + Math.min(aheadMs, MAX_EXTRAPOLATION_MS) / spanMs, into);
      into.valid = newest.valid;
      into.tracked = newest.tracked;
    }
    return aheadMs <= MAX_EXTRAPOLATION_MS ? 'extrapolated' : 'held';
  }

  #firstAtOrAfter(serverMs: number): number {
    let index = this.#length - 1;
    while (index > 0 && this.#at(index - 1)!.captureMs >= serverMs) index--;
    return index;
  }

  #at(index: number): PoseSample | undefined {
    return index < 0 || index >= this.#length ? undefined : this.#ring[(this.#first + index) % CAPACITY];
  }

  #nextPlace(): PoseSample {
    const place = (this.#first + this.#length) % CAPACITY;
    if (this.#length === CAPACITY) this.#first = (this.#first + 1) % CAPACITY;
    else this.#length++;
    return (this.#ring[place] ??= createPoseSample());
  }
}

/** The buffers of everybody in a session, by slot. */
export class Avatars {
  readonly #buffers = new Map<number, SampleBuffer>();

  add(slot: number, sample: PoseSample): void {
    let buffer = this.#buffers.get(slot);
    if (buffer === undefined) this.#buffers.set(slot, (buffer = new SampleBuffer()));
    buffer.add(sample);
  }

  at(slot: number, serverMs: number, into: PoseSample): AvatarSource {
    return this.#buffers.get(slot)?.sampleAt(serverMs, into) ?? 'none';
  }

  /** Forgets a participant who left, so that the next one on that slot does not start in the old place. */
  forget(slot: number): void {
    this.#buffers.delete(slot);
  }

  clear(): void {
    this.#buffers.clear();
  }
}

/** Overwrites `into` with everything in `from`. */
export function copySample(from: PoseSample, into: PoseSample): void {
  into.captureMs = from.captureMs;
  into.valid = from.valid;
  into.tracked = from.tracked;
  into.spaceEpoch = from.spaceEpoch;
  into.rigid.set(from.rigid);
  into.hands.set(from.hands);
}

/** Blends the parts that both have; a part that only one has is the earlier one's, or not there. */
function blendSamples(previous: PoseSample, next: PoseSample, fraction: number, into: PoseSample): void {
  copySample(previous, into);
  into.captureMs = previous.captureMs + (next.captureMs - previous.captureMs) * fraction;
  const both = previous.valid & next.valid;
  const rigid: Blend = { from: previous.rigid, to: next.rigid, fraction };
  const hands: Blend = { from: previous.hands, to: next.hands, fraction };
  for (let part = 0; part < 3; part++) {
    if ((both & (1 << part)) !== 0) blendPoses(rigid, into.rigid, part * POSE_FLOATS, (part + 1) * POSE_FLOATS);
  }
  for (let hand = 0; hand < 2; hand++) {
    if ((both & (8 << hand)) !== 0) blendPoses(hands, into.hands, hand * HAND_FLOATS, (hand + 1) * HAND_FLOATS);
  }
}

/** Whether two samples in a row are near enough in time and place for their motion to be continued. */
function isOneMotion(previous: PoseSample, next: PoseSample): boolean {
  const spanMs = next.captureMs - previous.captureMs;
  if (spanMs > MAX_GAP_MS || previous.spaceEpoch !== next.spaceEpoch || previous.valid !== next.valid) return false;
  for (let part = 0; part < 3; part++) {
    if ((next.valid & (1 << part)) !== 0 && distance(previous.rigid, next.rigid, part * POSE_FLOATS) * 1000 > MAX_SPEED_M_PER_S * spanMs) return false;
  }
  return true;
}

function distance(a: Float32Array, b: Float32Array, at: number): number {
  return Math.hypot(b[at]! - a[at]!, b[at + 1]! - a[at + 1]!, b[at + 2]! - a[at + 2]!);
}
