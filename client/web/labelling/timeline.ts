/** The labels of one recording on a line of time: what is where, what a drag selects, what a click hits. Pure; the page draws it. */

/** What a hand does from one moment to another, as in a label file; milliseconds since the recording's first item. */
export interface Interval {
  readonly participant: string;
  readonly hand: 'left' | 'right';
  readonly fromMs: number;
  readonly toMs: number;
  readonly label: string;
}

/** The stretch of time that is shown. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Shorter ones are slips of the mouse. */
export const SHORTEST_MS = 50;
const CLOSEST_SPAN_MS = 500;

export function xOf(timeMs: number, { fromMs, toMs }: Span, width: number): number {
  return ((timeMs - fromMs) / (toMs - fromMs)) * width;
}

/** @returns the moment at a place, within the recording. */
export function timeAt(x: number, { fromMs, toMs }: Span, width: number, durationMs: number): number {
  return Math.max(0, Math.min(durationMs, fromMs + (x / width) * (toMs - fromMs)));
}

/** Zooms around a moment, which stays where it is. @param factor - below 1 shows less. */
export function zoomed(span: Span, aroundMs: number, factor: number, durationMs: number): Span {
  const length = Math.min(durationMs, Math.max(Math.min(CLOSEST_SPAN_MS, durationMs), (span.toMs - span.fromMs) * factor));
  const share = (aroundMs - span.fromMs) / (span.toMs - span.fromMs);
  const fromMs = Math.max(0, Math.min(durationMs - length, aroundMs - share * length));
  return { fromMs, toMs: fromMs + length };
}

/** What a drag from one moment to another selects, in whole milliseconds; undefined for a slip. */
export function selectionOf(a: number, b: number): Span | undefined {
  const [fromMs, toMs] = [Math.round(Math.min(a, b)), Math.round(Math.max(a, b))];
  return toMs - fromMs < SHORTEST_MS ? undefined : { fromMs, toMs };
}

/** The shortest interval at a moment: one within another can be hit. */
export function intervalAt(intervals: readonly Interval[], timeMs: number): Interval | undefined {
  const hit = intervals.filter(({ fromMs, toMs }) => timeMs >= fromMs && timeMs <= toMs);
  return hit.sort((a, b) => a.toMs - a.fromMs - (b.toMs - b.fromMs))[0];
}

/** Intervals in rows, so that those that overlap do not hide each other: the row of each. */
export function rowsOf(intervals: readonly Interval[]): Map<Interval, number> {
  const rows = new Map<Interval, number>();
  const ends: number[] = [];
  for (const interval of [...intervals].sort((a, b) => a.fromMs - b.fromMs)) {
    const free = ends.findIndex((endMs) => endMs <= interval.fromMs);
    const row = free < 0 ? ends.length : free;
    ends[row] = interval.toMs;
    rows.set(interval, row);
  }
  return rows;
}

/** The index of the last frame at or before a moment; -1 before the first. @param timesMs - ascending. */
export function frameAt(timesMs: Float64Array, timeMs: number): number {
  let [low, high] = [-1, timesMs.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((timesMs[middle] ?? Infinity) <= timeMs) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Stretches with frames no further apart than this; what lies between was not tracked. */
export function trackedSpans(timesMs: Float64Array, gapMs = 200): Span[] {
  const spans: { fromMs: number; toMs: number }[] = [];
  for (const timeMs of timesMs) {
    const last = spans.at(-1);
    if (last !== undefined && timeMs - last.toMs <= gapMs) last.toMs = timeMs;
    else spans.push({ fromMs: timeMs, toMs: timeMs });
  }
  return spans;
}
