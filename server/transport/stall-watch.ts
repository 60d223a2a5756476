/** Tells a slow reader from a stuck one: bytes wait, and none have left for too long. */
import { LIMITS } from '../../protocol/limits.ts';

/** Where a link stood when it last made progress. */
export interface StallState {
  readonly bufferedBytes: number;
  readonly sinceMs: number;
}

export const FLOWING: StallState = { bufferedBytes: 0, sinceMs: 0 };

/** Compares a link's buffer with what it was: an empty or shrinking one is progress. */
export function watchStall(before: StallState, bufferedBytes: number, nowMs: number): StallState {
  const progress = bufferedBytes === 0 || before.bufferedBytes === 0 || bufferedBytes < before.bufferedBytes;
  return progress ? { bufferedBytes, sinceMs: nowMs } : before;
}

/** Whether the reader is to be given up. */
export function isStalled(state: StallState, nowMs: number): boolean {
  return state.bufferedBytes > 0 && nowMs - state.sinceMs >= LIMITS.slowConsumerMs;
}
