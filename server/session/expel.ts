/** Ends participants' places at once, with the connections by which they are there. */
import type { ErrorCode } from '../../core/errors.ts';
import type { Membership, SessionDirectory } from './directory.ts';
import type { Guest } from './guest.ts';

export interface ExpelParts {
  readonly guests: Iterable<Guest>;
  readonly directory: SessionDirectory;
  readonly end: (guest: Guest, code: ErrorCode, about: string) => void;
}

/** What was ended. */
export interface Expelled {
  readonly connections: number;
  readonly participants: number;
}

/**
 * Ends the places that `mustGo` names; also of who is away, so that there is nothing to come back to. Those who are connected hear
 * `code`, the others that they have left.
 */
export function expel({ guests, directory, end }: ExpelParts, code: ErrorCode, mustGo: (membership: Membership) => boolean): Expelled {
  let connections = 0;
  for (const guest of guests) {
    if (guest.closing || guest.membership === undefined || !mustGo(guest.membership)) continue;
    end(guest, code, 'join');
    connections++;
  }
  let participants = 0;
  for (const session of directory.sessions) {
    for (const participant of session.participants) {
      if (!mustGo({ session, participant })) continue;
      directory.leave({ session, participant });
      participants++;
    }
  }
  return { connections, participants };
}
