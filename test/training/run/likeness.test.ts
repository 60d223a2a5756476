/** The likeness of one participant's samples, against the published example. */
import { describe, expect, it } from 'vitest';
import { likenessOf } from '../../../training/run/likeness.ts';

/** Shrout and Fleiss 1979, table 2: four ratings of each of six. ICC(1,1) there is 0.17. */
const RATINGS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]];

describe('likeness', () => {
  it('is the published one', () => {
    expect(likenessOf([RATINGS.flat()], RATINGS.flatMap((row, index) => row.map(() => `p${index}`)))).toBeCloseTo(0.1657, 4);
  });

  it('is 1 where only people differ, 0 where they do not, and unknown where it cannot be known', () => {
    expect(likenessOf([[1, 1, 5, 5]], ['a', 'a', 'b', 'b'])).toBe(1);
    expect(likenessOf([[1, 5, 1, 5]], ['a', 'a', 'b', 'b'])).toBe(0);
    expect(likenessOf([[1, 2]], ['a', 'b'])).toBeUndefined();
    expect(likenessOf([[1, 2]], ['a', 'a'])).toBeUndefined();
    expect(likenessOf([[3, 3, 3, 3]], ['a', 'a', 'b', 'b'])).toBeUndefined();
  });
});
