/** A virtual device's clock: another clock's, shifted, as no two devices count from the same moment. */
import type { Clock } from '../../core/clock.ts';

/** @param offsetMs - added to the monotonic reading of `base`. */
export function shiftClock(base: Clock, offsetMs: number): Clock {
  return {
    nowMs: () => base.nowMs() + offsetMs,
    wallMs: () => base.wallMs(),
    schedule: (delayMs, run) => base.schedule(delayMs, run),
    defer: (run) => base.defer(run),
  };
}
