/** Runs an exported gesture model, so that what is measured is what ships. */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { HAND_FEATURE_COUNT } from '../../features/hand.ts';
import { GESTURES, NONE_INDEX } from './gestures.ts';
import type { SampleSet } from './samples.ts';

export const INPUT_NAME = 'features';
export const OUTPUT_NAME = 'probabilities';

/** What the model says of one hand. */
export interface Decision {
  /** An index into GESTURES; `none` where the best score is below the threshold. */
  readonly gesture: number;
  /** The best score, of whichever class. */
  readonly score: number;
}

export interface Classifier {
  /** One decision for each row. */
  classify(set: Pick<SampleSet, 'features' | 'count'>, threshold: number): Promise<Decision[]>;
  close(): Promise<void>;
}

/** Opens a model from the bytes of its ONNX file. */
export async function openClassifier(model: Uint8Array): Promise<Classifier> {
  const session = await InferenceSession.create(model, { intraOpNumThreads: 1, logSeverityLevel: 3 });
  return {
    async classify({ features, count }, threshold) {
      const input = new Tensor('float32', features, [count, HAND_FEATURE_COUNT]);
      const outputs = await session.run({ [INPUT_NAME]: input });
      const probabilities = outputs[OUTPUT_NAME]?.data as Float32Array;
      return Array.from({ length: count }, (_, row) => decide(probabilities, row, threshold));
    },
    close: () => session.release(),
  };
}

function decide(probabilities: Float32Array, row: number, threshold: number): Decision {
  const own = probabilities.subarray(row * GESTURES.length, (row + 1) * GESTURES.length);
  const score = Math.max(...own);
  return { gesture: score < threshold ? NONE_INDEX : own.indexOf(score), score };
}

/** Scores tried as a threshold. */
const CANDIDATES = Array.from({ length: 14 }, (_, step) => Number((0.3 + step * 0.05).toFixed(2)));

/**
 * The threshold with the best mean accuracy over the sets, where a score below it counts as `none`.
 *
 * A set with many hands of no gesture pulls it up and one of gestures alone pulls it down.
 */
export async function chooseThreshold(classifier: Classifier, sets: readonly SampleSet[]): Promise<number> {
  let best = { threshold: 0, accuracy: -1 };
  for (const threshold of CANDIDATES) {
    let accuracy = 0;
    for (const set of sets) accuracy += (await accuracyAt(classifier, set, threshold)) / sets.length;
    if (accuracy > best.accuracy) best = { threshold, accuracy };
  }
  return best.threshold;
}

async function accuracyAt(classifier: Classifier, set: SampleSet, threshold: number): Promise<number> {
  const decisions = await classifier.classify(set, threshold);
  return decisions.filter(({ gesture }, row) => gesture === set.classes[row]).length / set.count;
}
