/** The last two places of somebody's head, and where they lead. */
export class HeadTrail {
  count = 0;
  readonly #places = new Float64Array(6);
  #beforeMs = 0;
  #newestMs = 0;

  /** Millimetres. */
  add(timeMs: number, x: number, y: number, z: number): void {
    this.#places.copyWithin(0, 3);
    this.#places[3] = x;
    this.#places[4] = y;
    this.#places[5] = z;
    this.#beforeMs = this.#newestMs;
    this.#newestMs = timeMs;
    this.count++;
  }

  /**
   * How far a guess for `timeMs` is from the truth, millimetres.
   *
   * @param onward - whether the head goes on as between the last two places, or stays at the last.
   */
  distance(timeMs: number, truth: Float64Array, onward: boolean): number {
    const spanMs = this.#newestMs - this.#beforeMs;
    const steps = onward && spanMs > 0 ? (timeMs - this.#newestMs) / spanMs : 0;
    let sum = 0;
    for (let axis = 0; axis < 3; axis++) {
      const newest = this.#places[3 + axis]!;
      const guess = newest + (newest - this.#places[axis]!) * steps;
      sum += (guess - truth[axis]!) ** 2;
    }
    return Math.sqrt(sum);
  }
}
