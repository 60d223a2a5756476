/** What training saw, in bins: a file beside a model by which a server notices that it is asked something else. */
import { join } from 'node:path';
import { z } from 'zod';
import { CopresenceError } from '../core/errors.ts';
import { readVerified } from './digest.ts';
import type { ModelManifest } from './manifest.ts';

export const REFERENCE_FILE = 'reference.json';
/** Columns that a reference may describe; a model with more is watched by its outputs alone. */
export const MAX_REFERENCE_COLUMNS = 512;
const MAX_BINS = 64;
const MAX_LABELS = 1000;

const share = z.number().min(0).max(1);
/** How alike the samples of one participant are, 0..1; left out where it could not be measured. */
const likeness = share.optional();
const column = z
  .strictObject({
    name: z.string().min(1).max(64),
    /** As features/bins.ts has them. */
    edges: z.array(z.number()).max(MAX_BINS - 1).refine((edges) => edges.every((edge, at) => edge > (edges[at - 1] ?? -Infinity)), 'do not rise'),
    shares: z.array(share).min(1).max(MAX_BINS),
    likeness,
  })
  .refine(({ edges, shares }) => shares.length === edges.length + 1, { path: ['shares'], error: 'are not one more than the edges' });

const seen = { samples: z.int().positive(), participants: z.int().positive() };

/** Shares and bins only: nobody's sample can be told from it, since an edge keeps three digits. */
export const modelReference = z.strictObject({
  format: z.literal('copresence.reference.v1'),
  /** What the model reads, in the order of its features; of the training part. */
  inputs: z.strictObject({ ...seen, columns: z.array(column).min(1).max(MAX_REFERENCE_COLUMNS) }).optional(),
  /** What the model says of rows that it has not learnt; of the test part. */
  outputs: z.strictObject({
    ...seen,
    /** Of the label's score, in the bins of CONFIDENCE_EDGES in features/bins.ts. */
    confidence: z.array(share).min(1).max(MAX_BINS),
    /** Left out where the test part was put together by hand, so that its mix of labels is nobody's. */
    labels: z.record(z.string().min(1).max(64), share).refine((labels) => Object.keys(labels).length <= MAX_LABELS, 'are too many').optional(),
    confidenceLikeness: likeness,
    labelLikeness: likeness,
  }).optional(),
});
export type ModelReference = z.infer<typeof modelReference>;

/**
 * The reference of a version.
 *
 * @returns undefined for a version that has none.
 * @throws CopresenceError MODEL_TAMPERED when the file differs from its digest, MODEL_INVALID when it does not fit.
 */
export async function readReference({ manifest, folder }: { readonly manifest: Pick<ModelManifest, 'files'>; readonly folder: string }): Promise<ModelReference | undefined> {
  const expected = manifest.files[REFERENCE_FILE];
  if (expected === undefined) return undefined;
  const path = join(folder, REFERENCE_FILE);
  const bytes = await readVerified(path, expected);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new CopresenceError('MODEL_INVALID', `${path} is no JSON`, { cause });
  }
  const parsed = modelReference.safeParse(value);
  if (!parsed.success) throw new CopresenceError('MODEL_INVALID', `${path}: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}
