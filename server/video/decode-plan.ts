/** Which of the pictures that wait have to be decoded to see the newest: a pure function. */

/**
 * The places, in order, of what to decode; the last of them is the one to show.
 *
 * A key picture stands alone, so nothing before the last one is needed; nor is one on which no other builds, unless it
 * is the newest.
 *
 * @param waiting - in the order in which they came; not empty.
 */
export function planDecoding(waiting: readonly { readonly key: boolean; readonly discardable: boolean }[]): number[] {
  const first = Math.max(0, waiting.findLastIndex(({ key }) => key));
  const last = waiting.length - 1;
  return waiting.flatMap(({ discardable }, index) => (index < first || (discardable && index < last) ? [] : [index]));
}
