import { expect, it } from 'vitest';
import { ClockOffset } from '../../../server/session/clock-offset.ts';

it('takes the offset of the shortest round trip', () => {
  const offset = new ClockOffset(500);
  offset.update(1000, 600, 1010);
  offset.update(2000, 1510, 2100);
  expect(offset.offsetMs).toBe(405);
  expect(offset.rttMs).toBe(10);
});

it('learns nothing from an answer to a ping that lies in the future', () => {
  const offset = new ClockOffset(500);
  offset.update(1e14, -1e14, 1010);
  expect(offset.offsetMs).toBe(500);
  expect(offset.rttMs).toBe(Infinity);
});
