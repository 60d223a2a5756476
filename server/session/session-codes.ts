/** Short codes by which people tell each other of a session. */
import { randomInt } from 'node:crypto';
import { assert } from '../../core/assert.ts';
import { CODE_ALPHABET, CODE_LENGTH } from '../../protocol/message/session.ts';

/** Of 887 million codes at most 4096 are taken, so that ten in a row is a broken generator. */
const MOST_TRIES = 10;

/** @bound one code for each session. */
export class SessionCodes {
  readonly #draw: (bound: number) => number;
  readonly #sessions = new Map<string, string>();

  /** @param draw - an integer in [0, bound) that nobody can foresee; from the machine's source of secrets when left out. */
  constructor(draw: (bound: number) => number = randomInt) {
    this.#draw = draw;
  }

  /** The session of a code. */
  find(code: string): string | undefined {
    return this.#sessions.get(code);
  }

  /** @param wanted - taken if it is free: of a session that had it elsewhere. @returns a code that no other session has. */
  issue(session: string, wanted?: string): string {
    const code = wanted !== undefined && !this.#sessions.has(wanted) ? wanted : this.#unused();
    this.#sessions.set(code, session);
    return code;
  }

  release(code: string): void {
    this.#sessions.delete(code);
  }

  #unused(): string {
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const code = Array.from({ length: CODE_LENGTH }, () => CODE_ALPHABET[this.#draw(CODE_ALPHABET.length)]).join('');
      if (!this.#sessions.has(code)) return code;
    }
    assert(false, 'the source of codes repeats itself');
  }
}
