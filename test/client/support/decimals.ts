/** Numbers spread evenly over a range: fast-check's own doubles are mostly next to nothing, and find little there. */
import fc from 'fast-check';

/** A multiple of 1/1000 in [min, max]. */
export function decimal(range: { readonly min: number; readonly max: number }): fc.Arbitrary<number> {
  return fc.integer({ min: range.min * 1000, max: range.max * 1000 }).map((thousandths) => thousandths / 1000);
}
