/** The motion of one part of somebody: an estimate, kept from what is not one motion. */
import { POSE_FLOATS } from '../../protocol/codec/quantise.ts';
import type { Motion, MotionEstimator } from './motion.ts';
import { writeTurnBetween } from '../../core/rotation.ts';

/** Samples further apart than this are not one motion. */
export const MAX_GAP_MS = 250;
/** A faster head or hand is a jump or a tracking error, and is not continued. */
export const MAX_SPEED_M_PER_S = 8;
/** So is one that turns faster: a hand that is shaken reaches about 20. */
export const MAX_TURN_RAD_PER_S = 40;

export class PartMotion {
  readonly #estimator: MotionEstimator;
  readonly #last = new Float32Array(POSE_FLOATS);
  readonly #turn = new Float64Array(3);
  #lastMs: number | undefined;

  constructor(estimator: MotionEstimator) {
    this.#estimator = estimator;
  }

  get motion(): Motion {
    return this.#estimator.motion;
  }

  /** Takes a pose in; what came before counts only when both can be one motion. @param poses - 7 floats from `at`. Read only. */
  observe(timeMs: number, poses: Float32Array, at: number): void {
    if (this.#lastMs !== undefined && !this.#isOneMotion(timeMs - this.#lastMs, poses, at)) this.#estimator.reset();
    this.#estimator.observe(timeMs, poses, at);
    for (let index = 0; index < POSE_FLOATS; index++) this.#last[index] = poses[at + index]!;
    this.#lastMs = timeMs;
  }

  /** The part is not seen, or space itself is another. */
  forget(): void {
    if (this.#lastMs === undefined) return;
    this.#estimator.reset();
    this.#lastMs = undefined;
  }

  #isOneMotion(spanMs: number, poses: Float32Array, at: number): boolean {
    if (spanMs > MAX_GAP_MS) return false;
    const x = poses[at]! - this.#last[0]!, y = poses[at + 1]! - this.#last[1]!, z = poses[at + 2]! - this.#last[2]!;
    if (Math.sqrt(x * x + y * y + z * z) * 1000 > MAX_SPEED_M_PER_S * spanMs) return false;
    writeTurnBetween(this.#last, 3, poses, at + 3, this.#turn);
    return Math.hypot(this.#turn[0]!, this.#turn[1]!, this.#turn[2]!) * 1000 <= MAX_TURN_RAD_PER_S * spanMs;
  }
}
