/** Moves sessions to another server, a few at a time. */
import type { Clock } from '../../core/clock.ts';
import { CopresenceError } from '../../core/errors.ts';
import type { SessionDirectory } from '../session/directory.ts';
import type { Session } from '../session/session.ts';
import { exportSession } from './export-session.ts';
import { giveSession, type OtherServer } from './other-server.ts';

/** Below what the other server answers at once. */
const GIVEN_AT_ONCE = 8;

export interface GiverParts {
  readonly clock: Clock;
  readonly directory: SessionDirectory;
  /** A session stays here, and ends here. @param code - why. */
  readonly onKept: (session: string, code: string) => void;
}

/** @bound GIVEN_AT_ONCE requests; the other sessions wait, unread until their turn, so that what they are is as new as can be. */
export class Giver {
  readonly #parts: GiverParts;
  readonly #other: OtherServer;
  readonly #waiting: (() => void)[] = [];
  #giving = 0;
  #isLost = false;

  constructor(parts: GiverParts, other: OtherServer) {
    this.#parts = parts;
    this.#other = other;
  }

  /** Gives a session away. @returns where its clients reach it from now on, undefined when it was not taken. Never rejects. */
  async give(session: Session): Promise<string | undefined> {
    if (this.#giving >= GIVEN_AT_ONCE) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#giving++;
    try {
      return await this.#ask(session);
    } catch (error) {
      const code = error instanceof CopresenceError ? error.code : 'INTERNAL';
      // Who waits for each of many sessions in turn has no time left for the last.
      this.#isLost ||= code === 'CONNECTION_LOST';
      this.#parts.onKept(session.id, code);
      return undefined;
    } finally {
      this.#giving--;
      this.#waiting.shift()?.();
    }
  }

  async #ask(session: Session): Promise<string | undefined> {
    const { clock, directory } = this.#parts;
    if (this.#isLost) throw new CopresenceError('CONNECTION_LOST', 'the other server could not be reached before');
    if (session.size === 0) return undefined;
    const { participants, url = this.#other.url } = await giveSession(clock, this.#other, exportSession(session, directory, clock.nowMs()));
    if (participants === 0) throw new CopresenceError('TOKEN_REVOKED', 'nobody in the session may be there');
    return url;
  }
}
