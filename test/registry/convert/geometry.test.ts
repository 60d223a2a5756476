import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  broadcast,
  product,
  reshapedSizes,
  slidPads,
  slidSize,
  transpose,
} from '../../../registry/convert/geometry.ts';
import type { Pair, Window } from '../../../registry/convert/geometry.ts';

const small = fc.integer({ min: 1, max: 5 });

describe('sliding windows', () => {
  it('fit exactly into the padded picture', () => {
    const pair = fc.tuple(small, small);
    const windows = fc.record({ kernel: pair, stride: pair, dilation: pair, padding: fc.constant<'SAME'>('SAME') });
    fc.assert(
      fc.property(fc.tuple(fc.integer({ min: 1, max: 64 }), fc.integer({ min: 1, max: 64 })), windows, (size, window) => {
        const [top = 0, left = 0, bottom = 0, right = 0] = slidPads(size, window);
        const padded: Pair = [size[0] + top + bottom, size[1] + left + right];
        expect(slidSize(padded, { ...window, padding: 'VALID' })).toEqual(slidSize(size, window));
        expect(bottom - top === 0 || bottom - top === 1).toBe(true);
      }),
    );
  });

  it('pad an odd picture evenly and put what is left over at the end', () => {
    const window: Window = { kernel: [3, 3], stride: [2, 2], dilation: [1, 1], padding: 'SAME' };
    expect(slidPads([192, 191], window)).toEqual([0, 1, 1, 1]);
    expect(slidSize([192, 191], window)).toEqual([96, 96]);
  });
});

describe('transpose', () => {
  it('puts each element where the order says', () => {
    expect([...transpose([1, 2, 3, 4, 5, 6], [2, 3], [1, 0])]).toEqual([1, 4, 2, 5, 3, 6]);
  });

  it('is undone by the inverse order', () => {
    const orders = fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(fc.tuple(small, small, small, small), orders, (shape, order) => {
        const values = Array.from({ length: product(shape) }, (_, index) => index);
        const moved = transpose(values, shape, order);
        const inverse = order.map((_, axis) => order.indexOf(axis));
        const movedShape = order.map((axis) => shape[axis] ?? 0);
        expect([...transpose(moved, movedShape, inverse)]).toEqual(values);
      }),
    );
  });
});

describe('shapes', () => {
  it('broadcast from the right', () => {
    expect(broadcast([4, 1, 3], [2, 1])).toEqual([4, 2, 3]);
    expect(broadcast([], [2])).toEqual([2]);
    expect(broadcast([3], [2])).toBeUndefined();
  });

  it('are reshaped item by item', () => {
    expect(reshapedSizes([4, 4, 36], [1, -1, 18])).toEqual([32, 18]);
    expect(reshapedSizes([1, 1, 195], [-1, 195])).toEqual([195]);
    expect(reshapedSizes([4, 4], [4, 4])).toBeUndefined();
    expect(reshapedSizes([4, 4], [-1, 4])).toBeUndefined();
    expect(reshapedSizes([5], [1, -1, 2])).toBeUndefined();
  });
});
