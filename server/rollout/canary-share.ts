/** Which sessions a new version answers for. */
import { createHash } from 'node:crypto';

/**
 * Whether a session is among the first `percent` of all: everybody in it is, each time it is asked, and it stays so when the
 * share grows. Another rollout draws anew, so that it is not always the same people who try things first.
 *
 * @param salt - of the rollout.
 */
export function isCanarySession(sessionId: string, salt: string, percent: number): boolean {
  if (percent <= 0) return false;
  const draw = createHash('sha256').update(`${salt}\n${sessionId}`).digest().readUInt32BE(0) / 2 ** 32;
  return draw * 100 < percent;
}
