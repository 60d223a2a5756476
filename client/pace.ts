/** When to capture, so that frames come when the server can use them. Pure. */
import type { PaceEvent } from './events.ts';

/** What a `pace` says of when; see [PAC2] in docs/spec.md. */
export type Pace = Pick<PaceEvent, 'rateHz' | 'captureMs'>;

export interface CaptureClock {
  /** Server clock minus device clock. */
  readonly clockOffsetMs: number;
  /** How often this stream is captured when nobody asks for less. */
  readonly ownRateHz: number;
}

/** A capture moves by at most this against the one before: a camera's frames may come unevenly, but not in bursts. */
export const MAX_SLEW_MS = 2;

/**
 * When to capture next, device clock; undefined while the stream is refused, until another `pace` comes.
 *
 * Follows the rate at once and the moment slowly: each capture comes at most `MAX_SLEW_MS` earlier or later than its
 * period says, until it is on the grid of `pace.captureMs`.
 *
 * @param pace - the newest of this stream; undefined before the first.
 * @param previousMs - the capture before, device clock.
 */
export function nextCaptureMs(pace: Pace | undefined, previousMs: number, { clockOffsetMs, ownRateHz }: CaptureClock): number | undefined {
  const rateHz = Math.min(ownRateHz, pace?.rateHz ?? Infinity);
  if (rateHz <= 0) return undefined;
  const periodMs = 1000 / rateHz;
  const dueMs = previousMs + periodMs;
  if (pace?.captureMs === undefined) return dueMs;
  const awayMs = (((dueMs - (pace.captureMs - clockOffsetMs)) % periodMs) + periodMs) % periodMs;
  const shiftMs = awayMs > periodMs / 2 ? periodMs - awayMs : -awayMs;
  return dueMs + Math.min(Math.max(shiftMs, -MAX_SLEW_MS), MAX_SLEW_MS);
}
