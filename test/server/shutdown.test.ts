import { expect, it } from 'vitest';
import { ManualClock } from '../../core/clock.ts';
import { Shutdown } from '../../server/shutdown.ts';

function begin(): { clock: ManualClock; shutdown: Shutdown; exits: number[]; closes: () => number; closed: () => void } {
  const clock = new ManualClock();
  const exits: number[] = [];
  let closes = 0;
  let closed = (): void => undefined;
  const shutdown = new Shutdown({
    clock, limitMs: 25_000, exit: (code) => exits.push(code), fail: () => exits.push(-1),
    close: () => {
      closes++;
      return new Promise((resolve) => (closed = resolve));
    },
  });
  return { clock, shutdown, exits, closes: () => closes, closed: () => closed() };
}

it('[DRN5] the first signal closes and exits with 0', async () => {
  const { clock, shutdown, exits, closes, closed } = begin();
  shutdown.signal();
  expect([closes(), exits]).toEqual([1, []]);
  closed();
  await clock.advanceAsync(0);
  expect(exits).toEqual([0]);
});

it('[DRN5] a second signal exits at once with 1', () => {
  const { shutdown, exits } = begin();
  shutdown.signal();
  shutdown.signal();
  expect(exits).toEqual([1]);
});

it('[DRN5] what hangs is given up at the limit, with 1', () => {
  const { clock, shutdown, exits } = begin();
  shutdown.signal();
  clock.advance(24_999);
  expect(exits).toEqual([]);
  clock.advance(1);
  expect(exits).toEqual([1]);
});

it('[DRN5] a signal that follows an admin\'s word is the first one', () => {
  const { shutdown, exits, closes } = begin();
  shutdown.begin();
  shutdown.begin();
  shutdown.signal();
  expect([closes(), exits]).toEqual([1, []]);
  shutdown.signal();
  expect(exits).toEqual([1]);
});
