/** How much better than the best a point is expected to be, as a logarithm: where there is next to nothing to gain, points can still be compared. */

/**
 * The logarithm of the expected improvement below `best` (Jones, Schonlau and Welch 1998; as a logarithm: Ament et al. 2023).
 *
 * @param deviation - of what is expected of the point; 0 where it is known.
 * @returns -Infinity where nothing can be gained.
 */
export function logExpectedImprovement(mean: number, deviation: number, best: number): number {
  if (!(deviation > 0)) return Math.log(Math.max(0, best - mean));
  return Math.log(deviation) + logImprovement((best - mean) / deviation);
}

/** From here on 1 is nearer to Φ than a float64 can say. */
const CERTAIN = 9;
/** Below, the two terms of the closed form nearly cancel. */
const FRACTION_FROM = -2;
/** Of the continued fraction; at its slowest place, where it begins, more terms change nothing. */
const FRACTION_TERMS = 200;

/**
 * log(φ(z) + z Φ(z)).
 *
 * With t = -z it is φ(t) - t Q(t), and Mills' ratio is the continued fraction
 * Q/φ = 1/(t + c), c = 1/(t + 2/(t + 3/(t + …))) (Abramowitz and Stegun 26.2.14), so that φ c / (t + c) is left, without a difference.
 */
function logImprovement(z: number): number {
  if (z > FRACTION_FROM) return Math.log(density(z) + z * cumulative(z));
  const t = -z;
  let tail = t;
  for (let term = FRACTION_TERMS; term >= 2; term--) tail = t + term / tail;
  return logDensity(t) - Math.log(tail) - Math.log(t + 1 / tail);
}

function logDensity(z: number): number {
  return -0.5 * (z * z + Math.log(2 * Math.PI));
}

function density(z: number): number {
  return Math.exp(logDensity(z));
}

/** Φ(z) by its series around 0 (Abramowitz and Stegun 26.2.11), whose terms all have one sign. */
function cumulative(z: number): number {
  if (z > CERTAIN) return 1;
  let sum = 0;
  for (let term = z, n = 1; Math.abs(term) > 1e-18; n += 2) {
    sum += term;
    term *= (z * z) / (n + 2);
  }
  return 0.5 + density(z) * sum;
}
