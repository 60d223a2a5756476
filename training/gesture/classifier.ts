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
const CANDIDATES = Array.from({ length: 14 }, (_, step) => 0.3 + step * 0.05);
/** The share of gestures that the threshold may cost on each validation set. */
const RECALL_LOSS = 0.01;

/** The highest threshold that loses, on each set, at most one in a hundred of the gestures recognised without one. */
export async function chooseThreshold(classifier: Classifier, sets: readonly SampleSet[]): Promise<number> {
  let threshold = Number.POSITIVE_INFINITY;
  for (const set of sets) threshold = Math.min(threshold, highestThreshold(await recognisedScores(classifier, set)));
  return Number(threshold.toFixed(2));
}

/** The scores of the gestures that were given their class. */
async function recognisedScores(classifier: Classifier, set: SampleSet): Promise<number[]> {
  const decisions = await classifier.classify(set, 0);
  return decisions
    .filter(({ gesture }, row) => gesture !== NONE_INDEX && gesture === set.classes[row])
    .map(({ score }) => score);
}

function highestThreshold(scores: readonly number[]): number {
  const kept = (threshold: number): number => scores.filter((score) => score >= threshold).length / scores.length;
  return CANDIDATES.filter((threshold) => kept(threshold) >= 1 - RECALL_LOSS).at(-1) ?? 0;
}
