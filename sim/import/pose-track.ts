/** A recorded movement in memory: what every importer gives and every source of poses takes. */
import { blendPoses } from '../../client/blend.ts';
import type { PoseSample } from '../../protocol/codec/pose-sample.ts';
import { HAND_FLOATS } from '../../protocol/codec/hand.ts';
import { POSE_FLOATS } from '../../protocol/codec/quantise.ts';
import type { RecordingSource } from '../../recording/format.ts';

/** Floats of head, left and right controller. */
export const RIGID_FLOATS = 3 * POSE_FLOATS;
/** Floats of both hands. */
export const BOTH_HANDS_FLOATS = 2 * HAND_FLOATS;

/** One participant's movement. Everything in it is read only once made. */
export interface PoseTrack {
  readonly name: string;
  /** Whether sensors measured all of it. */
  readonly source: RecordingSource;
  /** Strictly ascending milliseconds, the first 0. */
  readonly timesMs: Float64Array;
  /** Per time, bits of PART_BITS. */
  readonly valid: Uint8Array;
  /** Per time, those of the valid parts that sensors saw. */
  readonly tracked: Uint8Array;
  /** [times, 3, 7]: metres and unit quaternions xyzw; +Y up, the floor at 0. */
  readonly rigid: Float32Array;
  /** [times, 2, 25, 7], when the recording has hands. */
  readonly hands: Float32Array | undefined;
  /** Per time, the epoch of the reference space, 0..7; undefined when it was never reset. */
  readonly spaceEpochs?: Uint8Array | undefined;
}

/** The length of a track. */
export function trackDurationMs(track: PoseTrack): number {
  return track.timesMs[track.timesMs.length - 1] ?? 0;
}

/** Mean samples a second. */
export function trackRateHz(track: PoseTrack): number {
  return track.timesMs.length < 2 ? 0 : ((track.timesMs.length - 1) * 1000) / trackDurationMs(track);
}

/**
 * Where a track is at `timeMs`: between two samples the parts that both have are blended, a part that only the earlier
 * has is held. Over a reset of the reference space nothing is blended.
 *
 * @param timeMs - before the start the first sample is given, after the end the last.
 * @param into - all but `captureMs` is overwritten.
 */
export function sampleTrack(track: PoseTrack, timeMs: number, into: PoseSample): void {
  const { timesMs, valid, tracked, rigid, hands, spaceEpochs } = track;
  const last = timesMs.length - 1;
  const before = Math.min(lastAtOrBefore(timesMs, timeMs), last);
  const after = Math.min(before + 1, last);
  const gapMs = timesMs[after]! - timesMs[before]!;
  const fraction = gapMs > 0 ? Math.max(0, Math.min(1, (timeMs - timesMs[before]!) / gapMs)) : 0;
  into.valid = valid[before]!;
  into.tracked = tracked[before]!;
  into.spaceEpoch = spaceEpochs?.[before] ?? 0;
  const isReset = spaceEpochs !== undefined && spaceEpochs[before] !== spaceEpochs[after];
  const both = isReset ? 0 : valid[before]! & valid[after]!;
  for (let part = 0; part < 3; part++) {
    blendPart({ values: rigid, stride: RIGID_FLOATS, before, after, fraction: both & (1 << part) ? fraction : 0 }, into.rigid, part * POSE_FLOATS, POSE_FLOATS);
  }
  if (hands === undefined) return;
  for (let hand = 0; hand < 2; hand++) {
    blendPart({ values: hands, stride: BOTH_HANDS_FLOATS, before, after, fraction: both & (8 << hand) ? fraction : 0 }, into.hands, hand * HAND_FLOATS, HAND_FLOATS);
  }
}

/** The index of the last time that is not after `timeMs`, at least 0. @param timesMs - ascending. */
export function lastAtOrBefore(timesMs: ArrayLike<number>, timeMs: number): number {
  let low = 0;
  let high = timesMs.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (timesMs[middle]! <= timeMs) low = middle;
    else high = middle;
  }
  return low;
}

interface Between {
  readonly values: Float32Array;
  readonly stride: number;
  readonly before: number;
  readonly after: number;
  readonly fraction: number;
}

function blendPart({ values, stride, before, after, fraction }: Between, into: Float32Array, start: number, floats: number): void {
  const from = values.subarray(before * stride, (before + 1) * stride);
  const to = values.subarray(after * stride, (after + 1) * stride);
  blendPoses({ from, to, fraction }, into, start, start + floats);
}

/** Collects samples into a track, so that an importer need not know how many there will be. */
export class PoseTrackBuilder {
  readonly #times: number[] = [];
  readonly #valid: number[] = [];
  readonly #tracked: number[] = [];
  readonly #rigid: Float32Array[] = [];
  readonly #hands: Float32Array[] = [];
  readonly #epochs: number[] = [];
  #hasHands = false;

  get length(): number {
    return this.#times.length;
  }

  /** Copies a sample; one that is not later than the one before it is left out. @returns whether it was taken. */
  add(timeMs: number, sample: Pick<PoseSample, 'valid' | 'tracked' | 'rigid' | 'hands' | 'spaceEpoch'>): boolean {
    const latest = this.#times[this.#times.length - 1];
    if (latest !== undefined && timeMs <= latest) return false;
    const handed = (sample.valid & 24) !== 0;
    this.#times.push(timeMs);
    this.#valid.push(sample.valid);
    this.#tracked.push(sample.tracked & sample.valid);
    this.#epochs.push(sample.spaceEpoch);
    this.#rigid.push(sample.rigid.slice());
    this.#hands.push(handed ? sample.hands.slice() : NO_HANDS);
    this.#hasHands ||= handed;
    return true;
  }

  build(name: string, source: RecordingSource): PoseTrack {
    const count = this.#times.length;
    const first = this.#times[0] ?? 0;
    const rigid = new Float32Array(count * RIGID_FLOATS);
    const hands = this.#hasHands ? new Float32Array(count * BOTH_HANDS_FLOATS) : undefined;
    this.#rigid.forEach((values, index) => rigid.set(values, index * RIGID_FLOATS));
    this.#hands.forEach((values, index) => hands?.set(values, index * BOTH_HANDS_FLOATS));
    const timesMs = Float64Array.from(this.#times, (timeMs) => timeMs - first);
    const spaceEpochs = this.#epochs.some((epoch) => epoch !== this.#epochs[0]) ? Uint8Array.from(this.#epochs) : undefined;
    return { name, source, timesMs, valid: Uint8Array.from(this.#valid), tracked: Uint8Array.from(this.#tracked), rigid, hands, spaceEpochs };
  }
}

const NO_HANDS = new Float32Array(0);
