/** Adam with a state that can be saved, so that a run that was cut off goes on as if it had not been. */
import type { NamedWeights } from './layers.ts';

export interface AdamState {
  /** Steps taken. */
  step: number;
  /** By weights, in their order; overwritten. */
  readonly means: readonly Float32Array[];
  readonly squares: readonly Float32Array[];
}

export function createAdamState(weights: readonly NamedWeights[]): AdamState {
  const zeros = (): Float32Array[] => weights.map(({ values }) => new Float32Array(values.length));
  return { step: 0, means: zeros(), squares: zeros() };
}

/**
 * One step (Kingma and Ba 2015, algorithm 1, with the decay of Loshchilov and Hutter 2019) on all weights, in place.
 *
 * @param gradients - as long as the weights. Read only.
 */
export function adamStep(
  weights: readonly NamedWeights[], gradients: readonly Float32Array[], state: AdamState,
  { rate, weightDecay }: { readonly rate: number; readonly weightDecay: number },
): void {
  state.step++;
  const corrected = (rate * Math.sqrt(1 - 0.999 ** state.step)) / (1 - 0.9 ** state.step);
  weights.forEach(({ values, shape }, index) => {
    const means = state.means[index]!;
    const squares = state.squares[index]!;
    const gradient = gradients[index]!;
    // Biases are not decayed: they do not make a function steep.
    const kept = shape.length < 2 ? 1 : 1 - rate * weightDecay;
    for (let at = 0; at < values.length; at++) {
      means[at] = 0.9 * means[at]! + 0.1 * gradient[at]!;
      squares[at] = 0.999 * squares[at]! + 0.001 * gradient[at]! * gradient[at]!;
      values[at] = values[at]! * kept - (corrected * means[at]!) / (Math.sqrt(squares[at]!) + 1e-8);
    }
  });
}
