/** What is remembered of each participant's pictures, for a bounded number of participants. */

/** @bound `capacity` streams; above it, what was not touched for longest is forgotten. */
export class StreamMemory<Value> {
  readonly #values = new Map<string, { value: Value; order: number }>();
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#values.size;
  }

  get(stream: string): Value | undefined {
    return this.#values.get(stream)?.value;
  }

  /**
   * Remembers what a picture taught, unless a later picture has taught something already.
   *
   * @param order - grows from picture to picture. @returns whether it was remembered.
   */
  set(stream: string, value: Value, order: number): boolean {
    const before = this.#values.get(stream);
    if (before !== undefined && before.order > order) return false;
    this.#values.delete(stream);
    this.#values.set(stream, { value, order });
    const oldest = this.#values.keys().next().value;
    if (this.#values.size > this.#capacity && oldest !== undefined) this.#values.delete(oldest);
    return true;
  }

  /** The order of the last picture that taught something; -Infinity when none did. */
  lastOrder(stream: string): number {
    return this.#values.get(stream)?.order ?? -Infinity;
  }

  delete(stream: string): void {
    this.#values.delete(stream);
  }
}
