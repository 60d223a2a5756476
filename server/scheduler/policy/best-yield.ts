/** The default: the batch that serves most for its time, and idle devices held the longer the fewer they are. */
import type { LatencyTable } from '../../flow.ts';
import {
  planAtOnce,
  planDrop,
  planHold,
  planWithoutChoice,
  type BatchPlan,
  type BatchPolicy,
  type DevicesView,
  type QueueView,
} from './policy.ts';

/** With more than so many full batches waiting, not everybody can be served, whatever the batches. */
const OVERLOAD_BATCHES = 2;
/** Nor where a larger share than this was given up of late, averaged over some ten batches. */
const OVERLOAD_SHARE = 0.05;
const LEARNING_RATE = 0.1;
/** What giving a request up counts, in requests served: enough that nobody is given up for a little more speed. */
const GIVEN_UP_WEIGHT = 0.1;
/** Up to this share of busy devices nothing is held; from there to the last device the batch asked for grows to b*. */
const FREE_SHARE = 0.5;

/**
 * Three rules, each where the other policies lose.
 *
 * What leaves: all that waits, if that is in time. Otherwise the batch with most requests for each millisecond, its
 * requests in time, and whoever would be late in it given up. Window drop always gives up for a batch of b*, though a
 * smaller one in time is often as good; and its cap leaves requests behind that one larger batch would serve now.
 *
 * Overload: window drop at b*. Some are given up anyway then, so that sparing the head only makes batches small, and
 * batches above b* serve more but make the results older. And batches that adapt their time to what waits fall into step
 * with streams of a fixed rate, so that the same ones would be given up each time.
 *
 * Holding: an idle device takes only a batch as large as the others are busy, from anything at half of them to b* for
 * the last. An all-or-nothing reserve alternates between full batches and tiny ones, and the results of the tiny ones
 * overtake those of the full ones.
 *
 * @bound the deadlines that are looked at are those given up, and at most as many more as two batches hold.
 */
export const bestYield: BatchPolicy = {
  initial: { cap: 0, givenUpShare: 0 },
  plan(queue, nowMs, devices, table, { givenUpShare }) {
    const forced = planWithoutChoice(queue, nowMs, devices);
    if (forced !== undefined) return forced;
    const isOverload = givenUpShare > OVERLOAD_SHARE || queue.length > OVERLOAD_BATCHES * devices.cap;
    const cap = isOverload ? devices.cap : devices.largest;
    const size = Math.min(queue.length, cap);
    const drop = planDrop(queue, nowMs, devices, table.latencyMs(size));
    if (drop !== undefined) return isOverload || !devices.isFastest ? drop : planBestBatch(queue, nowMs, cap, table);
    return size < wantedSize(devices) ? planHold(queue, nowMs, devices, table) : planAtOnce(queue, cap);
  },
  learn(state, { size, givenUp }) {
    const share = givenUp / (givenUp + size);
    return share === state.givenUpShare ? state : { ...state, givenUpShare: state.givenUpShare + LEARNING_RATE * (share - state.givenUpShare) };
  },
};

/** What a batch must have to leave at once. */
function wantedSize({ count, idleCount, cap }: DevicesView): number {
  const busyShare = (count - idleCount + 1) / count;
  return count === 1 ? 0 : cap * Math.max(0, (busyShare - FREE_SHARE) / (1 - FREE_SHARE));
}

/** Of all ways to give up the first few and to send as many of the others as are then in time, the one that serves most for its time. */
function planBestBatch(queue: QueueView, nowMs: number, cap: number, table: LatencyTable): BatchPlan {
  let inTime = 0;
  let givenUp = 0;
  let best = { size: 0, givenUp: queue.length, rate: -Infinity };
  for (const deadlineMs of queue.deadlinesMs()) {
    while (inTime < cap && nowMs + table.latencyMs(inTime + 1) <= deadlineMs) inTime++;
    const size = Math.min(inTime, queue.length - givenUp);
    const rate = size === 0 ? -Infinity : (size - GIVEN_UP_WEIGHT * givenUp) / table.latencyMs(size);
    if (rate > best.rate) best = { size, givenUp, rate };
    // From here on the batch can only become smaller.
    if (size === queue.length - givenUp || inTime === cap) break;
    givenUp++;
  }
  if (best.givenUp > 0) return { kind: 'expire', count: best.givenUp };
  return { kind: 'dispatch', size: best.size, cap, release: best.size === cap ? 'full' : 'deadline' };
}
