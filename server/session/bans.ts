/** Who stays out of a session. */

/** @bound `most` subjects; one more puts the oldest out, so that a moderator's newest decision always holds. */
export class Bans {
  readonly #most: number;
  readonly #subjects = new Set<string>();

  constructor(most: number) {
    this.#most = most;
  }

  /** The oldest first. */
  get subjects(): readonly string[] {
    return [...this.#subjects];
  }

  has(subject: string): boolean {
    return this.#subjects.has(subject);
  }

  /** Of a subject that is there already the ban counts as new. */
  add(subject: string): void {
    this.#subjects.delete(subject);
    this.#subjects.add(subject);
    const oldest = this.#subjects.values().next();
    if (this.#subjects.size > this.#most && oldest.done === false) this.#subjects.delete(oldest.value);
  }
}
