/**
 * How well the SDK knows where somebody is whose poses have not come yet, and how late it draws them:
 * npx tsx bench/main.ts prediction [--smoke]
 *
 * Real recordings go through a device, a network and the server's ticks on paper and through the real codec, and the real
 * prediction and playout of the SDK. Time is simulated but where the cost of a prediction is measured.
 */
import { systemClock } from '../core/clock.ts';
import { seededRandom } from '../core/random.ts';
import { createPoseSample } from '../protocol/codec/pose-sample.ts';
import type { PoseTrack } from '../sim/import/pose-track.ts';
import { dataFolder } from '../test/support/data-folder.ts';
import { AvatarMotion } from '../client/prediction/avatar-motion.ts';
import { continuePose } from '../client/prediction/motion.ts';
import { PartMotion } from '../client/prediction/part-motion.ts';
import { candidatesOf, type BodyPart, type Candidate } from './prediction/candidates.ts';
import { measurePlayout, NETWORKS } from './prediction/playout.ts';
import { bodyMovements, headTraces, packagedMovements } from './prediction/recordings.ts';
import { HORIZONS_MS, leadOf, quantile, roughness, score, type Errors } from './prediction/score.ts';
import type { CostRow, ErrorRow, Spread } from './prediction/report.ts';
import { writePredictionSection } from './prediction/section.ts';
import { receive, shakyLink, STEADY_LINK } from './prediction/stream.ts';
import { machineInfo, median, parseBenchArguments, printTable, saveReport } from './support.ts';

const RESULTS_FILE = 'bench/results/prediction.json';
const RATES_HZ = [72, 36, 18, 9] as const;
/** For the jerk: about what a late packet costs. */
const DRAWN_AHEAD_MS = 50;
const PARTS: Readonly<Record<BodyPart, readonly number[]>> = { head: [0], controllers: [1, 2] };

export async function main(args: string[]): Promise<void> {
  const { json, smoke } = parseBenchArguments(args);
  const { measured } = await packagedMovements();
  const tracks = smoke ? measured.slice(0, 1) : measured;
  const errors = ['steady', 'shaky'].flatMap((link) => measureErrors('packages', tracks, link as ErrorRow['link'], ['head', 'controllers']));
  if (!smoke) errors.push(...await measureFurther());
  const playout = Object.keys(NETWORKS).flatMap((network) => (smoke ? [72] : [72, 18, 9]).flatMap((rateHz) => measurePlayout(tracks, network, rateHz)));
  const costs = measureCosts(tracks[0] as PoseTrack, smoke ? 1 : 9);
  const report = { bench: 'prediction', machine: machineInfo(), recordings: tracks.map(({ name }) => name), horizonsMs: HORIZONS_MS, errors, playout, costs };
  printTable(errors.filter(({ link, recordings }) => link === 'shaky' && recordings === 'packages').map((row) => ({ part: row.part, Hz: row.rateHz, predictor: row.predictor, 'p95 mm at 20, 50, 100, 150 ms': row.moveMm.map(([, p95]) => p95.toFixed(1)).join(' '), jerk: row.jerkRatio.toFixed(1) })));
  printTable(playout.map((row) => ({ network: row.network, Hz: row.rateHz, delay: row.delay, 'late %': (100 * row.lateShare).toFixed(2), 'mean ms': row.meanDelayMs.toFixed(0) })));
  printTable(costs.map((row) => ({ ...row })));
  if (json !== undefined) saveReport(json, report);
  if (smoke) return;
  saveReport(RESULTS_FILE, report);
  writePredictionSection(report);
}

/** Recordings that are not part of a package, for whoever has them. */
async function measureFurther(): Promise<ErrorRow[]> {
  const folder = dataFolder();
  if (folder === undefined) return [];
  return [
    ...measureErrors('CMU 131', await bodyMovements(folder), 'shaky', ['head', 'controllers']),
    ...measureErrors('360dataset', await headTraces(folder), 'shaky', ['head']),
  ];
}

function measureErrors(recordings: string, tracks: readonly PoseTrack[], link: ErrorRow['link'], parts: readonly BodyPart[]): ErrorRow[] {
  return RATES_HZ.flatMap((rateHz) => {
    const random = seededRandom(2);
    const network = link === 'steady' ? STEADY_LINK : shakyLink(random, { leastMs: 5, meanMs: 8, lossRate: 0.02, ordered: false });
    const runs = tracks.map((track) => ({ track, received: receive(track, { rateHz, ...network }, random) }));
    return parts.flatMap((part) => Object.entries(candidatesOf(part)).map(([predictor, candidate]): ErrorRow => {
      const errors = score(runs, PARTS[part], candidate);
      const spreads = (what: keyof Errors): Spread[] => errors.map((of) => [rounded(quantile(of[what], 0.5)), rounded(quantile(of[what], 0.95)), rounded(quantile(of[what], 0.99))]);
      return {
        recordings, link, part, rateHz, predictor, predictions: errors[0]?.moveMm.length ?? 0, moveMm: spreads('moveMm'), turnDegrees: spreads('turnDegrees'),
        overshootP95Mm: spreads('overshootMm').map(([, p95]) => p95), jerkRatio: rounded(roughness(runs, PARTS[part], candidate, DRAWN_AHEAD_MS).jerkRatio),
      };
    }));
  });
}

/** Nanoseconds a pose of one part; and of a whole avatar with a head and two hands, as the SDK does it. */
function measureCosts(track: PoseTrack, rounds: number): CostRow[] {
  const received = receive(track, { rateHz: 72, ...STEADY_LINK }, seededRandom(3));
  const into = createPoseSample();
  const rows = Object.entries(candidatesOf('head')).map(([predictor, candidate]) => ({ predictor, ...partCosts(candidate, received.map(({ sample }) => sample), rounds) }));
  const whole = new AvatarMotion();
  const samples = received.map(({ sample }) => {
    for (let joint = 0; joint < 50; joint++) sample.hands.set(sample.rigid.subarray(7, 14), joint * 7);
    return { ...sample, valid: 25 };
  });
  let baseMs = 0;
  const spanMs = samples.at(-1)?.captureMs ?? 0;
  const observeNs = nanoseconds(rounds, samples.length, (index) => {
    if (index === 0) baseMs += spanMs + 14;
    const sample = samples[index] as typeof into;
    into.captureMs = baseMs + sample.captureMs;
    into.valid = sample.valid;
    into.rigid.set(sample.rigid);
    into.hands.set(sample.hands);
    whole.observe(into);
  });
  return [...rows, { predictor: 'SDK, head and two hands', observeNs, predictNs: nanoseconds(rounds, samples.length, () => whole.advance(into, 20)) }];
}

function partCosts(candidate: Candidate, samples: readonly { readonly captureMs: number; readonly rigid: Float32Array }[], rounds: number): Omit<CostRow, 'predictor'> {
  const into = new Float32Array(21);
  const moving = new PartMotion(candidate.estimator());
  const spanMs = samples.at(-1)?.captureMs ?? 0;
  let baseMs = 0;
  const observeNs = nanoseconds(rounds, samples.length, (index) => {
    if (index === 0) baseMs += spanMs + 14;
    moving.observe(baseMs + (samples[index]?.captureMs ?? 0), samples[index]?.rigid as Float32Array, 0);
  });
  const predictNs = nanoseconds(rounds, samples.length, (index) => continuePose(moving.motion, leadOf(candidate, 20), samples[index]?.rigid as Float32Array, into, 0));
  return { observeNs, predictNs };
}

/** The median of some rounds, each long enough for the clock; the first is to get warm. */
function nanoseconds(rounds: number, count: number, run: (index: number) => void): number {
  const clock = systemClock();
  const repeats = Math.ceil(100_000 / count);
  const times = Array.from({ length: rounds + 1 }, () => {
    const startMs = clock.nowMs();
    for (let repeat = 0; repeat < repeats; repeat++) for (let index = 0; index < count; index++) run(index);
    return ((clock.nowMs() - startMs) * 1e6) / (repeats * count);
  });
  return Math.round(median(times.slice(1)));
}

function rounded(value: number): number {
  return Number(value.toFixed(3));
}
