/** The mean of weights over a part of training (Izmailov et al., 2018), which lies where a single step seldom comes to rest. */

export class MeanWeights {
  readonly #weights: readonly Float32Array[];
  readonly #means: readonly Float32Array[];
  #count = 0;

  /** @param weights - those that training moves; read by `add`, overwritten by `apply`; still owned by the caller. */
  constructor(weights: readonly Float32Array[]) {
    this.#weights = weights;
    this.#means = weights.map(({ length }) => new Float32Array(length));
  }

  /** Counts the weights as they are now. */
  add(): void {
    const share = 1 / ++this.#count;
    this.#weights.forEach((weights, layer) => {
      const means = this.#means[layer]!;
      for (let at = 0; at < weights.length; at++) means[at]! += (weights[at]! - means[at]!) * share;
    });
  }

  /** Sets the weights to their mean; leaves them where none were counted. */
  apply(): void {
    if (this.#count > 0) this.#weights.forEach((weights, layer) => weights.set(this.#means[layer]!));
  }
}
