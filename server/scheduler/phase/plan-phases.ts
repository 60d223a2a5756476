/** Which moment of its period each stream should arrive at, so that frames come in groups as devices become free. Pure. */
import type { LatencyTable } from '../../flow.ts';

/** One periodic stream as it comes now. */
export interface StreamPhase {
  readonly id: string;
  /** When within the period its frames arrive, 0..periodMs. */
  readonly phaseMs: number;
}

/** All streams have one period and one budget; all devices have one cost. */
export interface PhaseProblem {
  readonly streams: readonly StreamPhase[];
  readonly periodMs: number;
  /** Standard deviation of arrivals about their grid. */
  readonly jitterMs: number;
  readonly table: LatencyTable;
  /** 1 or more. */
  readonly deviceCount: number;
  /** From arrival to deadline. */
  readonly budgetMs: number;
}

export interface PhasePlan {
  readonly periodMs: number;
  /** Requests of the largest group. */
  readonly groupSize: number;
  /** A group arrives within so much before and after its slot. */
  readonly windowMs: number;
  /** How much later than its time the largest group can start and still be in time, 0 or more. */
  readonly slackMs: number;
  /** The slots' moments within the period, evenly spaced, ascending; served by the devices in turn. */
  readonly slotsMs: readonly number[];
  /** By stream, its place in `slotsMs`. */
  readonly slotOf: ReadonlyMap<string, number>;
  /** What the plan asks of the devices or of the budget, whichever is more; above 1 not everything can be in time. */
  readonly load: number;
}

/** Of arrivals with normal jitter, 1 in 80 lies outside. */
const WINDOW_JITTERS = 2.5;
/** Timers and the loop's own turn spread even a perfect group. */
const MIN_WINDOW_MS = 0.5;
/** A plan is kept until another is better by so much: each change moves every stream. */
const KEEP_MARGIN = 0.08;

/**
 * Plans groups: each takes an equal share of the streams, and they are spaced evenly over the period.
 *
 * The number of slots is that with the least load: few large groups cost the devices less, many small ones leave more
 * of the budget. Streams go to the nearest slot with room; those of `before` stay in theirs as long as the number of
 * slots stays, so that a join or a leave moves one stream or none.
 *
 * @returns undefined when there is no stream, or no group of any size can be in time.
 * @bound O(slots · sizes + streams · slots), and O(streams²) when all are placed anew.
 */
export function planPhases(problem: PhaseProblem, before?: PhasePlan): PhasePlan | undefined {
  const { streams, periodMs } = problem;
  const slotCount = chooseSlotCount(problem, before);
  if (slotCount === undefined) return undefined;
  const groupSize = Math.ceil(streams.length / slotCount);
  const isKept = before?.slotsMs.length === slotCount && before.periodMs === periodMs;
  const slotsMs = isKept ? before.slotsMs : placeSlots(streams, slotCount, periodMs);
  const slotOf = assign(streams, slotsMs, groupSize, periodMs, isKept ? before.slotOf : new Map<string, number>());
  const windowMs = windowOf(problem);
  const slackMs = Math.max(0, problem.budgetMs - problem.table.latencyMs(groupSize) - 2 * windowMs);
  return { periodMs, groupSize, windowMs, slackMs, slotsMs, slotOf, load: loadOf(problem, slotCount) };
}

/** The most streams that any number of slots serves in time: what alignment promises. */
export function alignedCapacity(problem: Omit<PhaseProblem, 'streams'>): number {
  let best = 0;
  for (let slotCount = 1; slotCount <= mostSlots(problem); slotCount++) {
    let size = 0;
    while (size < problem.table.maxBatchSize && groupLoad(problem, slotCount, size + 1) <= 1) size++;
    best = Math.max(best, size * slotCount);
  }
  return best;
}

/** The shortest way round the period from one phase to another, -period/2..period/2. */
export function phaseDifference(toMs: number, fromMs: number, periodMs: number): number {
  const apart = (((toMs - fromMs) % periodMs) + periodMs) % periodMs;
  return apart > periodMs / 2 ? apart - periodMs : apart;
}

export function windowOf({ jitterMs }: Pick<PhaseProblem, 'jitterMs'>): number {
  return Math.max(MIN_WINDOW_MS, WINDOW_JITTERS * jitterMs);
}

function chooseSlotCount(problem: PhaseProblem, before: PhasePlan | undefined): number | undefined {
  let best: { readonly slotCount: number; readonly load: number } | undefined;
  for (let slotCount = 1; slotCount <= Math.min(mostSlots(problem), problem.streams.length); slotCount++) {
    const load = loadOf(problem, slotCount);
    if (load < (best?.load ?? Infinity)) best = { slotCount, load };
  }
  const kept = before?.periodMs === problem.periodMs ? before.slotsMs.length : undefined;
  const keptLoad = kept === undefined ? Infinity : loadOf(problem, kept);
  return best !== undefined && keptLoad <= Math.max(best.load + KEEP_MARGIN, 0.9) ? kept : best?.slotCount;
}

function mostSlots({ table, periodMs, deviceCount }: Omit<PhaseProblem, 'streams'>): number {
  return Math.max(1, Math.floor((deviceCount * periodMs) / table.latencyMs(1)));
}

function loadOf(problem: PhaseProblem, slotCount: number): number {
  return groupLoad(problem, slotCount, Math.ceil(problem.streams.length / slotCount));
}

/** Groups of `size`: the devices' time and half a window of waiting by what there is; the run and the window by the budget. */
function groupLoad(problem: Omit<PhaseProblem, 'streams'>, slotCount: number, size: number): number {
  const { table, deviceCount, periodMs, budgetMs } = problem;
  if (size > table.maxBatchSize) return Infinity;
  const windowMs = windowOf(problem);
  const runMs = table.latencyMs(size);
  return Math.max((slotCount * (runMs + windowMs / 2)) / (deviceCount * periodMs), (runMs + 2 * windowMs) / budgetMs);
}

/** Evenly spaced, turned so that the streams are nearest to them on the whole. */
function placeSlots(streams: readonly StreamPhase[], slotCount: number, periodMs: number): number[] {
  const spacingMs = periodMs / slotCount;
  let [sine, cosine] = [0, 0];
  for (const { phaseMs } of streams) {
    sine += Math.sin((2 * Math.PI * phaseMs) / spacingMs);
    cosine += Math.cos((2 * Math.PI * phaseMs) / spacingMs);
  }
  const turn = Math.atan2(sine, cosine) / (2 * Math.PI);
  const firstMs = (turn < 0 ? turn + 1 : turn) * spacingMs;
  return Array.from({ length: slotCount }, (_, slot) => (firstMs + slot * spacingMs) % periodMs).sort((a, b) => a - b);
}

/** Fills each slot up to `groupSize`: first with those who have it, then with the nearest who have none. */
function assign(streams: readonly StreamPhase[], slotsMs: readonly number[], groupSize: number, periodMs: number, before: ReadonlyMap<string, number>): Map<string, number> {
  const slotOf = new Map<string, number>();
  const free = slotsMs.map(() => groupSize);
  const take = (id: string, slot: number): void => {
    slotOf.set(id, slot);
    free[slot] = (free[slot] ?? 0) - 1;
  };
  for (const { id } of streams) {
    const slot = before.get(id);
    if (slot !== undefined && (free[slot] ?? 0) > 0) take(id, slot);
  }
  const others = streams.filter(({ id }) => !slotOf.has(id)).sort((a, b) => a.phaseMs - b.phaseMs);
  if (slotOf.size === 0) for (const [slot, { id }] of fill(others, slotsMs, free, periodMs)) take(id, slot);
  else for (const { id, phaseMs } of others) take(id, nearestFree(slotsMs, free, phaseMs, periodMs));
  return slotOf;
}

function nearestFree(slotsMs: readonly number[], free: readonly number[], phaseMs: number, periodMs: number): number {
  const awayMs = (slot: number): number => ((free[slot] ?? 0) > 0 ? Math.abs(phaseDifference(slotsMs[slot] ?? 0, phaseMs, periodMs)) : Infinity);
  return slotsMs.reduce((best, _, slot) => (awayMs(slot) < awayMs(best) ? slot : best), 0);
}

/**
 * Gives streams in order of phase to free places in order of phase, turned round to where the sum of the moves is least:
 * on a circle no other assignment moves them less (crossing pairs can always be uncrossed).
 */
function fill(streams: readonly StreamPhase[], slotsMs: readonly number[], free: readonly number[], periodMs: number): [number, StreamPhase][] {
  const places = spreadPlaces(slotsMs.flatMap((_, slot) => Array.from({ length: Math.max(0, free[slot] ?? 0) }, () => slot)), streams.length);
  let best: { readonly costMs: number; readonly turn: number } = { costMs: Infinity, turn: 0 };
  for (let turn = 0; turn < streams.length; turn++) {
    let costMs = 0;
    for (let at = 0; at < streams.length && costMs < best.costMs; at++) {
      const slotMs = slotsMs[places[(at + turn) % streams.length] ?? 0] ?? 0;
      costMs += Math.abs(phaseDifference(slotMs, streams[at]?.phaseMs ?? 0, periodMs));
    }
    if (costMs < best.costMs) best = { costMs, turn };
  }
  return streams.map((stream, at) => [places[(at + best.turn) % streams.length] ?? 0, stream]);
}

/** As many of the places as there are streams, spread over all of them, so that no slot is left emptier than it must be. */
function spreadPlaces(places: readonly number[], count: number): number[] {
  return Array.from({ length: count }, (_, at) => places[Math.floor((at * places.length) / count)] ?? 0);
}
