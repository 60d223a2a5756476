/** What the registry knows of one model version: its files, tensors, labels, origin and figures. */
import { z } from 'zod';
import { CopresenceError } from '../core/errors.ts';
import { MODEL_TASKS } from '../core/tasks.ts';

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

/** The converters of registry/convert/converters.ts. */
export const CONVERTER_NAMES = ['tfjs-movenet', 'tfjs-graph'] as const;
export type ConverterName = (typeof CONVERTER_NAMES)[number];

/** A path inside a package: no way out of it. */
const packagePath = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*(\/[A-Za-z0-9][A-Za-z0-9._-]*)*$/);

/**
 * Where a graph that is not kept in the repository comes from. The store converts it at first use; the digest of
 * the outcome stands in the manifest's `files`, so a converter or a source that changes needs a new digest there.
 */
const conversion = z
  .strictObject({
    /** The npm package that holds the source. */
    package: z.string().min(1),
    /** The file that describes the graph; it names the weight files relative to itself. */
    topology: packagePath,
    /** Every file that the conversion may read, by its path inside the package. */
    files: z.record(packagePath, fileSpec),
    converter: z.enum(CONVERTER_NAMES),
    /** For `tfjs-graph`: the node that takes the picture, one item's sizes, and the node behind each output of the manifest. */
    nodes: z
      .strictObject({ input: z.string().min(1), sizes: z.array(z.int().positive()), outputs: z.record(z.string(), z.string().min(1)) })
      .optional(),
  })
  .refine((source) => (source.converter === 'tfjs-graph') === (source.nodes !== undefined), { path: ['nodes'], error: 'go with the converter tfjs-graph' })
  .refine((source) => source.topology in source.files, { path: ['topology'], error: 'is not one of the files' });
export type Conversion = z.infer<typeof conversion>;

/** The file name of an ONNX graph. */
export const GRAPH_FILE = 'model.onnx';

/** By format, the file that describes the graph; a TensorFlow.js one names its weight files, which lie beside it. */
export const GRAPH_FILES = { onnx: GRAPH_FILE, tfjs: 'model.json' } as const;

/** A model's name and version are folder names, so they are kept to what every file system takes. */
export const modelName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/);
export const modelVersion = z.string().regex(/^[1-9][0-9]{0,8}$/);

/** The highest format of a manifest that this program reads; one without `manifestFormat` is of the first. */
export const MANIFEST_FORMAT = 1;

const manifestFields = z.strictObject({
  manifestFormat: z.literal(MANIFEST_FORMAT).optional(),
  name: modelName,
  version: modelVersion,
  task: z.enum(MODEL_TASKS),
  summary: z.string(),
  licence: z.string(),
  /** `tfjs`: a graph or layers model of TensorFlow.js, which only that backend runs. */
  format: z.enum(['onnx', 'tfjs']),
  /** By file name; `model.onnx` or `model.json` is the graph, and lies elsewhere where it is `convertedFrom` something. */
  files: z.record(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/), fileSpec),
  inputs: z.array(tensorSpec).min(1),
  outputs: z.array(tensorSpec).min(1),
  /** By output name, the meaning of each entry of the first axis after the batch. */
  labels: z.record(z.string(), z.array(z.string())),
  /** By output name or label, the score from which a label counts. */
  thresholds: z.record(z.string(), z.number()).default({}),
  data: z.array(dataSource),
  /** Figures on data that training never saw. */
  metrics: z.record(z.string(), z.number()),
  trained: z.strictObject({ command: z.string(), seed: z.int(), epochs: z.number() }).optional(),
  convertedFrom: conversion.optional(),
});

export const modelManifest = manifestFields
  .refine(({ format, files }) => GRAPH_FILES[format] in files, { path: ['files'], error: 'the graph is missing' })
  .refine(({ format, convertedFrom }) => format === 'onnx' || convertedFrom === undefined, { path: ['convertedFrom'], error: 'gives ONNX only' });
/** @throws CopresenceError FORMAT_NEWER for a manifest of a newer program, whose other fields may mean anything. */
export function refuseNewerManifest(value: unknown, where: string): void {
  const format: unknown = typeof value === 'object' && value !== null ? (value as Record<string, unknown>).manifestFormat : undefined;
  if (typeof format === 'number' && format > MANIFEST_FORMAT) throw new CopresenceError('FORMAT_NEWER', `${where} has the format ${format}; this program knows it up to ${MANIFEST_FORMAT}`);
}

export type ModelManifest = z.infer<typeof modelManifest>;
