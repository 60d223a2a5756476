/** What of a data set of tracks is learnt. */
import { z } from 'zod';

export const predictionConfig = z.strictObject({
  /** Poses before the newest that a model sees. */
  steps: z.int().min(2).max(32).default(8),
  /** Milliseconds after the newest pose that it answers for. */
  horizonsMs: z.array(z.number().min(10).max(500)).min(1).max(8).default([50, 100, 150])
    .refine((horizons) => horizons.every((own, at) => at === 0 || own > horizons[at - 1]!), { error: 'have to go up' }),
  /** How often poses come to whoever predicts; each track is seen at all of them. */
  ratesHz: z.array(z.number().min(1).max(144)).min(1).max(8).default([72, 36, 18, 9]),
  /** How much faster each track is played, for training alone. */
  speeds: z.array(z.number().min(0.25).max(4)).min(1).max(8).default([0.75, 1, 1.35]),
  /** Between two moments of a track that are learnt from. */
  everyMs: z.number().min(1).max(10_000).default(80),
  /** Metres or radians a second from which an error counts in proportion and no more squared. */
  huberDelta: z.number().positive().max(100).default(0.5),
});
export type PredictionConfig = z.infer<typeof predictionConfig>;

/** What suits a network that predicts: no dropout, since what it gives is a sum of small parts, and larger batches. */
const PREDICTION_NETWORK = { hidden: [64, 32], maxEpochs: 12, patience: 4, batchSize: 256, learningRate: 2e-3, dropout: 0, weightDecay: 1e-3 };

/** A configuration as somebody gave it; for tracks with what suits them where it says nothing. @param kind - of the data set's layout. */
export function withPredictionDefaults(given: Readonly<Record<string, unknown>>, kind: string): Record<string, unknown> {
  return kind === 'track' ? { ...given, prediction: given['prediction'] ?? {}, network: { ...PREDICTION_NETWORK, ...(given['network'] as object | undefined) } } : { ...given };
}
