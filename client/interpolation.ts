/**
 * Where the others are between two samples, and shortly after the last one.
 *
 * Samples come in ticks and late; drawn as they come they stutter. So each participant is drawn a little in the past,
 * between the two samples that surround that moment. When the newer one is missing, the motion goes on as the filters of
 * prediction/ expect, for at most 100 ms, and then stands still and says so: a guess that goes on for longer shows motion
 * that nobody made.
 */
import { HAND_FLOATS } from '../protocol/codec/hand.ts';
import { createPoseSample, type PoseSample } from '../protocol/codec/pose-sample.ts';
import { POSE_FLOATS } from '../protocol/codec/quantise.ts';
import type { AvatarSource } from './client.ts';
import { blendPoses, type Blend } from './blend.ts';
import { AvatarMotion } from './prediction/avatar-motion.ts';
import { MAX_GAP_MS } from './prediction/part-motion.ts';

/** A quarter of a second at 120 Hz: as much as the largest render delay. */
const CAPACITY = 32;
export const MAX_EXTRAPOLATION_MS = 100;
/** A capture time this far before the newest one starts a new time line instead of being late. */
const RESTART_MS = 1000;

/** The newest samples of one participant, in order of capture. @bound CAPACITY samples of about 1.5 KB. */
export class SampleBuffer {
  readonly #ring: PoseSample[] = [];
  readonly #motion = new AvatarMotion();
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
      this.#motion.forget();
    }
    this.#motion.observe(sample);
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
    // Samples further apart are not one motion: the earlier one is held until this long before the later.
    const startMs = Math.max(previous.captureMs, next.captureMs - MAX_GAP_MS);
    blendSamples(previous, next, Math.max(0, serverMs - startMs) / (next.captureMs - startMs), into);
    return serverMs < startMs ? 'held' : 'interpolated';
  }

  /** Goes on with the motion, up to MAX_EXTRAPOLATION_MS, then stands. */
  #beyond(newest: PoseSample, serverMs: number, into: PoseSample): AvatarSource {
    const aheadMs = serverMs - newest.captureMs;
    const leadMs = Math.min(aheadMs, MAX_EXTRAPOLATION_MS);
    copySample(newest, into);
    into.captureMs = newest.captureMs + leadMs;
    this.#motion.advance(into, leadMs);
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
