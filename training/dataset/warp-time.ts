/** The same window at another pace. */

/**
 * Reads a window at an uneven pace, the ends in place: step t takes what was at t + warp * sin(pi t) of the way.
 *
 * @param warp - below 1 / pi in size, so that time never runs back.
 */
export function warpTime(values: readonly (number | null)[], width: number, steps: number, warp: number): (number | null)[] {
  if (steps < 2 || warp === 0) return [...values];
  const bounded = Math.max(-0.3, Math.min(0.3, warp));
  return values.map((_, at) => {
    const column = at % width;
    const share = Math.floor(at / width) / (steps - 1);
    const place = (share + bounded * Math.sin(Math.PI * share)) * (steps - 1);
    const low = Math.max(0, Math.min(steps - 2, Math.floor(place)));
    const [before, after] = [values[low * width + column] ?? null, values[(low + 1) * width + column] ?? null];
    return before === null || after === null ? (before ?? after) : before + (after - before) * Math.min(1, place - low);
  });
}
