/** A clock that all processes of a machine share, so that a time written by one means the same to another. */
import { systemClock, type Clock } from '../../core/clock.ts';

const NS_PER_MS = 1e6;

/** The machine's monotonic clock: milliseconds since it started, on Linux. */
export function machineClock(): Clock {
  const own = systemClock();
  return systemClock(Number(process.hrtime.bigint()) / NS_PER_MS - own.nowMs());
}
