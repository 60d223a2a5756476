/** Decides what a client does when its connection is gone. Pure: the caller sets the timer. */
import type { Random } from '../core/random.ts';
import type { LinkEnd } from './link.ts';

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 8000;

export interface LostConnection {
  readonly end: LinkEnd;
  /** Attempts since the last time that the client was live. */
  readonly attempt: number;
  readonly nowMs: number;
  /** Until when the server keeps the participant's place; undefined without a resume token. */
  readonly resumeUntilMs: number | undefined;
  /** Whether a new participation may follow one that cannot be resumed. */
  readonly joinAnew: boolean;
}

export type ReconnectPlan =
  | { readonly kind: 'resume'; readonly delayMs: number }
  | { readonly kind: 'join'; readonly delayMs: number }
  | { readonly kind: 'end' };

/**
 * Plans the next attempt.
 *
 * A server that restarts loses thousands of clients in one moment; were each to come back at once, or all after the same
 * wait, it would go down again. So waits double and half of each is chance; the first attempt alone is soon, since a lost
 * WLAN packet is the common case. A resume is planned only if it starts before the place is given away. New joins go on
 * for as long as the advice allows, at most one each LONGEST_WAIT_MS: whoever uses the client ends that with `close`.
 */
export function planReconnect(lost: LostConnection, random: Random): ReconnectPlan {
  if (lost.end.retry === 'never') return { kind: 'end' };
  const delayMs = Math.max(lost.end.retryAfterMs, backoffMs(lost.attempt, random));
  const resumable = lost.end.code !== 'RESUME_REFUSED' && lost.resumeUntilMs !== undefined;
  if (resumable && lost.nowMs + delayMs < lost.resumeUntilMs) return { kind: 'resume', delayMs };
  return lost.joinAnew ? { kind: 'join', delayMs } : { kind: 'end' };
}

/** Half of a doubling wait, plus chance up to its whole. @returns 125..250 ms for attempt 0, up to 8 s. */
export function backoffMs(attempt: number, random: Random): number {
  const wholeMs = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt);
  return wholeMs / 2 + random.next() * (wholeMs / 2);
}
