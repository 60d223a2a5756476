/** Constant velocity: the slope of the straight line through the last few poses (least squares). */
import { POSE_FLOATS } from '../../protocol/codec/quantise.ts';
import { createMotion, stopMotion, type MotionEstimator } from '../../client/prediction/motion.ts';
import { writeTurnBetween } from '../../core/rotation.ts';

/** Poses that a line goes through at most. */
const CAPACITY = 12;

/** The time that a line looks back on, for positions and for orientations; the newest two poses always count. */
export interface LineOptions {
  readonly moveWindowMs: number;
  readonly turnWindowMs: number;
}

export class LineMotion implements MotionEstimator {
  readonly motion = createMotion();
  readonly #options: LineOptions;
  readonly #timesMs = new Float64Array(CAPACITY);
  readonly #poses = new Float32Array(CAPACITY * POSE_FLOATS);
  readonly #turn = new Float64Array(3);
  #newest = -1;
  #length = 0;

  constructor(options: LineOptions) {
    this.#options = options;
  }

  observe(timeMs: number, poses: Float32Array, at: number): void {
    this.#newest = (this.#newest + 1) % CAPACITY;
    this.#length = Math.min(CAPACITY, this.#length + 1);
    this.#timesMs[this.#newest] = timeMs;
    for (let index = 0; index < POSE_FLOATS; index++) this.#poses[this.#newest * POSE_FLOATS + index] = poses[at + index]!;
    if (this.#length < 2) return;
    this.#fitPositions(this.#countSince(timeMs - this.#options.moveWindowMs));
    this.#fitTurns(this.#countSince(timeMs - this.#options.turnWindowMs));
  }

  reset(): void {
    this.#length = 0;
    stopMotion(this.motion);
  }

  #countSince(fromMs: number): number {
    let count = 2;
    while (count < this.#length && this.#timesMs[this.#place(count)]! >= fromMs) count++;
    return count;
  }

  /** @param back - 0 is the newest. */
  #place(back: number): number {
    return (this.#newest - back + CAPACITY) % CAPACITY;
  }

  #fitPositions(count: number): void {
    const { velocity } = this.motion;
    const meanS = this.#meanAgeS(count);
    let spread = 0, x = 0, y = 0, z = 0;
    for (let back = 0; back < count; back++) {
      const place = this.#place(back);
      const off = this.#ageS(place) - meanS;
      const at = place * POSE_FLOATS;
      spread += off * off;
      x += off * this.#poses[at]!;
      y += off * this.#poses[at + 1]!;
      z += off * this.#poses[at + 2]!;
    }
    velocity[0] = x / spread;
    velocity[1] = y / spread;
    velocity[2] = z / spread;
  }

  /** The turns that lead from the newest orientation back to the others are close to a line, as distances are. */
  #fitTurns(count: number): void {
    const { turn } = this.motion;
    const meanS = this.#meanAgeS(count);
    const newestAt = this.#newest * POSE_FLOATS + 3;
    let spread = 0, x = 0, y = 0, z = 0;
    for (let back = 0; back < count; back++) {
      const place = this.#place(back);
      const off = this.#ageS(place) - meanS;
      writeTurnBetween(this.#poses, newestAt, this.#poses, place * POSE_FLOATS + 3, this.#turn);
      spread += off * off;
      x += off * this.#turn[0]!;
      y += off * this.#turn[1]!;
      z += off * this.#turn[2]!;
    }
    turn[0] = x / spread;
    turn[1] = y / spread;
    turn[2] = z / spread;
  }

  /** Seconds since the newest: 0 or less. */
  #ageS(place: number): number {
    return (this.#timesMs[place]! - this.#timesMs[this.#newest]!) / 1000;
  }

  #meanAgeS(count: number): number {
    let sum = 0;
    for (let back = 0; back < count; back++) sum += this.#ageS(this.#place(back));
    return sum / count;
  }
}
