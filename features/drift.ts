/**
 * How far two distributions over the same bins lie apart, and how far they may by chance.
 *
 * The population stability index says how large a shift is (below 0.1 none to speak of, from 0.2 on one to act on: Siddiqi,
 * Credit Risk Scorecards, 2006). The convention knows no sample size, so both it and the two-sample Kolmogorov-Smirnov test
 * are held against chance here: what few samples from few people show is no shift.
 */

/** The convention's bounds. */
export const PSI_SMALL = 0.1;
export const PSI_LARGE = 0.2;
const CONVENTION_BINS = 10;

/** Stands for a share of nothing, whose logarithm would be infinite; the usual choice. */
const LEAST_SHARE = 1e-4;

/** The population stability index: the sum over the bins of (actual - expected) ln(actual / expected). @param expected, actual - shares, of the same length. */
export function populationStabilityIndex(expected: readonly number[], actual: readonly number[]): number {
  return expected.reduce((sum, share, bin) => {
    const [before, now] = [Math.max(LEAST_SHARE, share), Math.max(LEAST_SHARE, actual[bin] ?? 0)];
    return sum + (now - before) * Math.log(now / before);
  }, 0);
}

/** Every two neighbouring bins as one where there are more than ten, for which the convention's bounds are. */
export function halveBins(shares: readonly number[]): number[] {
  if (shares.length <= CONVENTION_BINS) return [...shares];
  return Array.from({ length: Math.ceil(shares.length / 2) }, (_, pair) => (shares[pair * 2] ?? 0) + (shares[pair * 2 + 1] ?? 0));
}

/**
 * What the index of two samples of one distribution exceeds with probability `alpha`: (1/n + 1/m) times the quantile of the chi-square
 * distribution with `bins - 1` degrees of freedom (Yurdakul and Naranjo, Statistical properties of the population stability
 * index, Journal of Risk Model Validation 14, 2020).
 *
 * @param n, m - independent samples of each.
 */
export function indexByChance(bins: number, n: number, m: number, alpha: number): number {
  return bins < 2 ? 0 : chiSquareQuantile(bins - 1, alpha) * (1 / n + 1 / m);
}

/** The largest distance of two cumulative distributions at the bins' edges; within a bin they may lie further apart, never less. */
export function kolmogorovSmirnov(expected: readonly number[], actual: readonly number[]): number {
  let [distance, before, now] = [0, 0, 0];
  for (let bin = 0; bin < expected.length; bin++) {
    before += expected[bin] ?? 0;
    now += actual[bin] ?? 0;
    distance = Math.max(distance, Math.abs(before - now));
  }
  return distance;
}

/**
 * How likely two samples of one distribution lie at least so far apart: Kolmogorov's distribution with Stephens' correction for finite
 * samples (Press et al., Numerical Recipes, 14.3).
 */
export function distanceByChance(distance: number, n: number, m: number): number {
  const root = Math.sqrt((n * m) / (n + m));
  return kolmogorovTail((root + 0.12 + 0.11 / root) * distance);
}

/** 2 sum (-1)^(k-1) exp(-2 k^2 x^2): the chance that Kolmogorov's statistic exceeds `x`. */
export function kolmogorovTail(x: number): number {
  // Below this the sum converges slowly, and is 1 to nine digits.
  if (x < 0.2) return 1;
  let sum = 0;
  for (let k = 1; k <= 100; k++) {
    const term = Math.exp(-2 * k * k * x * x);
    sum += k % 2 === 1 ? term : -term;
    if (term < 1e-12) break;
  }
  return Math.min(1, Math.max(0, 2 * sum));
}

/** How alike the samples of one person are taken to be, of 0..1, where training has not measured it. */
export const LIKENESS = 0.3;

/**
 * How many independent samples as many from so many people are worth: Kish's design effect (Survey Sampling, 1965). With a likeness
 * of 0.3 five people are worth 17 samples at most, however long they stay.
 *
 * @param likeness - the share of the variance that lies between people, 0..1.
 */
export function independentSamples(samples: number, people: number, likeness = LIKENESS): number {
  if (samples === 0 || people === 0) return 0;
  return samples / (1 + Math.max(0, samples / people - 1) * likeness);
}

/** The value that a chi-square variable exceeds with probability `alpha` (Wilson and Hilferty 1931; within 1 % from 3 degrees on). */
export function chiSquareQuantile(degrees: number, alpha: number): number {
  const spread = 2 / (9 * degrees);
  return degrees * (1 - spread + normalQuantile(alpha) * Math.sqrt(spread)) ** 3;
}

/** The value that a standard normal variable exceeds with probability `alpha` (Abramowitz and Stegun 26.2.23; within 0.00045). @param alpha - 0..0.5 */
export function normalQuantile(alpha: number): number {
  const t = Math.sqrt(-2 * Math.log(Math.max(alpha, 1e-300)));
  return t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
}
