/** Adam for the dense layers, and sparse Adagrad for the embedding table. */

/** Adam (Kingma and Ba, 2015) over one array of weights. */
export class Adam {
  readonly #weights: Float32Array;
  readonly #means: Float32Array;
  readonly #squares: Float32Array;
  #step = 0;

  /** @param weights - overwritten by `apply`; still owned by the caller. */
  constructor(weights: Float32Array) {
    this.#weights = weights;
    this.#means = new Float32Array(weights.length);
    this.#squares = new Float32Array(weights.length);
  }

  /** Takes one step down `gradients`, times `scale`, and sets them to zero. @param weightDecay - share lost per unit of rate. */
  apply(gradients: Float32Array, options: { rate: number; scale: number; weightDecay: number }): void {
    this.#step++;
    const meanCorrection = 1 - 0.9 ** this.#step;
    const rate = (options.rate * Math.sqrt(1 - 0.999 ** this.#step)) / meanCorrection;
    const kept = 1 - options.rate * options.weightDecay;
    const weights = this.#weights;
    const means = this.#means;
    const squares = this.#squares;
    for (let at = 0; at < weights.length; at++) {
      const gradient = gradients[at]! * options.scale;
      means[at] = 0.9 * means[at]! + 0.1 * gradient;
      squares[at] = 0.999 * squares[at]! + 0.001 * gradient * gradient;
      weights[at] = weights[at]! * kept - (rate * means[at]!) / (Math.sqrt(squares[at]!) + 1e-8);
      gradients[at] = 0;
    }
  }
}

/**
 * Adagrad (Duchi et al., 2011) that touches only the rows of one sample's features, with one sum of squares a row: all columns of a row
 * meet as often, so a sum for each costs a table of memory and most of the time, and tells little more.
 */
export class SparseAdagrad {
  readonly #table: Float32Array;
  readonly #dim: number;
  readonly #first: number;
  /** By row, the sum of the mean squares of its gradients. */
  readonly #squares: Float32Array;

  /**
   * @param table - [rows, dim]; overwritten by `apply`; still owned by the caller.
   * @param first - the first of the columns that are moved, as many as gradients have.
   */
  constructor(table: Float32Array, dim: number, first = 0) {
    this.#table = table;
    this.#dim = dim;
    this.#first = first;
    // Starts above zero: the first step of a rare feature would otherwise have full length.
    this.#squares = new Float32Array(table.length / dim).fill(1e-4);
  }

  /** Moves each row of `ids` down the same gradient, times `scale`. @param gradient - [columns, at most dim]. Read only. */
  apply(ids: Int32Array, gradient: Float32Array, options: { rate: number; scale: number }): void {
    const width = gradient.length;
    const table = this.#table;
    let square = 0;
    for (let column = 0; column < width; column++) square += gradient[column]! * gradient[column]!;
    square *= (options.scale * options.scale) / width;
    for (let index = 0; index < ids.length; index++) {
      const id = ids[index]!;
      const sum = this.#squares[id]! + square;
      this.#squares[id] = sum;
      const rate = (options.rate * options.scale) / Math.sqrt(sum);
      const row = id * this.#dim + this.#first;
      for (let column = 0; column < width; column++) table[row + column]! -= rate * gradient[column]!;
    }
  }
}
