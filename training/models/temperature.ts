/** Temperature scaling (Guo, Pleiss, Sun and Weinberger 2017, "On Calibration of Modern Neural Networks", section 4.2). */
import type { Network } from './network.ts';

/** Temperatures looked at; outside of these something else is wrong. */
const LOWEST = 0.25;
const HIGHEST = 4;
const STEPS = 40;

/**
 * The temperature by which a softmax' logits are to be divided so that the classes are as likely as it says: the lowest cross-entropy.
 * The best class of a row stays the best.
 *
 * @param probabilities - [rows, classCount] at temperature 1; their logarithms are logits. Read only.
 * @param classes - [rows]
 * @returns LOWEST..HIGHEST; 1 for no rows.
 */
export function fitTemperature(probabilities: Float32Array, classes: ArrayLike<number>, classCount: number): number {
  if (classes.length === 0) return 1;
  const logits = Float64Array.from(probabilities, (value) => Math.log(Math.max(1e-12, value)));
  // Golden section over the logarithm: the cross-entropy has one valley in 1 / temperature.
  let [low, high] = [Math.log(LOWEST), Math.log(HIGHEST)];
  const share = (Math.sqrt(5) - 1) / 2;
  const lossAt = (place: number): number => crossEntropy(logits, classes, classCount, Math.exp(place));
  let [a, b] = [high - share * (high - low), low + share * (high - low)];
  let [lossA, lossB] = [lossAt(a), lossAt(b)];
  for (let step = 0; step < STEPS; step++) {
    if (lossA < lossB) {
      [high, b, lossB] = [b, a, lossA];
      a = high - share * (high - low);
      lossA = lossAt(a);
    } else {
      [low, a, lossA] = [a, b, lossB];
      b = low + share * (high - low);
      lossB = lossAt(b);
    }
  }
  return Math.exp((low + high) / 2);
}

function crossEntropy(logits: Float64Array, classes: ArrayLike<number>, classCount: number, temperature: number): number {
  let sum = 0;
  for (let row = 0; row < classes.length; row++) {
    let total = 0;
    for (let at = row * classCount; at < (row + 1) * classCount; at++) total += Math.exp(logits[at]! / temperature);
    sum += Math.log(total) - logits[row * classCount + classes[row]!]! / temperature;
  }
  return sum / classes.length;
}

/** Divides a network's logits, in place: its last layer gives them, so that graph and weights keep their form. */
export function scaleLogits(network: Network, temperature: number): void {
  for (const { values } of network.layers.at(-1)?.weights ?? []) for (let at = 0; at < values.length; at++) values[at] = values[at]! / temperature;
}
