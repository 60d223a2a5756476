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

/**
 * Of its period, by how much a capture may come early or late: frames may be a little uneven, but not in bursts. At 30 a
 * second 2 ms; the whole way, half a period, takes nine frames.
 */
export const MAX_SLEW_SHARE = 0.06;

/**
 * When to capture next, device clock; undefined while the stream is refused, until another `pace` comes.
 *
 * Follows the rate at once and the moment slowly: each capture comes at most `MAX_SLEW_SHARE` of its period earlier
 * or later than that says, until it is on the grid of `pace.captureMs`.
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
  const slewMs = MAX_SLEW_SHARE * periodMs;
  return dueMs + Math.min(Math.max(shiftMs, -slewMs), slewMs);
}
