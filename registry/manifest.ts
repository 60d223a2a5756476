/** What the registry knows of one model version: its files, tensors, labels, origin and figures. */
import { z } from 'zod';
import { TASKS } from '../core/tasks.ts';

/** One tensor of a graph; a string dimension is symbolic (`N` is the batch). */
export const tensorSpec = z.strictObject({
  name: z.string().min(1),
  dtype: z.enum(['float32', 'float16', 'uint8', 'int8', 'int32', 'int64']),
  shape: z.array(z.union([z.string().min(1), z.int().positive()])).min(1),
  /** What the numbers mean: unit, space, range. */
  meaning: z.string(),
});
export type TensorSpec = z.infer<typeof tensorSpec>;

/** A file beside the manifest. */
const fileSpec = z.strictObject({
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  bytes: z.int().positive(),
});

const dataSource = z.strictObject({
  name: z.string(),
  origin: z.string(),
  licence: z.string(),
});

/** A model's name and version are folder names, so they are kept to what every file system takes. */
export const modelName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/);
export const modelVersion = z.string().regex(/^[0-9]+$/);

export const modelManifest = z.strictObject({
  name: modelName,
  version: modelVersion,
  task: z.enum(TASKS),
  summary: z.string(),
  licence: z.string(),
  format: z.literal('onnx'),
  /** By file name; `model.onnx` is the graph. */
  files: z.record(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/), fileSpec),
  inputs: z.array(tensorSpec).min(1),
  outputs: z.array(tensorSpec).min(1),
  /** By output name, the meaning of each column. */
  labels: z.record(z.string(), z.array(z.string())),
  /** By output name or label, the score from which a label counts. */
  thresholds: z.record(z.string(), z.number()).default({}),
  data: z.array(dataSource),
  /** Figures on data that training never saw. */
  metrics: z.record(z.string(), z.number()),
  trained: z.strictObject({ command: z.string(), seed: z.int(), epochs: z.number() }).optional(),
});
export type ModelManifest = z.infer<typeof modelManifest>;
