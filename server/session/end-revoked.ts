/** Ends what a revoked token has given: connections, and places in sessions. */
import type { ErrorCode } from '../../core/errors.ts';
import type { SessionDirectory } from './directory.ts';
import type { Guest } from './guest.ts';
import type { TokenClaims } from './token.ts';

export interface RevocationReach {
  readonly guests: Iterable<Guest>;
  readonly directory: SessionDirectory;
  readonly isRevoked: (claims: TokenClaims) => boolean;
  readonly end: (guest: Guest, code: ErrorCode, about: string) => void;
}

/** What was ended. */
export interface RevocationEffect {
  readonly connections: number;
  readonly participants: number;
}

/**
 * Ends every connection that came with a revoked token, and every participant who has a place by one, at once.
 *
 * Who resumed with a newer token still has the grants of the first, so either of the two being revoked ends them.
 */
export function endRevoked({ guests, directory, isRevoked, end }: RevocationReach): RevocationEffect {
  let connections = 0;
  let participants = 0;
  for (const guest of guests) {
    const claims = guest.claims;
    const { membership } = guest;
    if (claims === undefined || guest.closing) continue;
    if (!isRevoked(claims) && !(membership !== undefined && isRevoked(membership.participant.claims))) continue;
    if (membership !== undefined) {
      directory.leave(membership);
      participants++;
    }
    end(guest, 'TOKEN_REVOKED', 'hello');
    connections++;
  }
  for (const session of directory.sessions) {
    for (const participant of session.participants) {
      if (!isRevoked(participant.claims)) continue;
      directory.leave({ session, participant });
      participants++;
    }
  }
  return { connections, participants };
}
