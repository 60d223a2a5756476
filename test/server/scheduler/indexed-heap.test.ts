import fc from 'fast-check';
import { expect, it } from 'vitest';
import { IndexedHeap } from '../../../server/scheduler/indexed-heap.ts';

interface Item {
  key: number;
  readonly id: number;
  orderIndex: number;
}

const isBefore = (one: Item, other: Item): boolean => (one.key === other.key ? one.id < other.id : one.key < other.key);
const change = fc.record({ kind: fc.constantFrom('push', 'pop', 'remove', 'reorder'), at: fc.nat(20), key: fc.nat(9) });

it('the order is that of a sorted list, whatever is pushed, removed or reordered', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 80 }), (changes) => {
      const heap = new IndexedHeap<'orderIndex', Item>('orderIndex', isBefore);
      let items: Item[] = [];
      changes.forEach(({ kind, at, key }, id) => {
        const chosen = kind === 'pop' ? heap.first() : items[at % Math.max(1, items.length)];
        if (kind === 'push') {
          const item = { key, id, orderIndex: -1 };
          items.push(item);
          heap.push(item);
        } else if (kind === 'reorder' && chosen !== undefined) {
          chosen.key = key;
          heap.reorder(chosen);
        } else if (chosen !== undefined) {
          items = items.filter((item) => item !== chosen);
          heap.remove(chosen);
          heap.remove(chosen);
          expect(chosen.orderIndex).toBe(-1);
        }
        items.sort((one, other) => (isBefore(one, other) ? -1 : 1));
        expect(heap.length).toBe(items.length);
        expect(heap.first()).toBe(items[0]);
        expect([...heap.inOrder()]).toEqual(items);
      });
    }),
  );
});
