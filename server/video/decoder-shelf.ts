/** The decoders of streams: so many at most, and only as long as they are used. */

/** What there is a bounded number of. */
export interface Closable {
  close(): void;
}

/** One that was used this recently is not taken away for another. */
export const IN_USE_MS = 2000;
/** One that was not used for this long is closed. */
export const IDLE_MS = 30_000;

interface Place<Item> {
  readonly item: Item;
  usedMs: number;
}

/** @bound `capacity` items; the one that has not been used for longest goes first. */
export class DecoderShelf<Item extends Closable> {
  readonly #capacity: number;
  /** From the one not used for longest to the newest. */
  readonly #places = new Map<number, Place<Item>>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#places.size;
  }

  /** A stream's item, which counts as used now. */
  get(stream: number, nowMs: number): Item | undefined {
    const place = this.#places.get(stream);
    if (place === undefined) return undefined;
    this.#places.delete(stream);
    this.#places.set(stream, { item: place.item, usedMs: nowMs });
    return place.item;
  }

  /** Puts a new one there; `full` when all others are in use. @param create - called only when there is room. */
  add(stream: number, create: () => Item, nowMs: number): Item | 'full' {
    this.remove(stream);
    const [oldest] = this.#places;
    if (this.#places.size >= this.#capacity) {
      if (oldest === undefined || nowMs - oldest[1].usedMs < IN_USE_MS) return 'full';
      this.remove(oldest[0]);
    }
    const item = create();
    this.#places.set(stream, { item, usedMs: nowMs });
    return item;
  }

  remove(stream: number): void {
    this.#places.get(stream)?.item.close();
    this.#places.delete(stream);
  }

  /** Closes those that nobody uses. */
  sweep(nowMs: number): void {
    for (const [stream, { usedMs }] of this.#places) if (nowMs - usedMs >= IDLE_MS) this.remove(stream);
  }
}
