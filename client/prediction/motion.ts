/** How a pose moves, and where it is if it goes on like that. */
import { writeTurned } from '../../core/rotation.ts';

/** A velocity and an acceleration, in the axes of the session's space. */
export interface Motion {
  /** Metres a second. */
  readonly velocity: Float64Array;
  /** Radians a second. */
  readonly turn: Float64Array;
  /** Metres a second, a second. */
  readonly acceleration: Float64Array;
  /** Radians a second, a second. */
  readonly turnAcceleration: Float64Array;
}

/** Learns from one pose after the other how it moves. Nothing in it allocates once it is made. */
export interface MotionEstimator {
  /** As of the newest pose; all zero until two are known. Changed in place. */
  readonly motion: Motion;
  /** Takes a pose in. @param timeMs - later than those before. @param poses - 7 floats from `at`. Read only. */
  observe(timeMs: number, poses: Float32Array, at: number): void;
  /** Forgets all, as after a jump. */
  reset(): void;
}

export function createMotion(): Motion {
  return { velocity: new Float64Array(3), turn: new Float64Array(3), acceleration: new Float64Array(3), turnAcceleration: new Float64Array(3) };
}

export function stopMotion({ velocity, turn, acceleration, turnAcceleration }: Motion): void {
  velocity.fill(0);
  turn.fill(0);
  acceleration.fill(0);
  turnAcceleration.fill(0);
}

/**
 * For how long a motion counts that was seen `aheadMs` ago.
 *
 * Nobody moves on for ever in one direction, so the velocity fades with the time constant `fadeMs`, and what it adds up
 * to stays below `fadeMs` however long nothing is heard.
 *
 * @returns milliseconds, 0..fadeMs.
 */
export function leadMs(aheadMs: number, fadeMs: number): number {
  return fadeMs === Infinity ? aheadMs : fadeMs * -Math.expm1(-aheadMs / fadeMs);
}

/** How far ahead positions and orientations are carried, in seconds of their motion. */
export interface Lead {
  readonly moveS: number;
  readonly turnS: number;
}

const scratch = new Float64Array(3);

/**
 * Writes where a pose is after its motion has gone on.
 *
 * It starts from the pose itself and not from a smoothed one: a tracker is exact to a millimetre, and what is drawn does
 * not jump when the newest pose is passed.
 *
 * @param poses - 7 floats from `at`. Read only.
 * @param into - 7 floats from `at`; may be `poses`.
 */
export function continuePose({ velocity, turn, acceleration, turnAcceleration }: Motion, { moveS, turnS }: Lead, poses: Float32Array, into: Float32Array, at: number): void {
  for (let axis = 0; axis < 3; axis++) {
    into[at + axis] = poses[at + axis]! + (velocity[axis]! + (acceleration[axis]! * moveS) / 2) * moveS;
    scratch[axis] = turn[axis]! + (turnAcceleration[axis]! * turnS) / 2;
  }
  writeTurned(poses, at + 3, scratch, turnS, into, at + 3);
}
