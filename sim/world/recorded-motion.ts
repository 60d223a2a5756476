/** Movements of a recording for simulated headsets: the poses, the parts and the pauses between samples as they were recorded. */
import { randomInt, type Random } from '../../core/random.ts';
import { PART_BITS, type PoseSample } from '../../protocol/codec/pose-sample.ts';
import { importSession } from '../import/session-recording.ts';
import { sampleTrack, type PoseTrack } from '../import/pose-track.ts';
import { signRecordedPose, type Signature } from './signature.ts';

/** A world expects fresh snapshots of everybody, so a longer pause in a recording is this long. */
const LONGEST_PAUSE_MS = 1000;

/** The movements of a recording. @throws CopresenceError RECORDING_INVALID when it is damaged, foreign or without any. */
export async function readMotions(path: string): Promise<PoseTrack[]> {
  return (await importSession(path)).map(({ track }) => track);
}

/** One headset's movement, without end. */
export class RecordedMotion {
  readonly #track: PoseTrack;
  /** Whether every sample has a hand. */
  readonly hasHands: boolean;
  #next: number;

  /** @param random - picks the movement and where in it the headset begins. */
  constructor(tracks: readonly PoseTrack[], random: Random) {
    this.#track = tracks[randomInt(random, tracks.length)] as PoseTrack;
    this.hasHands = this.#track.valid.every((parts) => (parts & (PART_BITS.leftHand | PART_BITS.rightHand)) !== 0);
    this.#next = randomInt(random, this.#track.timesMs.length);
  }

  /**
   * Gives the next sample, signed.
   *
   * @param into - all but `captureMs` is overwritten.
   * @returns after how many milliseconds the one behind it comes.
   */
  take(into: PoseSample, signature: Signature): number {
    const { timesMs } = this.#track;
    const atMs = timesMs[this.#next] ?? 0;
    sampleTrack(this.#track, atMs, into);
    signRecordedPose(into, signature);
    this.#next = (this.#next + 1) % timesMs.length;
    // After the end it begins again, as if a mean pause lay between.
    const pauseMs = this.#next === 0 ? atMs / Math.max(1, timesMs.length - 1) : (timesMs[this.#next] ?? 0) - atMs;
    return Math.min(LONGEST_PAUSE_MS, pauseMs);
  }
}
