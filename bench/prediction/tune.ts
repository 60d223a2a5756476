/**
 * Finds the settings of the predictors on the training recordings: `npx tsx bench/prediction/tune.ts`.
 *
 * A setting is as good as the 95th percentile of its errors, each divided by that of standing still, over all rates and
 * horizons up to 100 ms, beyond which nothing is continued.
 */
import { seededRandom } from '../../core/random.ts';
import { KalmanMotion } from '../../client/prediction/kalman.ts';
import type { MotionEstimator } from '../../client/prediction/motion.ts';
import { DoubleExponentialMotion } from './double-exponential.ts';
import { LineMotion } from './line.ts';
import { packagedMovements } from './recordings.ts';
import { candidatesOf, kalman, STANDING_STILL, type Candidate } from './candidates.ts';
import { quantile, score, type Errors, type Run } from './score.ts';
import { receive, shakyLink } from './stream.ts';

const RATES_HZ = [72, 36, 18, 9] as const;
const FADES_MS = [60, 90, 130, 200, 300, 400, 500, 800, Infinity];
const HORIZONS_USED = 3;

interface Family {
  readonly name: string;
  readonly settings: readonly number[];
  make(move: number, turn: number): MotionEstimator;
}

const memories = [4, 8, 12, 16, 24, 32, 48, 64, 96];
const FAMILIES: readonly Family[] = [
  { name: 'line, window ms', settings: [0, 20, 30, 45, 60, 80, 120], make: (moveWindowMs, turnWindowMs) => new LineMotion({ moveWindowMs, turnWindowMs }) },
  { name: 'double exponential, memory ms', settings: memories, make: (moveMemoryMs, turnMemoryMs) => new DoubleExponentialMotion({ moveMemoryMs, turnMemoryMs }) },
  ...([2, 3] as const).map((states) => ({
    name: `kalman of ${states} states, log10 of disturbance`,
    settings: states === 2 ? [-1, -0.5, 0, 0.5, 1, 1.5, 2, 2.5] : [0.5, 1, 1.5, 2, 2.5, 3, 3.5],
    make: (move: number, turn: number) => new KalmanMotion(kalman(states, { move, turn })),
  })),
];

const { training } = await packagedMovements();
const random = seededRandom(1);
const runsByRate = RATES_HZ.map((rateHz): Run[] => training.map((track) => ({ track, received: receive(track, { rateHz, ...shakyLink(random, { leastMs: 5, meanMs: 3, lossRate: 0.01, ordered: false }) }, random) })));
for (const [part, parts] of Object.entries({ head: [0], controllers: [1, 2] })) {
  const still = runsByRate.map((runs) => score(runs, parts, candidatesOf('head')[STANDING_STILL] as Candidate));
  for (const { name, settings, make } of FAMILIES) {
    const rows = settings.flatMap((setting) => FADES_MS.map((fadeMs) => {
      const scores = runsByRate.map((runs) => score(runs, parts, { estimator: () => make(setting, setting), moveFadeMs: fadeMs, turnFadeMs: fadeMs }));
      return { setting, fadeMs, move: ratio(scores, still, 'moveMm'), turn: ratio(scores, still, 'turnDegrees') };
    }));
    for (const what of ['move', 'turn'] as const) {
      const best = [...rows].sort((a, b) => a[what] - b[what]).slice(0, 3);
      console.log(`${part}, ${what}, ${name}:`, best.map((row) => `${row.setting} fading in ${row.fadeMs} ms: ${row[what].toFixed(3)}`).join(' | '));
    }
  }
}

function ratio(scores: readonly Errors[][], still: readonly Errors[][], what: 'moveMm' | 'turnDegrees'): number {
  const ratios = scores.flatMap((byHorizon, rate) => byHorizon.slice(0, HORIZONS_USED).map((errors, horizon) => quantile(errors[what], 0.95) / quantile(still[rate]?.[horizon]?.[what] ?? [], 0.95)));
  return ratios.reduce((sum, value) => sum + value, 0) / ratios.length;
}
