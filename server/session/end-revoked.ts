/** Ends what a revoked token has given: connections, and places in sessions. */
import { expel, type Expelled, type ExpelParts } from './expel.ts';
import type { TokenClaims } from './token.ts';

/**
 * Ends every connection that came with a revoked token, and every participant who has a place by one, at once.
 *
 * Who resumed with a newer token still has the grants of the first, so either of the two being revoked ends them.
 */
export function endRevoked(parts: ExpelParts, isRevoked: (claims: TokenClaims) => boolean): Expelled {
  const byToken = new Set([...parts.guests].filter(({ claims, closing }) => !closing && claims !== undefined && isRevoked(claims)));
  const participants = new Set([...byToken].flatMap(({ membership }) => membership?.participant ?? []));
  for (const guest of byToken) parts.end(guest, 'TOKEN_REVOKED', 'hello');
  const places = expel(parts, 'TOKEN_REVOKED', ({ participant }) => participants.has(participant) || isRevoked(participant.claims));
  return { ...places, connections: places.connections + byToken.size };
}
