/** Decides when each of those who have to go is asked to. Pure: the caller sets the timers. */
import { shuffle, type Random } from '../../core/random.ts';

/** Beyond one each 50 ms nothing is won by waiting: whoever comes next has taken the one before in by then. */
const MOST_PER_TURN_MS = 50;

/** What happens `delayMs` from now. */
export interface Turn<Item> {
  readonly item: Item;
  readonly delayMs: number;
}

/**
 * Gives everybody a turn, in random order, spread evenly over `spreadMs` with a jitter within each one's share.
 *
 * A thousand clients that are sent away in one moment come to the other server in one moment; with even gaps they would
 * come in step with whatever else beats at that rate.
 *
 * @param spreadMs - the longest time; few items take less: 50 ms each.
 */
export function planTurns<Item>(items: Iterable<Item>, spreadMs: number, random: Random): Turn<Item>[] {
  const shuffled = shuffle(random, [...items]);
  const wholeMs = Math.min(spreadMs, shuffled.length * MOST_PER_TURN_MS);
  return shuffled.map((item, index) => ({ item, delayMs: ((index + random.next()) / shuffled.length) * wholeMs }));
}
