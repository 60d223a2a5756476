/** How alike the samples of one participant are, compared with everybody's. */

/**
 * The share of the variance that lies between participants: the intraclass correlation of a one-way analysis of variance, ICC(1,1)
 * of Shrout and Fleiss (Intraclass correlations, Psychological Bulletin 86, 1979), for groups of different sizes.
 *
 * @param columns - numbers of the same samples; several are taken together, as of one number with so many parts.
 * @param participants - whose each sample is.
 * @returns 0..1; undefined when nobody has two samples, there is one participant only, or nothing varies.
 */
export function likenessOf(columns: readonly ArrayLike<number>[], participants: readonly string[]): number | undefined {
  const groups = new Map<string, number[]>();
  for (const [row, participant] of participants.entries()) {
    const rows = groups.get(participant);
    if (rows === undefined) groups.set(participant, [row]);
    else rows.push(row);
  }
  const all = participants.map((_, row) => row);
  const [samples, people] = [participants.length, groups.size];
  if (people < 2 || samples <= people) return undefined;
  let [between, within] = [0, 0];
  for (const values of columns) {
    const mean = meanOf(values, all);
    for (const rows of groups.values()) {
      const own = meanOf(values, rows);
      between += rows.length * (own - mean) ** 2;
      for (const row of rows) within += (values[row]! - own) ** 2;
    }
  }
  const [betweenMean, withinMean] = [between / (people - 1), within / (samples - people)];
  const sizes = [...groups.values()].map((rows) => rows.length);
  // The size of a group, where they differ.
  const size = (samples - sizes.reduce((sum, own) => sum + own * own, 0) / samples) / (people - 1);
  const whole = betweenMean + (size - 1) * withinMean;
  return whole === 0 ? undefined : Math.min(1, Math.max(0, (betweenMean - withinMean) / whole));
}

function meanOf(values: ArrayLike<number>, rows: readonly number[]): number {
  return rows.reduce((sum, row) => sum + values[row]!, 0) / rows.length;
}
