/** Decides when each of those who have to go is asked to. Pure: the caller sets the timers. */
import { shuffle, type Random } from '../../core/random.ts';

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
 * @param spreadMs - from the first to the last.
 */
export function planTurns<Item>(items: Iterable<Item>, spreadMs: number, random: Random): Turn<Item>[] {
  const shuffled = shuffle(random, [...items]);
  return shuffled.map((item, index) => ({ item, delayMs: ((index + random.next()) / shuffled.length) * spreadMs }));
}
