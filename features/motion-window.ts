/**
 * What a model of movement sees: the newest poses of one head or hand as velocities, and a pose continued by what it says.
 *
 * Each of six axes is a row of its own: three along which the position moves, three about which the orientation turns. Axes of a room are alike,
 * so one small network serves all, and what it learnt of one direction holds for every other.
 */
import { writeTurnBetween, writeTurned } from '../core/rotation.ts';

/** A position and a unit quaternion xyzw. */
const POSE_FLOATS = 7;
/** Three of the position, three of the orientation. */
export const MOTION_AXES = 6;
/** Of one axis and one older pose: whether it is there, its age, what is faster on average since then and in the step after it than on the line, how fast that step was in all directions, the line, whether it turns, whether it is a hand. */
export const MOTION_FEATURE_COUNT = 8;
/** The line leads from the newest pose that is at least this old, so that rounding to a millimetre is no velocity. */
const LINE_MS = 30;
/** Fewer poses have no velocity that could change. */
const LEAST_POSES = 3;

export type MovingPart = 'head' | 'hand';

/** What a model adds to the straight line. */
export interface Residuals {
  /** [axes, horizons] metres or radians a second, from `at`. Read only. */
  readonly values: Float32Array;
  readonly at: number;
  /** Ascending milliseconds. */
  readonly horizonsMs: readonly number[];
}

/** The newest poses of one part, as motions in the room's axes. Nothing in it allocates once it is made. @bound `steps` motions. */
export class MotionWindow {
  readonly steps: number;
  /** The straight line: metres a second, then radians a second. Read only. */
  readonly line = new Float64Array(MOTION_AXES);
  readonly #newest = new Float32Array(POSE_FLOATS);
  /** From each older pose to the one after it, as a ring: milliseconds, and what moved in them. */
  readonly #spansMs: Float64Array;
  readonly #moved: Float64Array;
  #next = 0;
  #count = 0;
  #newestMs: number | undefined;
  readonly #since = new Float64Array(MOTION_AXES);

  /** @param steps - poses before the newest that count. */
  constructor(steps: number) {
    this.steps = steps;
    this.#spansMs = new Float64Array(steps);
    this.#moved = new Float64Array(steps * MOTION_AXES);
  }

  /** Whether enough poses came for the model to be asked. */
  get isReady(): boolean {
    return this.#count >= LEAST_POSES - 1;
  }

  /** Takes a pose in. @param timeMs - later than those before. @param poses - 7 floats from `at`. Read only. */
  observe(timeMs: number, poses: Float32Array, at: number): void {
    if (this.#newestMs !== undefined) {
      const from = this.#next * MOTION_AXES;
      for (let axis = 0; axis < 3; axis++) this.#moved[from + axis] = poses[at + axis]! - this.#newest[axis]!;
      writeTurnBetween(this.#newest, 3, poses, at + 3, this.#moved, from + 3);
      this.#spansMs[this.#next] = timeMs - this.#newestMs;
      this.#next = (this.#next + 1) % this.steps;
      this.#count = Math.min(this.steps, this.#count + 1);
    }
    for (let index = 0; index < POSE_FLOATS; index++) this.#newest[index] = poses[at + index]!;
    this.#newestMs = timeMs;
    this.#findLine();
  }

  reset(): void {
    this.#newestMs = undefined;
    this.#count = 0;
    this.line.fill(0);
  }

  #findLine(): void {
    this.line.fill(0);
    let ageMs = 0;
    for (let back = 1; back <= this.#count && ageMs < LINE_MS; back++) {
      const step = this.#stepBack(back);
      ageMs += this.#spansMs[step]!;
      for (let axis = 0; axis < MOTION_AXES; axis++) this.line[axis]! += this.#moved[step * MOTION_AXES + axis]!;
    }
    for (let axis = 0; axis < MOTION_AXES; axis++) this.line[axis] = ageMs > 0 ? (this.line[axis]! * 1000) / ageMs : 0;
  }

  #stepBack(back: number): number {
    return (this.#next - back + this.steps) % this.steps;
  }

  /**
   * Writes the model's input: for each axis `steps` rows of MOTION_FEATURE_COUNT, oldest first; those of poses that are not there are zeros.
   *
   * @param target - receives `MOTION_AXES * steps * MOTION_FEATURE_COUNT` floats from `offset`.
   * @param axes - a rotation that turns the room's axes first, for training on more directions than people happened to move in.
   */
  writeFeatures(part: MovingPart, target: Float32Array, offset: number, axes?: Rotation): void {
    const { steps } = this;
    target.fill(0, offset, offset + MOTION_AXES * steps * MOTION_FEATURE_COUNT);
    this.#since.fill(0);
    let ageMs = 0;
    copyTurned(this.line, 0, line, axes);
    for (let back = 1; back <= this.#count; back++) {
      const from = this.#stepBack(back);
      const spanMs = this.#spansMs[from]!;
      ageMs += spanMs;
      copyTurned(this.#moved, from * MOTION_AXES, moved, axes);
      const lengths = [Math.hypot(moved[0]!, moved[1]!, moved[2]!), Math.hypot(moved[3]!, moved[4]!, moved[5]!)];
      for (let axis = 0; axis < MOTION_AXES; axis++) {
        this.#since[axis]! += moved[axis]!;
        const turns = axis < 3 ? 0 : 1;
        const at = offset + (axis * steps + steps - back) * MOTION_FEATURE_COUNT;
        target[at] = 1;
        target[at + 1] = ageMs / 100;
        target[at + 2] = (this.#since[axis]! * 1000) / ageMs - line[axis]!;
        target[at + 3] = (moved[axis]! * 1000) / spanMs - line[axis]!;
        target[at + 4] = (lengths[turns]! * 1000) / spanMs;
        target[at + 5] = line[axis]!;
        target[at + 6] = turns;
        target[at + 7] = part === 'hand' ? 1 : 0;
      }
    }
  }

  /**
   * Writes how the way to a later pose differs from the straight line: a movement that goes on as it was gives zeros.
   *
   * @param later - 7 floats. Read only.
   * @param target - [axes, stride] in metres or radians a second; `at` names the place in the first axis.
   */
  writeResidual(later: Float32Array, aheadMs: number, target: Float32Array, { at, stride }: { at: number; stride: number }, axes?: Rotation): void {
    for (let axis = 0; axis < 3; axis++) moved[axis] = later[axis]! - this.#newest[axis]!;
    writeTurnBetween(this.#newest, 3, later, 3, moved, 3);
    for (let axis = 0; axis < MOTION_AXES; axis++) moved[axis] = (moved[axis]! * 1000) / aheadMs - this.line[axis]!;
    copyTurned(moved, 0, line, axes);
    for (let axis = 0; axis < MOTION_AXES; axis++) target[at + axis * stride] = line[axis]!;
  }

  /** As `continueMotion`, from the newest pose. */
  continue(residuals: Residuals, aheadMs: number, into: Float32Array, at: number): void {
    continueMotion({ line: this.line, newest: this.#newest }, residuals, aheadMs, into, at);
  }
}

/**
 * Writes where a pose is `aheadMs` later, by the straight line and what a model adds to it.
 *
 * Residuals are velocities, on straight lines between the horizons and before the first; beyond the last they stay. So at 0 ms the pose is the newest
 * itself, and nothing jumps when that is passed.
 *
 * @param from - a window's line, and its newest pose. Read only.
 * @param into - 7 floats from `at`; may be that pose.
 */
export function continueMotion(
  { line: straight, newest }: { line: Float64Array; newest: Float32Array }, { values, at: from, horizonsMs }: Residuals, aheadMs: number, into: Float32Array, at: number,
): void {
  const last = horizonsMs.length - 1;
  const reachedMs = Math.min(aheadMs, horizonsMs[last]!);
  let upper = Math.min(1, last);
  while (upper < last && horizonsMs[upper]! < reachedMs) upper++;
  const lower = Math.max(0, upper - 1);
  const share = upper === lower ? 0 : (reachedMs - horizonsMs[lower]!) / (horizonsMs[upper]! - horizonsMs[lower]!);
  for (let axis = 0; axis < MOTION_AXES; axis++) {
    const own = from + axis * horizonsMs.length;
    moved[axis] = straight[axis]! + values[own + lower]! * (1 - share) + values[own + upper]! * share;
  }
  for (let axis = 0; axis < 3; axis++) {
    into[at + axis] = newest[axis]! + (moved[axis]! * aheadMs) / 1000;
    turn[axis] = moved[3 + axis]!;
  }
  writeTurned(newest, 3, turn, aheadMs / 1000, into, at + 3);
}

/** A matrix by rows, [3, 3]; mirrors too. */
export type Rotation = Float64Array;

const moved = new Float64Array(MOTION_AXES);
const line = new Float64Array(MOTION_AXES);
const turn = new Float64Array(3);

function copyTurned(from: Float64Array, at: number, into: Float64Array, axes: Rotation | undefined): void {
  for (let half = 0; half < MOTION_AXES; half += 3) {
    const x = from[at + half]!, y = from[at + half + 1]!, z = from[at + half + 2]!;
    for (let row = 0; row < 3; row++) {
      into[half + row] = axes === undefined ? from[at + half + row]! : axes[row * 3]! * x + axes[row * 3 + 1]! * y + axes[row * 3 + 2]! * z;
    }
  }
}
