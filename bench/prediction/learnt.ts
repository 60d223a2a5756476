/**
 * The learnt predictor against the SDK's filter, in one run over the same packets: `npx tsx bench/prediction/learnt.ts` (decision 40).
 *
 * Recordings, link, codec and ticks are those of `npm run bench -- prediction`. None of them trained the model; those of super-hands are of
 * somebody whose other recordings did.
 */
import { join } from 'node:path';
import { systemClock } from '../../core/clock.ts';
import { seededRandom } from '../../core/random.ts';
import { MOTION_AXES, MOTION_FEATURE_COUNT, MotionWindow, type MovingPart } from '../../features/motion-window.ts';
import { createMotion, type MotionEstimator } from '../../client/prediction/motion.ts';
import { PartMotion } from '../../client/prediction/part-motion.ts';
import { dataFolder } from '../../test/support/data-folder.ts';
import { loadWeights } from '../../training/checkpoint/hdf5.ts';
import type { Network } from '../../training/models/network.ts';
import { printTable } from '../support.ts';
import { candidatesOf, CHOSEN, STANDING_STILL, type BodyPart, type Candidate } from './candidates.ts';
import { bodyMovements, headTraces, packagedMovements } from './recordings.ts';
import { HORIZONS_MS, quantile, roughness, score } from './score.ts';
import { receive, shakyLink } from './stream.ts';

const WEIGHTS = join(import.meta.dirname, '../../models/pose-prediction/1/weights.h5');
const MODEL_HORIZONS_MS = [50, 100, 150];
const PARTS: Readonly<Record<BodyPart, readonly number[]>> = { head: [0], controllers: [1, 2] };
const DRAWN_AHEAD_MS = 50;

/** A stack of dense layers in plain TypeScript, as a page would run it. */
class DenseNetwork {
  readonly #network: Network;
  readonly #layers: readonly Float32Array[];

  constructor(network: Network) {
    this.#network = network;
    this.#layers = network.layers.map(({ weights }) => new Float32Array(weights[1]!.values.length));
  }

  /** @param row - [steps * width] from `at`. @returns the last layer's numbers, overwritten by the next call. */
  run(row: Float32Array, at: number): Float32Array {
    const { scale, width, steps, layers } = this.#network;
    let value = new Float32Array(steps * width);
    for (let index = 0; index < value.length; index++) value[index] = (row[at + index]! - scale.mean[index % width]!) / scale.deviation[index % width]!;
    layers.forEach(({ spec, weights: [kernel, bias] }, index) => {
      const into = this.#layers[index]!;
      into.set(bias!.values);
      for (let from = 0; from < value.length; from++) {
        const input = value[from]!;
        if (input === 0) continue;
        for (let unit = 0; unit < into.length; unit++) into[unit]! += input * kernel!.values[from * into.length + unit]!;
      }
      if (spec.kind === 'dense' && spec.activation === 'relu') for (let unit = 0; unit < into.length; unit++) into[unit] = Math.max(0, into[unit]!);
      value = into as Float32Array<ArrayBuffer>;
    });
    return value;
  }
}

class LearntMotion implements MotionEstimator {
  readonly motion = createMotion();
  readonly #window: MotionWindow;
  readonly #dense: DenseNetwork;
  readonly #part: MovingPart;
  readonly #features: Float32Array;
  readonly #residuals = new Float32Array(MOTION_AXES * MODEL_HORIZONS_MS.length);
  #isAsked = false;

  constructor(network: Network, part: MovingPart) {
    this.#window = new MotionWindow(network.steps);
    this.#dense = new DenseNetwork(network);
    this.#part = part;
    this.#features = new Float32Array(MOTION_AXES * network.steps * MOTION_FEATURE_COUNT);
  }

  observe(timeMs: number, poses: Float32Array, at: number): void {
    this.#window.observe(timeMs, poses, at);
    this.#isAsked = false;
  }

  reset(): void {
    this.#window.reset();
  }

  goOn(aheadMs: number, into: Float32Array, at: number): void {
    if (!this.#isAsked) this.#ask();
    this.#window.continue({ values: this.#residuals, at: 0, horizonsMs: MODEL_HORIZONS_MS }, aheadMs, into, at);
  }

  #ask(): void {
    this.#isAsked = true;
    if (!this.#window.isReady) return void this.#residuals.fill(0);
    this.#window.writeFeatures(this.#part, this.#features, 0);
    const size = this.#window.steps * MOTION_FEATURE_COUNT;
    for (let axis = 0; axis < MOTION_AXES; axis++) this.#residuals.set(this.#dense.run(this.#features, axis * size), axis * MODEL_HORIZONS_MS.length);
  }
}

function learnt(network: Network, part: BodyPart): Candidate {
  return {
    estimator: () => new LearntMotion(network, part === 'head' ? 'head' : 'hand'), moveFadeMs: Infinity, turnFadeMs: Infinity,
    goOn: (estimator, aheadMs, into, at) => (estimator as LearntMotion).goOn(aheadMs, into, at),
  };
}

const { network } = await loadWeights(WEIGHTS);
const { measured } = await packagedMovements();
const folder = dataFolder();
const sets = {
  'people not seen': measured.filter(({ name }) => name.startsWith('aframe-motion-capture')),
  'person seen elsewhere': measured.filter(({ name }) => !name.startsWith('aframe-motion-capture')),
  ...(folder === undefined ? {} : { 'CMU 131 (chose the epoch)': await bodyMovements(folder), 'films, people not seen': (await headTraces(folder)).filter(({ name }) => /^(0Z4VWJ|1CSD3Y|322SAJ)/.test(name)) }),
};
const rows = Object.entries(sets).flatMap(([set, tracks]) => [72, 36].flatMap((rateHz) => {
  const random = seededRandom(2);
  const runs = tracks.map((track) => ({ track, received: receive(track, { rateHz, ...shakyLink(random, { leastMs: 5, meanMs: 8, lossRate: 0.02, ordered: false }) }, random) }));
  return (Object.keys(PARTS) as BodyPart[]).filter((part) => part === 'head' || !set.startsWith('films')).flatMap((part) =>
    Object.entries({ [STANDING_STILL]: candidatesOf(part)[STANDING_STILL]!, [CHOSEN]: candidatesOf(part)[CHOSEN]!, learnt: learnt(network, part) }).map(([predictor, candidate]) => {
      const errors = score(runs, PARTS[part], candidate);
      const spread = (what: 'moveMm' | 'turnDegrees' | 'overshootMm', digits: number): string => errors.map((own) => quantile(own[what], 0.95).toFixed(digits)).join(' ');
      return {
        set, Hz: rateHz, part, predictor, [`p95 mm at ${HORIZONS_MS.join(', ')} ms`]: set.startsWith('films') ? '' : spread('moveMm', 1), 'p95 degrees': spread('turnDegrees', 1),
        'overshoot mm': set.startsWith('films') ? '' : spread('overshootMm', 1), jerk: set.startsWith('films') ? '' : roughness(runs, PARTS[part], candidate, DRAWN_AHEAD_MS).jerkRatio.toFixed(1),
      };
    }));
}));
printTable(rows);
printTable([CHOSEN, 'learnt'].map((predictor) => ({ predictor, 'microseconds a pose and a prediction': costOf(predictor === 'learnt' ? learnt(network, 'head') : candidatesOf('head')[CHOSEN]!) })));

/** The median of nine rounds; the machine may be shared, so trust the ratio. */
function costOf(candidate: Candidate): string {
  const clock = systemClock();
  const pose = Float32Array.of(0, 1.6, 0, 0, 0, 0, 1);
  const estimator = candidate.estimator();
  const moving = new PartMotion(estimator);
  const into = new Float32Array(7);
  let timeMs = 0;
  const times = Array.from({ length: 9 }, () => {
    const startMs = clock.nowMs();
    for (let index = 0; index < 3000; index++) {
      pose[0] = Math.sin((timeMs += 14) / 300);
      moving.observe(timeMs, pose, 0);
      candidate.goOn?.(estimator, 50, into, 0);
    }
    return (clock.nowMs() - startMs) / 3;
  }).sort((a, b) => a - b);
  return times[4]!.toFixed(1);
}
