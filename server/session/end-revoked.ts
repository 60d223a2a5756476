/** Ends what a revoked token has given: connections, and places in sessions. */
import type { ErrorCode } from '../../core/errors.ts';
import type { SessionDirectory } from './directory.ts';
import type { Guest } from './guest.ts';
import type { TokenClaims } from './token.ts';

export interface RevocationReach {
  readonly guests: Iterable<Guest>;
  readonly directory: SessionDirectory;
  readonly end: (guest: Guest, code: ErrorCode, about: string) => void;
}

/** What was ended. */
export interface RevocationEffect {
  readonly connections: number;
  readonly participants: number;
}

/**
 * Ends every connection that came with a revoked token, and every participant who has a place by one, at once: also of who is
 * away, so that there is nothing to come back to.
 *
 * Who resumed with a newer token still has the grants of the first, so either of the two being revoked ends them.
 */
export function endRevoked({ guests, directory, end }: RevocationReach, isRevoked: (claims: TokenClaims) => boolean): RevocationEffect {
  const ended = [...guests].filter(({ closing, claims, membership }) => !closing && [claims, membership?.participant.claims].some((given) => given !== undefined && isRevoked(given)));
  const byToken = new Set(ended.flatMap(({ membership }) => membership?.participant ?? []));
  for (const guest of ended) end(guest, 'TOKEN_REVOKED', 'hello');
  let participants = 0;
  for (const session of directory.sessions) {
    for (const participant of session.participants) {
      if (!byToken.has(participant) && !isRevoked(participant.claims)) continue;
      directory.leave({ session, participant });
      participants++;
    }
  }
  return { connections: ended.length, participants };
}
