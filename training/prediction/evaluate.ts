/** How far predictions are from what then happened, beside standing still, a straight line and the SDK's filter, on movements of people who were not learnt from. */
import { ARM_PREDICTION, HEAD_PREDICTION } from '../../client/prediction/defaults.ts';
import type { Prediction } from '../../client/prediction/defaults.ts';
import { KalmanMotion } from '../../client/prediction/kalman.ts';
import { continuePose, leadMs } from '../../client/prediction/motion.ts';
import { PartMotion } from '../../client/prediction/part-motion.ts';
import { seededRandom } from '../../core/random.ts';
import { writeTurnBetween } from '../../core/rotation.ts';
import { continueMotion, MOTION_AXES, MOTION_FEATURE_COUNT, MotionWindow } from '../../features/motion-window.ts';
import type { MovingPart } from '../../features/motion-window.ts';
import { POSE_FLOATS } from '../../protocol/codec/quantise.ts';
import { pairedRatio } from '../evaluate/intervals.ts';
import type { PairedRatio } from '../evaluate/intervals.ts';
import type { PredictionConfig } from './config.ts';
import { walk } from './windows.ts';
import type { Track } from './windows.ts';

/** What is compared; the model comes first. `line` is the straight line through the window, `kalman` what the SDK does (decision 19). */
export const PREDICTORS = ['model', 'hold', 'line', 'kalman'] as const;
export type PredictorName = (typeof PREDICTORS)[number];
export const QUANTITIES = ['position', 'angle'] as const;
export type Quantity = (typeof QUANTITIES)[number];

/** Errors of one predictor: millimetres, or degrees. */
export interface ErrorFigures {
  readonly rmse: number;
  readonly p95: number;
}

/** One predictor on one part, so long after the newest pose, over all rates. */
export interface PredictorFigures {
  readonly part: MovingPart;
  readonly horizonMs: number;
  readonly predictor: PredictorName;
  readonly moments: number;
  /** Undefined where no position was measured. */
  readonly position: ErrorFigures | undefined;
  readonly angle: ErrorFigures;
  /** The 95th percentile of how much further along the predicted way it is than what happened, mm. */
  readonly overshootP95: number | undefined;
}

/** The model's root mean square error over another's, paired by recording. */
export interface Comparison extends PairedRatio {
  readonly part: MovingPart;
  readonly horizonMs: number;
  readonly quantity: Quantity;
  readonly against: Exclude<PredictorName, 'model'>;
}

/** Of one recording or participant: the root mean square errors of the model and of the SDK's filter at one horizon. */
export interface GroupErrors {
  readonly group: string;
  readonly part: MovingPart;
  readonly horizonMs: number;
  readonly quantity: Quantity;
  readonly model: number;
  readonly kalman: number;
}

export interface PredictionReport {
  readonly figures: readonly PredictorFigures[];
  readonly comparisons: readonly Comparison[];
  readonly byParticipant: readonly GroupErrors[];
  readonly byRecording: readonly GroupErrors[];
  /** As `comparisons` with the SDK's filter, at each rate apart. */
  readonly byRate: readonly (Comparison & { readonly rateHz: number })[];
}

/** One moment's errors, [predictors, horizons]. */
interface MomentErrors {
  readonly track: Track;
  readonly rateHz: number;
  readonly positionMm: Float64Array;
  readonly angleDegrees: Float64Array;
  readonly overshootMm: Float64Array;
}

/** What a trained model says to rows, [rows, horizons]. @param track - that they are of. */
export type AskModel = (features: Float32Array, rows: number, track: Track) => Promise<Float32Array>;

/** Judges the model at moments of tracks, seen at each rate. @param seed - of what is late and lost. */
export async function evaluatePredictor(tracks: readonly Track[], config: PredictionConfig, seed: number, ask: AskModel): Promise<PredictionReport> {
  const { horizonsMs } = config;
  const moments: MomentErrors[] = [];
  for (const track of tracks) for (const rateHz of config.ratesHz) moments.push(...(await judgeTrack(track, rateHz, config, seed, ask)));
  const parts = (['head', 'hand'] as const).filter((part) => moments.some(({ track }) => track.part === part));
  const each = parts.flatMap((part) => horizonsMs.map((horizonMs, horizon) => ({ part, horizonMs, horizon, own: moments.filter(({ track }) => track.part === part) })));
  return {
    figures: each.flatMap(({ part, horizonMs, horizon, own }) => PREDICTORS.map((predictor, index) => ({ part, horizonMs, predictor, ...figuresOf(own, index * horizonsMs.length + horizon) }))),
    comparisons: each.flatMap(({ part, horizonMs, horizon, own }) => (['hold', 'line', 'kalman'] as const).flatMap((against) => compare(own, { part, horizonMs, against }, horizon, horizonsMs.length))),
    byParticipant: each.flatMap((at) => errorsBy(at, ({ participant }) => participant, horizonsMs.length)),
    byRecording: each.flatMap((at) => errorsBy(at, ({ recording }) => recording, horizonsMs.length)),
    byRate: config.ratesHz.flatMap((rateHz) => each.flatMap(({ part, horizonMs, horizon, own }) =>
      compare(own.filter((moment) => moment.rateHz === rateHz), { part, horizonMs, against: 'kalman' }, horizon, horizonsMs.length).map((comparison) => ({ ...comparison, rateHz })))),
  };
}

/** The geometric mean, over parts, horizons, positions and turns, of the model's error over that of another; below 1 it is better. NaN where nothing moved. */
export function errorOver({ comparisons }: PredictionReport, other: 'line' | 'kalman'): number {
  const logs = comparisons.filter(({ against }) => against === other).map(({ ratio }) => Math.log(ratio));
  return Math.exp(logs.reduce((sum, value) => sum + value, 0) / logs.length);
}

/** A moment whose model is still to be asked. */
interface Pending {
  readonly features: Float32Array;
  readonly continued: (residuals: Float32Array, at: number) => Float32Array;
  readonly from: Float32Array;
  readonly later: Float32Array;
  /** [predictors but the model, horizons, 7] */
  readonly others: Float32Array;
}

async function judgeTrack(track: Track, rateHz: number, config: PredictionConfig, seed: number, ask: AskModel): Promise<MomentErrors[]> {
  const pending = momentsOf(track, rateHz, config, seed);
  const size = MOTION_AXES * config.steps * MOTION_FEATURE_COUNT;
  const features = new Float32Array(pending.length * size);
  pending.forEach((own, index) => features.set(own.features, index * size));
  const said = pending.length === 0 ? new Float32Array(0) : await ask(features, pending.length * MOTION_AXES, track);
  const horizons = config.horizonsMs.length;
  return pending.map(({ continued, from, later, others }, index): MomentErrors => {
    const predictions = new Float32Array(PREDICTORS.length * horizons * POSE_FLOATS);
    predictions.set(continued(said, index * MOTION_AXES * horizons));
    predictions.set(others, horizons * POSE_FLOATS);
    return { track, rateHz, ...errorsOf(predictions, { from, later, horizons }) };
  });
}

function momentsOf(track: Track, rateHz: number, config: PredictionConfig, seed: number): Pending[] {
  const { steps, horizonsMs, everyMs } = config;
  const settings = track.part === 'head' ? HEAD_PREDICTION : ARM_PREDICTION;
  const window = new MotionWindow(steps);
  const kalman = new PartMotion(new KalmanMotion(settings.kalman));
  const still = new Float32Array(MOTION_AXES * horizonsMs.length);
  const pending: Pending[] = [];
  walk(track, window, { rateHz, speed: 1, horizonsMs, everyMs, random: seededRandom(seed), observers: [kalman] }, ({ poses, at, later }) => {
    const from = poses.slice(at, at + POSE_FLOATS);
    const features = new Float32Array(MOTION_AXES * steps * MOTION_FEATURE_COUNT);
    window.writeFeatures(track.part, features, 0);
    const [line, newest] = [window.line.slice(), from];
    const allAhead = (residuals: Float32Array, start: number): Float32Array => {
      const into = new Float32Array(horizonsMs.length * POSE_FLOATS);
      horizonsMs.forEach((horizonMs, index) => continueMotion({ line, newest }, { values: residuals, at: start, horizonsMs }, horizonMs, into, index * POSE_FLOATS));
      return into;
    };
    const others = new Float32Array(3 * horizonsMs.length * POSE_FLOATS);
    horizonsMs.forEach((_, index) => others.set(from, index * POSE_FLOATS));
    others.set(allAhead(still, 0), horizonsMs.length * POSE_FLOATS);
    others.set(filtered(kalman, settings, from, horizonsMs), 2 * horizonsMs.length * POSE_FLOATS);
    pending.push({ features, continued: allAhead, from, later: later.slice(), others });
  });
  return pending;
}

function filtered({ motion }: PartMotion, { moveFadeMs, turnFadeMs }: Prediction, from: Float32Array, horizonsMs: readonly number[]): Float32Array {
  const into = new Float32Array(horizonsMs.length * POSE_FLOATS);
  horizonsMs.forEach((horizonMs, index) => {
    const own = from.slice();
    continuePose(motion, { moveS: leadMs(horizonMs, moveFadeMs) / 1000, turnS: leadMs(horizonMs, turnFadeMs) / 1000 }, own, own, 0);
    into.set(own, index * POSE_FLOATS);
  });
  return into;
}

const turn = new Float64Array(3);

function errorsOf(predictions: Float32Array, { from, later, horizons }: { from: Float32Array; later: Float32Array; horizons: number }): Omit<MomentErrors, 'track' | 'rateHz'> {
  const count = PREDICTORS.length * horizons;
  const errors = { positionMm: new Float64Array(count), angleDegrees: new Float64Array(count), overshootMm: new Float64Array(count) };
  for (let index = 0; index < count; index++) {
    const at = index * POSE_FLOATS;
    const truth = (index % horizons) * POSE_FLOATS;
    let miss = 0, way = 0, along = 0;
    for (let axis = 0; axis < 3; axis++) {
      const off = predictions[at + axis]! - later[truth + axis]!;
      const step = predictions[at + axis]! - from[axis]!;
      miss += off * off;
      way += step * step;
      along += step * off;
    }
    writeTurnBetween(predictions, at + 3, later, truth + 3, turn);
    errors.positionMm[index] = 1000 * Math.sqrt(miss);
    errors.overshootMm[index] = way > 1e-12 ? Math.max(0, (1000 * along) / Math.sqrt(way)) : 0;
    errors.angleDegrees[index] = (Math.hypot(turn[0]!, turn[1]!, turn[2]!) * 180) / Math.PI;
  }
  return errors;
}

function figuresOf(moments: readonly MomentErrors[], index: number): Pick<PredictorFigures, 'moments' | 'position' | 'angle' | 'overshootP95'> {
  const positioned = moments.filter(({ track }) => track.hasPosition);
  const spread = (values: readonly number[]): ErrorFigures => ({ rmse: rootMeanSquare(values), p95: quantile(values, 0.95) });
  return {
    moments: moments.length,
    position: positioned.length === 0 ? undefined : spread(positioned.map(({ positionMm }) => positionMm[index]!)),
    angle: spread(moments.map(({ angleDegrees }) => angleDegrees[index]!)),
    overshootP95: positioned.length === 0 ? undefined : quantile(positioned.map(({ overshootMm }) => overshootMm[index]!), 0.95),
  };
}

function compare(moments: readonly MomentErrors[], { part, horizonMs, against }: Pick<Comparison, 'part' | 'horizonMs' | 'against'>, horizon: number, horizons: number): Comparison[] {
  return QUANTITIES.flatMap((quantity): Comparison[] => {
    const other = PREDICTORS.indexOf(against) * horizons + horizon;
    const pairs = [...grouped(usable(moments, quantity), ({ recording }) => recording).values()]
      .map((own) => [rootMeanSquare(errorsAt(own, quantity, horizon)), rootMeanSquare(errorsAt(own, quantity, other))] as const)
      .filter(([, second]) => second > 0);
    return pairs.length === 0 ? [] : [{ part, horizonMs, quantity, against, ...pairedRatio(pairs) }];
  });
}

function errorsBy(at: { part: MovingPart; horizonMs: number; horizon: number; own: readonly MomentErrors[] }, groupOf: (track: Track) => string, horizons: number): GroupErrors[] {
  const { part, horizonMs, horizon, own } = at;
  const filter = PREDICTORS.indexOf('kalman') * horizons + horizon;
  return QUANTITIES.flatMap((quantity) => [...grouped(usable(own, quantity), groupOf)].map(([group, moments]) => ({
    group, part, horizonMs, quantity, model: rootMeanSquare(errorsAt(moments, quantity, horizon)), kalman: rootMeanSquare(errorsAt(moments, quantity, filter)),
  })));
}

function usable(moments: readonly MomentErrors[], quantity: Quantity): readonly MomentErrors[] {
  return quantity === 'angle' ? moments : moments.filter(({ track }) => track.hasPosition);
}

function grouped(moments: readonly MomentErrors[], groupOf: (track: Track) => string): Map<string, MomentErrors[]> {
  const groups = new Map<string, MomentErrors[]>();
  for (const moment of moments) {
    const group = groupOf(moment.track);
    const own = groups.get(group);
    if (own === undefined) groups.set(group, [moment]);
    else own.push(moment);
  }
  return groups;
}

function errorsAt(moments: readonly MomentErrors[], quantity: Quantity, index: number): number[] {
  return moments.map(({ positionMm, angleDegrees }) => (quantity === 'position' ? positionMm : angleDegrees)[index]!);
}

function rootMeanSquare(values: readonly number[]): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
}

function quantile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
