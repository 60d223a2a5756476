/** How far predictions are from what then happened. */
import { continuePose, leadMs, type Lead, type MotionEstimator } from '../../client/prediction/motion.ts';
import { PartMotion } from '../../client/prediction/part-motion.ts';
import { writeTurnBetween } from '../../core/rotation.ts';
import { createPoseSample } from '../../protocol/codec/pose-sample.ts';
import { POSE_FLOATS } from '../../protocol/codec/quantise.ts';
import { sampleTrack, trackDurationMs, type PoseTrack } from '../../sim/import/pose-track.ts';
import type { Candidate } from './candidates.ts';
import type { Received } from './stream.ts';

/** Errors of all predictions of one kind. */
export class Errors {
  readonly moveMm: number[] = [];
  readonly turnDegrees: number[] = [];
  /** How much further along the predicted way than what happened; 0 when less far. */
  readonly overshootMm: number[] = [];
}

export const HORIZONS_MS = [20, 50, 100, 150] as const;

/** One movement as a receiver had it. */
export interface Run {
  readonly track: PoseTrack;
  readonly received: readonly Received[];
}

const truth = createPoseSample();
const predicted = new Float32Array(3 * POSE_FLOATS);
const off = new Float64Array(3);

/**
 * Has a candidate predict, at each sample that came, what follows in 20 to 150 ms.
 *
 * @param parts - which of head, left and right controller, from 0.
 * @returns errors by horizon.
 */
export function score(runs: readonly Run[], parts: readonly number[], candidate: Candidate): Errors[] {
  const errors = HORIZONS_MS.map(() => new Errors());
  for (const { track, received } of runs) {
    for (const part of parts) scorePart(track, received, part, candidate, errors);
  }
  return errors;
}

function scorePart(track: PoseTrack, received: readonly Received[], part: number, candidate: Candidate, errors: readonly Errors[]): void {
  const estimator = candidate.estimator();
  const motion = new PartMotion(estimator);
  const at = part * POSE_FLOATS;
  let newestMs = -1;
  for (const { captureMs, sample } of received) {
    if (captureMs <= newestMs || (sample.valid & (1 << part)) === 0) continue;
    newestMs = captureMs;
    motion.observe(captureMs, sample.rigid, at);
    HORIZONS_MS.forEach((horizonMs, index) => {
      if (captureMs + horizonMs > trackDurationMs(track)) return;
      goOn(candidate, estimator, horizonMs, sample.rigid, at);
      sampleTrack(track, captureMs + horizonMs, truth);
      addError(errors[index] as Errors, { from: sample.rigid, at });
    });
  }
}

function goOn(candidate: Candidate, estimator: MotionEstimator, aheadMs: number, newest: Float32Array, at: number): void {
  if (candidate.goOn !== undefined) candidate.goOn(estimator, aheadMs, predicted, at);
  else continuePose(estimator.motion, leadOf(candidate, aheadMs), newest, predicted, at);
}

export function leadOf({ moveFadeMs, turnFadeMs }: Candidate, aheadMs: number): Lead {
  return { moveS: leadMs(aheadMs, moveFadeMs) / 1000, turnS: leadMs(aheadMs, turnFadeMs) / 1000 };
}

function addError(errors: Errors, { from, at }: { from: Float32Array; at: number }): void {
  let error = 0, way = 0, along = 0;
  for (let axis = at; axis < at + 3; axis++) {
    const step = predicted[axis]! - from[axis]!;
    const miss = predicted[axis]! - truth.rigid[axis]!;
    error += miss * miss;
    way += step * step;
    along += step * miss;
  }
  errors.moveMm.push(1000 * Math.sqrt(error));
  errors.overshootMm.push(way > 1e-12 ? Math.max(0, (1000 * along) / Math.sqrt(way)) : 0);
  writeTurnBetween(predicted, at + 3, truth.rigid, at + 3, off);
  errors.turnDegrees.push((Math.hypot(off[0]!, off[1]!, off[2]!) * 180) / Math.PI);
}

/** The value that a share of the values does not exceed. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

/** How roughly an avatar moves that is always drawn `aheadMs` past the newest sample, at 90 Hz. */
export interface Roughness {
  /** Third derivative of the drawn positions, root mean square, over that of the recording itself. */
  readonly jerkRatio: number;
}

const DISPLAY_MS = 1000 / 90;

export function roughness(runs: readonly Run[], parts: readonly number[], candidate: Candidate, aheadMs: number): Roughness {
  let drawn = 0, real = 0;
  for (const { track, received } of runs) for (const part of parts) {
    const [shown, true_] = paths(track, received, part, candidate, aheadMs);
    drawn += squaredJerk(shown);
    real += squaredJerk(true_);
  }
  return { jerkRatio: Math.sqrt(drawn / real) };
}

function paths(track: PoseTrack, received: readonly Received[], part: number, candidate: Candidate, aheadMs: number): [number[], number[]] {
  const estimator = candidate.estimator();
  const motion = new PartMotion(estimator);
  const at = part * POSE_FLOATS;
  const inOrder = received.filter(({ sample }) => (sample.valid & (1 << part)) !== 0).sort((a, b) => a.captureMs - b.captureMs);
  const shown: number[] = [], real: number[] = [];
  let next = 0;
  for (let drawnMs = (inOrder[0]?.captureMs ?? 0) + aheadMs; drawnMs < trackDurationMs(track); drawnMs += DISPLAY_MS) {
    for (; (inOrder[next]?.captureMs ?? Infinity) <= drawnMs - aheadMs; next++) motion.observe(inOrder[next]!.captureMs, inOrder[next]!.sample.rigid, at);
    const newest = inOrder[next - 1];
    if (newest === undefined) continue;
    goOn(candidate, estimator, drawnMs - newest.captureMs, newest.sample.rigid, at);
    sampleTrack(track, drawnMs, truth);
    for (let axis = at; axis < at + 3; axis++) {
      shown.push(predicted[axis]!);
      real.push(truth.rigid[axis]!);
    }
  }
  return [shown, real];
}

/** @param path - x, y, z by turns. */
function squaredJerk(path: readonly number[]): number {
  let sum = 0;
  for (let at = 9; at < path.length; at++) sum += (path[at]! - 3 * path[at - 3]! + 3 * path[at - 6]! - path[at - 9]!) ** 2;
  return sum;
}
