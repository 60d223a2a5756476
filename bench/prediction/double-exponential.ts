/**
 * Double exponential smoothing, after LaViola, "Double exponential smoothing: an alternative to Kalman filter-based
 * predictive tracking" (2003).
 *
 * It is a straight line through all poses so far, each weighing less the older it is (Brown 1963). In that form it takes
 * poses at uneven times, which those behind a server are.
 */
import { createMotion, stopMotion, type MotionEstimator } from '../../client/prediction/motion.ts';

/** The age at which a pose weighs 1/e, for positions and for orientations. */
export interface DoubleExponentialOptions {
  readonly moveMemoryMs: number;
  readonly turnMemoryMs: number;
}

export class DoubleExponentialMotion implements MotionEstimator {
  readonly motion = createMotion();
  readonly #positions: WeighedLine;
  readonly #orientations: WeighedLine;
  readonly #position = new Float64Array(3);
  readonly #orientation = new Float64Array(4);

  constructor({ moveMemoryMs, turnMemoryMs }: DoubleExponentialOptions) {
    this.#positions = new WeighedLine(3, moveMemoryMs / 1000);
    this.#orientations = new WeighedLine(4, turnMemoryMs / 1000);
  }

  observe(timeMs: number, poses: Float32Array, at: number): void {
    const sign = this.#signNearLast(poses, at + 3);
    for (let axis = 0; axis < 3; axis++) this.#position[axis] = poses[at + axis]!;
    for (let axis = 0; axis < 4; axis++) this.#orientation[axis] = sign * poses[at + 3 + axis]!;
    this.#positions.add(timeMs / 1000, this.#position);
    this.#orientations.add(timeMs / 1000, this.#orientation);
    this.motion.velocity.set(this.#positions.slope);
    this.#writeTurn();
  }

  reset(): void {
    this.#positions.reset();
    this.#orientations.reset();
    this.#orientation.fill(0);
    stopMotion(this.motion);
  }

  /** q and -q are one orientation; a line goes through those of one sign. */
  #signNearLast(poses: Float32Array, at: number): number {
    let dot = 0;
    for (let axis = 0; axis < 4; axis++) dot += this.#orientation[axis]! * poses[at + axis]!;
    return dot < 0 ? -1 : 1;
  }

  /** The rate of the quaternion as an angular velocity: `2 * rate * conjugate(level)`. */
  #writeTurn(): void {
    const { level, slope } = this.#orientations;
    const x = level[0]!, y = level[1]!, z = level[2]!, w = level[3]!;
    const rx = slope[0]!, ry = slope[1]!, rz = slope[2]!, rw = slope[3]!;
    const scale = 2 / (x * x + y * y + z * z + w * w);
    const { turn } = this.motion;
    turn[0] = scale * (rx * w - rw * x - ry * z + rz * y);
    turn[1] = scale * (ry * w - rw * y - rz * x + rx * z);
    turn[2] = scale * (rz * w - rw * z - rx * y + ry * x);
  }
}

/** Least squares of a line with exponentially falling weights, for a few numbers at the same times. */
class WeighedLine {
  /** At the newest time, and its change a second. */
  readonly level: Float64Array;
  readonly slope: Float64Array;
  readonly #memoryS: number;
  readonly #sum: Float64Array;
  readonly #moment: Float64Array;
  /** Sums of the weights, and of the weights times the age's first and second power. */
  #weight = 0;
  #age = 0;
  #square = 0;
  #newestS = 0;

  constructor(numbers: number, memoryS: number) {
    this.#memoryS = memoryS;
    this.level = new Float64Array(numbers);
    this.slope = new Float64Array(numbers);
    this.#sum = new Float64Array(numbers);
    this.#moment = new Float64Array(numbers);
  }

  add(timeS: number, values: Float64Array): void {
    const stepS = timeS - this.#newestS;
    const fade = this.#weight === 0 ? 0 : Math.exp(-stepS / this.#memoryS);
    this.#square = fade * (this.#square + 2 * stepS * this.#age + stepS * stepS * this.#weight);
    this.#age = fade * (this.#age + stepS * this.#weight);
    this.#weight = fade * this.#weight + 1;
    this.#newestS = timeS;
    const spread = this.#weight * this.#square - this.#age * this.#age;
    for (let index = 0; index < values.length; index++) {
      this.#moment[index] = fade * (this.#moment[index]! + stepS * this.#sum[index]!);
      this.#sum[index] = fade * this.#sum[index]! + values[index]!;
      // Ages grow into the past, so the slope over time has the other sign.
      this.slope[index] = spread > 0 ? (this.#age * this.#sum[index]! - this.#weight * this.#moment[index]!) / spread : 0;
      this.level[index] = (this.#sum[index]! + this.slope[index]! * this.#age) / this.#weight;
    }
  }

  reset(): void {
    this.#weight = 0;
    this.#age = 0;
    this.#square = 0;
    this.#sum.fill(0);
    this.#moment.fill(0);
  }
}
