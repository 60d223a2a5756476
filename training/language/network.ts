/**
 * The network: embedding rows summed over the features and one hidden layer, and beside them what each feature says of each class by
 * itself, as in a linear model; five heads. Plain float32 kernels.
 */
import { randomNormal } from '../../core/random.ts';
import type { Random } from '../../core/random.ts';
import type { Head } from './heads.ts';

export interface NetworkShape {
  readonly buckets: number;
  /** Rows of what features say by themselves: one has the row of its id modulo this. */
  readonly wideRows: number;
  readonly dim: number;
  readonly hidden: number;
  /** Columns of the output layer, all heads together. */
  readonly columns: number;
}

/** Weights; row-major, overwritten by training. */
export interface Network {
  readonly shape: NetworkShape;
  /** [buckets, dim]; row 0, the padding, stays zero. */
  readonly embedding: Float32Array;
  /** [wideRows, columns]; row 0, the padding, stays zero, and so do the few ids that share it. */
  readonly wide: Float32Array;
  /** [hidden, dim] */
  readonly hiddenWeights: Float32Array;
  readonly hiddenBias: Float32Array;
  /** [columns, hidden] */
  readonly outputWeights: Float32Array;
  readonly outputBias: Float32Array;
}

export const DENSE_LAYERS = ['hiddenWeights', 'hiddenBias', 'outputWeights', 'outputBias'] as const;

/** The dense layers' gradients, added up over a batch. Same layout as the weights. */
export type DenseGradients = Pick<Network, (typeof DENSE_LAYERS)[number]>;

/** What one sample makes on its way through; reused from sample to sample. */
export interface Activations {
  readonly pooled: Float32Array;
  readonly hidden: Float32Array;
  /** [columns]; only the columns of the asked heads are written. */
  readonly logits: Float32Array;
  /** Factor on each hidden unit: 1, or 0 and 1 / (1 - rate) under dropout. */
  readonly hiddenMask: Float32Array;
  readonly logitGradients: Float32Array;
  readonly hiddenGradients: Float32Array;
  readonly pooledGradients: Float32Array;
}

/** Random weights: small embeddings, He-scaled dense layers, biases and what features say by themselves at zero. */
export function createNetwork(shape: NetworkShape, random: Random): Network {
  const { buckets, dim, hidden, columns, wideRows } = shape;
  const embedding = randomArray(buckets * dim, 0.5 / Math.sqrt(dim), random);
  embedding.fill(0, 0, dim);
  return {
    shape,
    embedding,
    wide: new Float32Array(wideRows * columns),
    hiddenWeights: randomArray(hidden * dim, Math.sqrt(2 / dim), random),
    hiddenBias: new Float32Array(hidden),
    outputWeights: randomArray(columns * hidden, Math.sqrt(1 / hidden), random),
    outputBias: new Float32Array(columns),
  };
}

export function createDenseGradients(shape: NetworkShape): DenseGradients {
  return {
    hiddenWeights: new Float32Array(shape.hidden * shape.dim),
    hiddenBias: new Float32Array(shape.hidden),
    outputWeights: new Float32Array(shape.columns * shape.hidden),
    outputBias: new Float32Array(shape.columns),
  };
}

export function createActivations(shape: NetworkShape): Activations {
  return {
    pooled: new Float32Array(shape.dim),
    hidden: new Float32Array(shape.hidden),
    logits: new Float32Array(shape.columns),
    hiddenMask: new Float32Array(shape.hidden).fill(1),
    logitGradients: new Float32Array(shape.columns),
    hiddenGradients: new Float32Array(shape.hidden),
    pooledGradients: new Float32Array(shape.dim),
  };
}

/**
 * Runs one sample through the network into `activations`.
 *
 * The rows are summed and divided by the square root of their number: a mean would fade what a long message says,
 * a sum would make it shout.
 *
 * @param ids - features, none of them 0; may be empty.
 * @param heads - which columns of `logits` to compute.
 */
export function forward(network: Network, ids: Int32Array, heads: readonly Head[], activations: Activations): void {
  const { pooled, hidden, hiddenMask, logits } = activations;
  pool(network.embedding, ids, pooled);
  multiply(network.hiddenWeights, network.hiddenBias, pooled, hidden, 0, hidden.length);
  for (let unit = 0; unit < hidden.length; unit++) hidden[unit] = Math.max(0, hidden[unit]!) * hiddenMask[unit]!;
  for (const head of heads) {
    multiply(network.outputWeights, network.outputBias, hidden, logits, head.offset, head.offset + head.classes.length);
    addWide(network, ids, head, logits);
  }
}

/** Adds what features say by themselves, over the root of their number like the embedding rows. */
function addWide({ wide, shape: { wideRows, columns } }: Network, ids: Int32Array, { offset, classes }: Head, logits: Float32Array): void {
  const scale = poolScale(ids.length);
  for (let at = 0; at < ids.length; at++) {
    const row = (ids[at]! % wideRows) * columns + offset;
    for (let column = 0; column < classes.length; column++) logits[offset + column]! += wide[row + column]! * scale;
  }
}

/**
 * Carries `logitGradients` of the given heads back: adds to `gradients`, and leaves the gradient of the pooled vector
 * in `activations.pooledGradients`. The gradient of each feature's embedding row is that, times `poolScale`; of what it says by itself it is
 * `logitGradients`, times the same.
 */
export function backward(network: Network, heads: readonly Head[], activations: Activations, gradients: DenseGradients): void {
  const { pooled, hidden, hiddenMask, logitGradients, hiddenGradients, pooledGradients } = activations;
  hiddenGradients.fill(0);
  for (const head of heads) {
    const end = head.offset + head.classes.length;
    carryBack(network.outputWeights, hidden, logitGradients, hiddenGradients, gradients.outputWeights, gradients.outputBias, head.offset, end);
  }
  for (let unit = 0; unit < hidden.length; unit++) {
    hiddenGradients[unit] = hidden[unit]! > 0 ? hiddenGradients[unit]! * hiddenMask[unit]! : 0;
  }
  pooledGradients.fill(0);
  carryBack(network.hiddenWeights, pooled, hiddenGradients, pooledGradients, gradients.hiddenWeights, gradients.hiddenBias, 0, hidden.length);
}

/** The factor on the sum of `count` embedding rows. */
export function poolScale(count: number): number {
  return 1 / Math.sqrt(Math.max(1, count));
}

/** Writes the sum of the rows `ids` of `table` [rows, width of `pooled`], times `poolScale`, into `pooled`. */
export function pool(table: Float32Array, ids: Int32Array, pooled: Float32Array): void {
  const dim = pooled.length;
  pooled.fill(0);
  for (let at = 0; at < ids.length; at++) {
    const row = ids[at]! * dim;
    for (let column = 0; column < dim; column++) pooled[column]! += table[row + column]!;
  }
  const scale = poolScale(ids.length);
  for (let column = 0; column < dim; column++) pooled[column]! *= scale;
}

/** outputs[row] = bias[row] + weights[row] · inputs, for rows from `start` up to `end`. */
export function multiply(
  weights: Float32Array, bias: Float32Array, inputs: Float32Array, outputs: Float32Array, start: number, end: number,
): void {
  const width = inputs.length;
  for (let row = start; row < end; row++) {
    let sum = bias[row]!;
    const base = row * width;
    for (let column = 0; column < width; column++) sum += weights[base + column]! * inputs[column]!;
    outputs[row] = sum;
  }
}

/** The transpose of `multiply`: adds to the gradients of inputs, weights and bias. */
export function carryBack(
  weights: Float32Array, inputs: Float32Array, outputGradients: Float32Array, inputGradients: Float32Array,
  weightGradients: Float32Array, biasGradients: Float32Array, start: number, end: number,
): void {
  const width = inputs.length;
  for (let row = start; row < end; row++) {
    const gradient = outputGradients[row]!;
    if (gradient === 0) continue;
    biasGradients[row]! += gradient;
    const base = row * width;
    for (let column = 0; column < width; column++) {
      weightGradients[base + column]! += gradient * inputs[column]!;
      inputGradients[column]! += gradient * weights[base + column]!;
    }
  }
}

export function randomArray(length: number, scale: number, random: Random): Float32Array {
  const values = new Float32Array(length);
  for (let at = 0; at < length; at++) values[at] = randomNormal(random) * scale;
  return values;
}
