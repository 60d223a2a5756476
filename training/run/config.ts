/** What a training run is asked for; the same configuration, data and seed give the same model. */
import { z } from 'zod';
import { CopresenceError } from '../../core/errors.ts';
import { modelName } from '../../registry/manifest.ts';
import { labelName } from '../dataset/dataset.ts';
import { DEFAULT_CLEANING } from '../dataset/clean.ts';
import { NO_AUGMENTATION } from '../dataset/augment.ts';
import { NO_DRAWING } from '../hands/grow.ts';
import { DEFAULT_FIT } from '../models/fit-network.ts';
import { predictionConfig } from '../prediction/config.ts';

export const NETWORK_FAMILIES = ['linear', 'mlp', 'gru', 'tcn'] as const;
export const SINGLE_FAMILIES = [...NETWORK_FAMILIES, 'naive-bayes', 'random-forest', 'adaboost'] as const;
export const FAMILIES = [...SINGLE_FAMILIES, 'bagging', 'voting', 'stacking'] as const;
export type SingleFamily = (typeof SINGLE_FAMILIES)[number];
export type Family = (typeof FAMILIES)[number];

const share = z.number().min(0).max(1);

export const trainingConfig = z.strictObject({
  family: z.enum(FAMILIES).default('mlp'),
  seed: z.int().min(0).max(0xffffffff).default(7),
  network: z.strictObject({
    hidden: z.array(z.int().min(1).max(1024)).min(1).max(8).default([64, 32]),
    maxEpochs: z.int().min(1).max(1000).default(DEFAULT_FIT.maxEpochs),
    patience: z.int().min(1).max(1000).default(DEFAULT_FIT.patience),
    batchSize: z.int().min(1).max(4096).default(DEFAULT_FIT.batchSize),
    learningRate: z.number().positive().max(10).default(DEFAULT_FIT.learningRate),
    schedule: z.enum(['constant', 'cosine', 'step']).default(DEFAULT_FIT.schedule),
    dropout: z.number().min(0).max(0.9).default(DEFAULT_FIT.dropout),
    weightDecay: z.number().min(0).max(1).default(DEFAULT_FIT.weightDecay),
    labelSmoothing: z.number().min(0).max(0.5).default(DEFAULT_FIT.labelSmoothing),
    classWeights: z.enum(['balanced', 'none']).default(DEFAULT_FIT.classWeights),
    /** Divides the logits by a temperature, chosen on the validation part, by which scores come near to shares of what is right. */
    calibrate: z.boolean().default(false),
  }).prefault({}),
  trees: z.strictObject({
    count: z.int().min(1).max(1000).default(40),
    maxDepth: z.int().min(1).max(24).default(12),
    minLeafRows: z.int().min(1).default(1),
    /** Of each tree of AdaBoost. */
    boostingDepth: z.int().min(1).max(8).default(2),
  }).prefault({}),
  ensemble: z.strictObject({
    members: z.array(z.enum(SINGLE_FAMILIES)).min(1).max(16).default(['mlp', 'random-forest', 'naive-bayes']),
    /** Members that bagging makes of the first of `members`. */
    bags: z.int().min(2).max(64).default(5),
    /** Folds by which stacking lets members predict rows that they have not learnt. */
    folds: z.int().min(2).max(10).default(3),
  }).prefault({}),
  /** Where a teacher is given: how much its probabilities are softened, and its share of the loss. */
  distillation: z.strictObject({
    temperature: z.number().min(1).max(100).default(3),
    weight: share.default(0.7),
  }).prefault({}),
  cleaning: z.strictObject({
    maxMissingShare: share.default(DEFAULT_CLEANING.maxMissingShare),
    outlierScore: z.number().positive().default(DEFAULT_CLEANING.outlierScore),
    minPerLabel: z.int().min(1).default(DEFAULT_CLEANING.minPerLabel),
  }).prefault({}),
  /** Of a run on tracks, and only of that. */
  prediction: predictionConfig.optional(),
  smote: z.boolean().default(false),
  /** The label of what shows nothing else: hands may be drawn of it, and scores below a threshold count as it. */
  rejection: labelName.default('none'),
  augmentation: z.strictObject({
    copies: z.int().min(0).max(20).default(NO_AUGMENTATION.copies),
    mirror: z.boolean().default(NO_AUGMENTATION.mirror),
    mirrored: z.record(labelName, labelName).default(NO_AUGMENTATION.mirrored),
    slant: z.number().min(0).max(0.9).default(NO_AUGMENTATION.slant),
    rotateDegrees: z.number().min(0).max(180).default(0),
    scale: z.number().min(0).max(0.5).default(0),
    timeWarp: z.number().min(0).max(0.3).default(0),
    noise: z.number().min(0).max(1).default(0),
    jointDropout: z.number().min(0).max(0.5).default(0),
    stretch: z.number().min(0).max(0.5).default(0),
    viewNoise: z.number().min(0).max(0.2).default(0),
    drawn: z.int().min(0).max(20_000).default(NO_DRAWING.drawn),
    drawnNone: z.int().min(0).max(100_000).default(NO_DRAWING.drawnNone),
    nearMisses: share.default(NO_DRAWING.nearMisses),
    variation: z.number().min(0).max(3).default(NO_DRAWING.variation),
    drawnNoise: z.number().min(0).max(0.03).default(NO_DRAWING.drawnNoise),
    views: share.default(NO_DRAWING.views),
    empty: z.int().min(0).max(1000).default(NO_DRAWING.empty),
    drawnValidation: z.int().min(0).max(1000).default(NO_DRAWING.drawnValidation),
    rest: z.string().max(200).default(NO_DRAWING.rest),
    touches: z.record(labelName, z.strictObject({ relax: share, together: z.boolean() })).default({}),
  }).prefault({}),
  /** What `reference.json` may hold. Features and labels of a set that was put together by hand are no baseline for what people do. */
  reference: z.strictObject({ inputs: z.boolean().default(true), labels: z.boolean().default(true) }).prefault({}),
  /** Trained beside the model on the same rows, so that its figures can be judged. */
  baselines: z.array(z.enum(SINGLE_FAMILIES)).default(['linear', 'naive-bayes', 'random-forest']),
});
export type TrainingConfig = z.infer<typeof trainingConfig>;

/** Before hours of training, not at their end. @throws CopresenceError CONFIG_INVALID for what cannot name a model. */
export function checkModelName(name: string): void {
  if (!modelName.safeParse(name).success) throw new CopresenceError('CONFIG_INVALID', `'${name}' cannot name a model: a-z, 0-9 and - only, 63 characters at most`);
}

/** @throws CopresenceError CONFIG_INVALID with the field that does not fit. */
export function readTrainingConfig(value: unknown): TrainingConfig {
  const parsed = trainingConfig.safeParse(value);
  if (!parsed.success) throw new CopresenceError('CONFIG_INVALID', z.prettifyError(parsed.error));
  return parsed.data;
}
