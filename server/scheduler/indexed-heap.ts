/** A binary heap whose items know their place in it, so that any item can leave from the middle. */

/**
 * A heap whose items keep their place in it in a field of their own, -1 outside: one field for each heap that an item can be in.
 *
 * @bound push, remove and reorder take O(log n) and do not allocate beyond the array's growth.
 */
export class IndexedHeap<Field extends string, T extends Record<Field, number>> {
  readonly #items: T[] = [];
  readonly #field: Field;
  readonly #isBefore: (one: T, other: T) => boolean;

  /** @param isBefore - a strict total order; its inputs may change only together with a call to `reorder`. */
  constructor(field: Field, isBefore: (one: T, other: T) => boolean) {
    this.#field = field;
    this.#isBefore = isBefore;
  }

  get length(): number {
    return this.#items.length;
  }

  /** In no order. */
  get items(): readonly T[] {
    return this.#items;
  }

  /** The first item, left in place. */
  first(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    this.#items.push(item);
    this.#rise(item, this.#items.length - 1);
  }

  /** Takes an item out; harmless when it is not inside. */
  remove(item: T): void {
    const at = item[this.#field];
    if (at < 0) return;
    this.#mark(item, -1);
    const last = this.#items.pop() as T;
    if (last === item) return;
    this.#settle(last, at);
  }

  /** Moves an item whose order changed to its new place. */
  reorder(item: T): void {
    this.#settle(item, item[this.#field]);
  }

  /** The items in order, for as long as somebody asks. @bound O(log n) each for the first few, up to O(n); nothing may change in between. */
  *inOrder(): Generator<T> {
    const items = this.#items;
    /** Places whose parents are given; the one that comes next is last. */
    const open = items.length > 0 ? [0] : [];
    for (let place = open.pop(); place !== undefined; place = open.pop()) {
      yield items[place] as T;
      for (let child = 2 * place + 1; child <= 2 * place + 2 && child < items.length; child++) {
        let to = open.length;
        while (to > 0 && this.#isBefore(items[open[to - 1] as number] as T, items[child] as T)) to--;
        open.splice(to, 0, child);
      }
    }
  }

  #settle(item: T, at: number): void {
    const parent = this.#items[(at - 1) >> 1];
    if (at > 0 && parent !== undefined && this.#isBefore(item, parent)) this.#rise(item, at);
    else this.#sink(item, at);
  }

  #rise(item: T, from: number): void {
    let at = from;
    while (at > 0) {
      const parentAt = (at - 1) >> 1;
      const parent = this.#items[parentAt] as T;
      if (!this.#isBefore(item, parent)) break;
      this.#place(parent, at);
      at = parentAt;
    }
    this.#place(item, at);
  }

  #sink(item: T, from: number): void {
    const { length } = this.#items;
    let at = from;
    for (let childAt = 2 * at + 1; childAt < length; childAt = 2 * at + 1) {
      const right = this.#items[childAt + 1];
      if (right !== undefined && this.#isBefore(right, this.#items[childAt] as T)) childAt++;
      const child = this.#items[childAt] as T;
      if (!this.#isBefore(child, item)) break;
      this.#place(child, at);
      at = childAt;
    }
    this.#place(item, at);
  }

  #place(item: T, at: number): void {
    this.#items[at] = item;
    this.#mark(item, at);
  }

  #mark(item: Record<Field, number>, at: number): void {
    item[this.#field] = at;
  }
}
