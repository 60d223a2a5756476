/** Moves sessions to another server, one at a time as they are asked for. */
import type { Clock } from '../../core/clock.ts';
import { CopresenceError } from '../../core/errors.ts';
import type { SessionDirectory } from '../session/directory.ts';
import type { Session } from '../session/session.ts';
import { exportSession } from './export-session.ts';
import { giveSession, type OtherServer } from './other-server.ts';

export interface GiverParts {
  readonly clock: Clock;
  readonly directory: SessionDirectory;
  /** A session stays here, and ends here. @param code - why. */
  readonly onKept: (session: string, code: string) => void;
}

/** Gives a session away. @returns where its clients reach it from now on, undefined when it was not taken. Never rejects. */
export function createGiver({ clock, directory, onKept }: GiverParts, other: OtherServer): (session: Session) => Promise<string | undefined> {
  return async (session) => {
    try {
      const { participants, url = other.url } = await giveSession(clock, other, exportSession(session, directory, clock.nowMs()));
      if (participants > 0) return url;
      onKept(session.id, 'TOKEN_REVOKED');
    } catch (error) {
      onKept(session.id, error instanceof CopresenceError ? error.code : 'INTERNAL');
    }
    return undefined;
  };
}
