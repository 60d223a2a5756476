/** Runs a trained network over samples without dropout. */
import type { Head } from './heads.ts';
import { probabilitiesOf } from './loss.ts';
import { createActivations, forward } from './network.ts';
import type { Network } from './network.ts';
import { idsOf } from './samples.ts';
import type { EncodedSamples } from './samples.ts';

/** Probabilities of one head. @returns [samples, classes of the head], row-major; the caller's. */
export function predict(network: Network, encoded: EncodedSamples, head: Head): Float32Array {
  const activations = createActivations(network.shape);
  const width = head.classes.length;
  const rows = new Float32Array(encoded.samples.length * width);
  for (let index = 0; index < encoded.samples.length; index++) {
    forward(network, idsOf(encoded, index), [head], activations);
    probabilitiesOf(head, activations.logits, activations.logits);
    rows.set(activations.logits.subarray(head.offset, head.offset + width), index * width);
  }
  return rows;
}

/** The class with the highest probability in each row of [rows, width]. */
export function bestClasses(probabilities: Float32Array, width: number): number[] {
  return Array.from({ length: probabilities.length / width }, (_, row) => {
    let best = 0;
    for (let column = 1; column < width; column++) {
      if (probabilities[row * width + column]! > probabilities[row * width + best]!) best = column;
    }
    return best;
  });
}
