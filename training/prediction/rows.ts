/** The rows of a part of a data set of tracks, and the objective by which a network learns from them. */
import { CopresenceError } from '../../core/errors.ts';
import { seededRandom } from '../../core/random.ts';
import { MOTION_AXES, MOTION_FEATURE_COUNT, MotionWindow } from '../../features/motion-window.ts';
import { POSE_FLOATS } from '../../protocol/codec/quantise.ts';
import type { Tensorflow } from '../../registry/tensorflow.ts';
import type { Rows } from '../dataset/table.ts';
import { networkRegression } from '../models/network.ts';
import type { Network } from '../models/network.ts';
import type { Objective } from '../models/objective.ts';
import { rowsOf } from '../models/objective.ts';
import type { PredictionConfig } from './config.ts';
import { randomAxes, walk } from './windows.ts';
import type { Track } from './windows.ts';

/** Rows with what they should give: one for each axis of each moment. */
export interface MotionRows extends Rows {
  /** [count, horizons] metres or radians a second on top of the straight line. */
  readonly targets: Float32Array;
  readonly horizons: number;
}

/** 4,000,000 rows of eight steps take a gigabyte. */
const MOST_ROWS = 3_000_000;

export interface RowOptions {
  readonly seed: number;
  /** How much faster and slower than they were movements are played too. */
  readonly speeds: readonly number[];
  /** Whether each moment has axes of its own: for training. */
  readonly turnsAxes: boolean;
}

/** @throws CopresenceError DATASET_INVALID when there is no moment, or there are too many. */
export function motionRows(tracks: readonly Track[], config: PredictionConfig, { seed, speeds, turnsAxes }: RowOptions): MotionRows {
  const { steps, horizonsMs, ratesHz, everyMs } = config;
  const random = seededRandom(seed);
  const window = new MotionWindow(steps);
  const size = steps * MOTION_FEATURE_COUNT;
  const features: Float32Array[] = [];
  const targets: Float32Array[] = [];
  let count = 0;
  for (const track of tracks) for (const rateHz of ratesHz) for (const speed of speeds) {
    window.reset();
    walk(track, window, { rateHz, speed, horizonsMs, everyMs, random }, ({ later }) => {
      const axes = turnsAxes ? randomAxes(random) : undefined;
      const own = new Float32Array(MOTION_AXES * size);
      const wanted = new Float32Array(MOTION_AXES * horizonsMs.length);
      window.writeFeatures(track.part, own, 0, axes);
      horizonsMs.forEach((horizonMs, index) => {
        window.writeResidual(later.subarray(index * POSE_FLOATS), horizonMs, wanted, { at: index, stride: horizonsMs.length }, axes);
      });
      // Of a head whose position nobody measured there is nothing to learn about positions.
      const first = track.hasPosition ? 0 : 3;
      features.push(own.subarray(first * size));
      targets.push(wanted.subarray(first * horizonsMs.length));
      count += MOTION_AXES - first;
      if (count > MOST_ROWS) throw new CopresenceError('DATASET_INVALID', `more than ${MOST_ROWS} rows: take fewer rates or speeds, or a larger everyMs`);
    });
  }
  if (count === 0) throw new CopresenceError('DATASET_INVALID', 'no track is long enough for a window and what comes after it');
  return { features: joined(features, count * size), targets: joined(targets, count * horizonsMs.length), count, width: MOTION_FEATURE_COUNT, steps, horizons: horizonsMs.length };
}

function joined(parts: readonly Float32Array[], length: number): Float32Array {
  const all = new Float32Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Huber's loss (1964): squared up to `delta`, straight beyond, so that a wild movement does not outweigh a hundred calm ones. */
export function huberObjective(train: MotionRows, validation: MotionRows, delta: number): Objective {
  return {
    forRows(tf, rows) {
      const wanted = rowsOf(tf, train.targets, rows, train.horizons);
      return (outputs) => {
        const off = outputs.sub(wanted).abs();
        const near = off.minimum(delta);
        return near.square().mul(0.5).add(off.sub(near).mul(delta)).mean().asScalar();
      };
    },
    validate: (tf, network) => ({ validationLoss: huberLoss(tf, network, validation, delta) }),
  };
}

/** The same loss of rows that are not learnt from, the mean over rows and horizons. */
export function huberLoss(tf: Tensorflow, network: Network, rows: MotionRows, delta: number): number {
  const given = networkRegression(tf, network).predict(rows.features, rows.count);
  let loss = 0;
  for (let at = 0; at < given.length; at++) {
    const off = Math.abs(given[at]! - rows.targets[at]!);
    loss += off <= delta ? (off * off) / 2 : delta * (off - delta / 2);
  }
  return loss / given.length;
}
