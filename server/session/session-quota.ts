/** How many sessions one subject may have made that are still there: else one token could take the places of all. */
import { CopresenceError } from '../../core/errors.ts';

/** @bound an entry for each session. */
export class SessionQuota {
  readonly #most: number;
  readonly #makers = new Map<string, string>();
  readonly #made = new Map<string, number>();

  constructor(most: number) {
    this.#most = most;
  }

  /** @throws CopresenceError SERVER_FULL when a subject may make no further session now. */
  check(subject: string): void {
    const made = this.#made.get(subject) ?? 0;
    if (made >= this.#most) throw new CopresenceError('SERVER_FULL', `${made} sessions of this subject's`);
  }

  /** A subject has made a session. */
  take(subject: string, sessionId: string): void {
    this.#makers.set(sessionId, subject);
    this.#made.set(subject, (this.#made.get(subject) ?? 0) + 1);
  }

  /** A session has ended. Harmless where nobody made it here. */
  release(sessionId: string): void {
    const subject = this.#makers.get(sessionId);
    if (subject === undefined) return;
    this.#makers.delete(sessionId);
    const left = (this.#made.get(subject) ?? 0) - 1;
    if (left > 0) this.#made.set(subject, left);
    else this.#made.delete(subject);
  }
}
