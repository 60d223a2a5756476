/** Gaussian process regression with a Matérn 5/2 kernel: what to expect of a point that was not tried, and how surely. */
import { cholesky, dot, solveLower, solveUpper } from './linear-algebra.ts';

/** What is known of a function: its values at points of the unit cube. */
export interface Observations {
  /** [count][dimensions] */
  readonly points: readonly (readonly number[])[];
  /** [count] */
  readonly values: readonly number[];
  /** [dimensions] whose length scale each dimension has: those of one parameter share one. */
  readonly scaleOf: readonly number[];
}

export interface Kernel {
  /** How far a value says something of its neighbours; one for each parameter (ARD). */
  readonly lengths: readonly number[];
  /** Variance of the function. */
  readonly signal: number;
  /** Variance of an observation around it. */
  readonly noise: number;
  /** Of the function, far from everything. */
  readonly mean: number;
}

export interface GaussianProcess {
  readonly kernel: Kernel;
  /** Of the function itself, without the noise of an observation. */
  predict(point: readonly number[]): { readonly mean: number; readonly deviation: number };
}

/** Matérn with ν = 5/2 of a scaled distance (Rasmussen and Williams 2006, equation 4.17); 1 at 0. */
export function matern52(distance: number): number {
  const scaled = Math.sqrt(5) * distance;
  return (1 + scaled + (scaled * scaled) / 3) * Math.exp(-scaled);
}

/** The posterior of a given kernel (Rasmussen and Williams 2006, algorithm 2.1). */
export function gaussianProcess(observations: Observations, kernel: Kernel): GaussianProcess {
  const { points, values, scaleOf } = observations;
  const lower = factorise(correlations(observations, kernel.lengths), points.length, kernel.noise / kernel.signal);
  const weights = solveUpper(lower, solveLower(lower, values.map((value) => value - kernel.mean)));
  return {
    kernel,
    predict(point) {
      const near = points.map((own) => matern52(distance(own, point, scaleOf, kernel.lengths)));
      const explained = solveLower(lower, near);
      return { mean: kernel.mean + dot(near, weights), deviation: Math.sqrt(kernel.signal * Math.max(0, 1 - dot(explained, explained))) };
    },
  };
}

/**
 * The logarithm of the marginal likelihood of lengths and a ratio of noise to signal, with mean and signal at their best
 * values, which have a closed form (Santner, Williams and Notz 2003, section 3.3).
 */
export function profileLikelihood(observations: Observations, lengths: readonly number[], noiseRatio: number): { readonly value: number; readonly mean: number; readonly signal: number } {
  const { values } = observations;
  const n = values.length;
  const lower = factorise(correlations(observations, lengths), n, noiseRatio);
  const ones = solveLower(lower, new Float64Array(n).fill(1));
  const own = solveLower(lower, values);
  const mean = dot(ones, own) / dot(ones, ones);
  const rest = own.map((value, at) => value - mean * ones[at]!);
  const signal = Math.max(dot(rest, rest) / n, SMALLEST_SIGNAL);
  let logDeterminant = 0;
  for (let row = 0; row < n; row++) logDeterminant += 2 * Math.log(lower[row * n + row]!);
  return { value: -0.5 * (n * Math.log(2 * Math.PI * signal) + logDeterminant + n), mean, signal };
}

/** Of values that are all equal. */
const SMALLEST_SIGNAL = 1e-12;
/** In the unit cube. */
const LENGTHS = { low: 0.03, high: 10, start: 0.4 };
const NOISE_RATIO = { low: 1e-8, high: 1, start: 1e-3 };
/** Sweeps over all hyper-parameters, with a step that halves where none of them gains. */
const SWEEPS = 24;
const SMALLEST_STEP = 0.05;

/**
 * The posterior of the kernel that makes the observations likeliest: a compass search over the logarithms of the lengths
 * and of the noise. A weak log-normal prior around the start keeps a length that nothing speaks for where it is.
 *
 * @bound O(sweeps · lengths · count³)
 */
export function fitGaussianProcess(observations: Observations): GaussianProcess {
  const scales = Math.max(...observations.scaleOf) + 1;
  const bounds = [...Array.from({ length: scales }, () => LENGTHS), NOISE_RATIO];
  const start = bounds.map(({ start: own }) => Math.log(own));
  const gain = (logs: readonly number[]): number => {
    const penalty = logs.reduce((sum, own, at) => sum + (own - start[at]!) ** 2 / (at === scales ? 32 : 2), 0);
    return profileLikelihood(observations, logs.slice(0, scales).map(Math.exp), Math.exp(logs[scales]!)).value - penalty;
  };
  let best = { logs: start, gain: gain(start) };
  for (let sweep = 0, step = 1; sweep < SWEEPS && step >= SMALLEST_STEP; sweep++) {
    const before = best.gain;
    for (const [at, { low, high }] of bounds.entries()) {
      for (const direction of [1, -1]) {
        const logs = best.logs.with(at, Math.min(Math.log(high), Math.max(Math.log(low), best.logs[at]! + direction * step)));
        const own = gain(logs);
        if (own > best.gain) best = { logs, gain: own };
      }
    }
    if (best.gain === before) step /= 2;
  }
  const lengths = best.logs.slice(0, scales).map(Math.exp);
  const ratio = Math.exp(best.logs[scales]!);
  const { mean, signal } = profileLikelihood(observations, lengths, ratio);
  return gaussianProcess(observations, { lengths, signal, noise: ratio * signal, mean });
}

function distance(a: readonly number[], b: readonly number[], scaleOf: readonly number[], lengths: readonly number[]): number {
  let sum = 0;
  for (let at = 0; at < a.length; at++) sum += ((a[at]! - b[at]!) / lengths[scaleOf[at]!]!) ** 2;
  return Math.sqrt(sum);
}

function correlations({ points, scaleOf }: Observations, lengths: readonly number[]): Float64Array {
  const n = points.length;
  const matrix = new Float64Array(n * n);
  for (let row = 0; row < n; row++) {
    for (let column = 0; column <= row; column++) matrix[row * n + column] = matern52(distance(points[row]!, points[column]!, scaleOf, lengths));
  }
  return matrix;
}

/** Of points that lie on each other, rounding makes a matrix that is no more positive definite: then more of the diagonal is added. */
function factorise(matrix: Float64Array, n: number, diagonal: number): Float64Array {
  for (let added = diagonal; ; added = Math.max(added, 1e-10) * 10) {
    const own = matrix.slice();
    for (let row = 0; row < n; row++) own[row * n + row]! += added;
    const lower = cholesky(own, n);
    if (lower !== undefined) return lower;
  }
}
