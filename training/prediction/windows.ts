/** Tracks as what a network learns from: at each moment the poses before it, and how the movement went on. */
import { MAX_SPEED_M_PER_S, PartMotion } from '../../client/prediction/part-motion.ts';
import { createMotion } from '../../client/prediction/motion.ts';
import type { MotionEstimator } from '../../client/prediction/motion.ts';
import { randomBetween, randomNormal } from '../../core/random.ts';
import type { Random } from '../../core/random.ts';
import { writeTurnBetween, writeTurned } from '../../core/rotation.ts';
import type { MotionWindow, MovingPart, Rotation } from '../../features/motion-window.ts';
import { POSE_FLOATS } from '../../protocol/codec/quantise.ts';
import { TRACK_WIDTH } from '../dataset/dataset.ts';
import type { LabelledSample } from '../dataset/dataset.ts';

/** One sample of the layout `track`, as arrays. */
export interface Track {
  readonly part: MovingPart;
  readonly participant: string;
  readonly recording: string;
  /** Whether positions were measured; else they are zeros. */
  readonly hasPosition: boolean;
  /** Ascending milliseconds. */
  readonly timesMs: Float64Array;
  /** [times, 7] */
  readonly poses: Float32Array;
}

export function trackOf({ label, participant, group, id, values = [] }: LabelledSample): Track {
  const count = values.length / TRACK_WIDTH;
  const timesMs = Float64Array.from({ length: count }, (_, pose) => values[pose * TRACK_WIDTH] ?? 0);
  const poses = Float32Array.from({ length: count * POSE_FLOATS }, (_, at) => values[Math.floor(at / POSE_FLOATS) * TRACK_WIDTH + 1 + (at % POSE_FLOATS)] ?? 0);
  for (let at = 3; at < poses.length; at += POSE_FLOATS) {
    const length = Math.hypot(poses[at]!, poses[at + 1]!, poses[at + 2]!, poses[at + 3]!);
    for (let axis = at; axis < at + 4; axis++) poses[axis] = poses[axis]! / length;
  }
  const hasPosition = !values.some((value, at) => at % TRACK_WIDTH === 1 && value === null);
  return { part: label === 'head' ? 'head' : 'hand', participant, recording: group ?? id, hasPosition, timesMs, poses };
}

export interface WalkOptions {
  /** How often a receiver gets a pose, in the mean; at most as often as it was recorded. */
  readonly rateHz: number;
  /** How much faster than it was the movement is played. */
  readonly speed: number;
  readonly horizonsMs: readonly number[];
  /** Between two moments at least. */
  readonly everyMs: number;
}

/** A moment of a track: all in it is overwritten by the next. */
export interface Moment {
  readonly timeMs: number;
  /** 7 floats from `at`: the newest pose. */
  readonly poses: Float32Array;
  readonly at: number;
  /** [horizons, 7] where the part then was. */
  readonly later: Float32Array;
}

/** Packets that do not come. */
const LOST_SHARE = 0.02;
/** A later sample comes so much of a period later, by what the server's ticks and the network do. */
const LEAST_PERIOD = 0.7;
const MOST_PERIOD = 1.15;

/**
 * Walks along a track as a receiver sees it: at a rate of its own, unevenly, with losses. `observers` get each pose that comes, in order; `onMoment` is
 * called where the window is full enough and the track is long enough to say what came.
 */
export function walk(track: Track, window: MotionWindow, options: WalkOptions & { readonly random: Random; readonly observers?: readonly PartMotion[] }, onMoment: (moment: Moment) => void): void {
  const { rateHz, speed, horizonsMs, everyMs, random, observers = [] } = options;
  const guarded = new PartMotion(estimatorOf(window));
  const later = new Float32Array(horizonsMs.length * POSE_FLOATS);
  const lastMs = track.timesMs.at(-1)! / speed - horizonsMs.at(-1)!;
  let nextMs = 0;
  let momentMs = Number.NEGATIVE_INFINITY;
  for (let pose = 0; pose < track.timesMs.length; pose++) {
    const timeMs = track.timesMs[pose]! / speed;
    if (timeMs > lastMs) return;
    if (timeMs < nextMs) continue;
    nextMs = timeMs + (1000 / rateHz) * randomBetween(random, LEAST_PERIOD, MOST_PERIOD);
    if (random.next() < LOST_SHARE) continue;
    const at = pose * POSE_FLOATS;
    for (const observer of [guarded, ...observers]) observer.observe(timeMs, track.poses, at);
    if (!window.isReady || timeMs - momentMs < everyMs) continue;
    horizonsMs.forEach((horizonMs, index) => poseAt(track, (timeMs + horizonMs) * speed, later, index * POSE_FLOATS));
    if (horizonsMs.some((horizonMs, index) => isJump(track.poses, at, later, index * POSE_FLOATS, horizonMs))) continue;
    momentMs = timeMs;
    onMoment({ timeMs, poses: track.poses, at, later });
  }
}

/** A tracking error is nothing to be foreseen. */
function isJump(from: Float32Array, at: number, to: Float32Array, toAt: number, spanMs: number): boolean {
  return Math.hypot(to[toAt]! - from[at]!, to[toAt + 1]! - from[at + 1]!, to[toAt + 2]! - from[at + 2]!) * 1000 > MAX_SPEED_M_PER_S * spanMs;
}

/** The window as what `PartMotion` keeps from jumps, gaps and tracking errors. */
export function estimatorOf(window: MotionWindow): MotionEstimator {
  return { motion: createMotion(), observe: (timeMs, poses, at) => window.observe(timeMs, poses, at), reset: () => window.reset() };
}

const turn = new Float64Array(3);

/** Where a track is at a moment, between its poses. */
export function poseAt({ timesMs, poses }: Track, timeMs: number, into: Float32Array, at: number): void {
  let low = 0;
  let high = timesMs.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (timesMs[middle]! <= timeMs) low = middle;
    else high = middle;
  }
  const share = Math.min(1, Math.max(0, (timeMs - timesMs[low]!) / (timesMs[high]! - timesMs[low]!)));
  const [from, to] = [low * POSE_FLOATS, high * POSE_FLOATS];
  for (let axis = 0; axis < 3; axis++) into[at + axis] = poses[from + axis]! + (poses[to + axis]! - poses[from + axis]!) * share;
  writeTurnBetween(poses, from + 3, poses, to + 3, turn);
  writeTurned(poses, from + 3, turn, share, into, at + 3);
}

/** Axes drawn at random, every direction as likely, half of them mirrored (Shoemake 1992, "Uniform random rotations"). */
export function randomAxes(random: Random): Rotation {
  const [a, b, c, d] = [randomNormal(random), randomNormal(random), randomNormal(random), randomNormal(random)];
  const length = Math.hypot(a, b, c, d);
  const [x, y, z, w] = [a / length, b / length, c / length, d / length];
  const sign = random.next() < 0.5 ? -1 : 1;
  return Float64Array.of(
    1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w),
    2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w),
    2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y),
  ).map((value) => sign * value);
}
