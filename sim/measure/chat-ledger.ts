/** Follows numbered lines of chat from end to end: none may be lost, none may come twice. */

/** Puts a line's number into its text; counted by its speaker from 0. */
export function numberLine(text: string, number: number): string {
  return `${text} (${number})`;
}

/** The number of a line made by `numberLine`, else undefined. */
export function lineNumber(text: string): number | undefined {
  const match = / \((\d+)\)$/.exec(text);
  return match?.[1] === undefined ? undefined : Number(match[1]);
}

/** What became of the lines of a run. */
export interface ChatFigures {
  /** Lines said. */
  readonly said: number;
  /** Lines times those who should hear them, the speaker among them. */
  readonly expected: number;
  readonly heard: number;
  readonly lost: number;
  readonly twice: number;
  /** Heard after a later line of the same speaker. */
  readonly outOfOrder: number;
}

/** Who is in a session, who said how much, and what each has heard of whom. */
export class ChatLedger {
  readonly #said = new Map<string, number>();
  readonly #heard = new Map<string, Map<string, Set<number>>>();
  readonly #sessions = new Map<string, Set<string>>();
  #twice = 0;
  #outOfOrder = 0;

  /** A participant who hears everything that is said in the session from now on. */
  join(session: string, participant: string): void {
    const members = this.#sessions.get(session) ?? new Set();
    this.#sessions.set(session, members.add(participant));
  }

  /** The number for a participant's next line. */
  nextNumber(speaker: string): number {
    return this.#said.get(speaker) ?? 0;
  }

  /** A line was sent. */
  say(speaker: string): void {
    this.#said.set(speaker, this.nextNumber(speaker) + 1);
  }

  hear(listener: string, speaker: string, number: number): void {
    const bySpeaker = this.#heard.get(listener) ?? new Map<string, Set<number>>();
    this.#heard.set(listener, bySpeaker);
    const numbers = bySpeaker.get(speaker) ?? new Set<number>();
    bySpeaker.set(speaker, numbers);
    if (numbers.has(number)) this.#twice++;
    else if (numbers.has(number + 1)) this.#outOfOrder++;
    numbers.add(number);
  }

  /** Whether everybody has heard all. */
  get complete(): boolean {
    const { expected, heard } = this.figures();
    return heard === expected;
  }

  figures(): ChatFigures {
    let said = 0, expected = 0, heard = 0;
    for (const members of this.#sessions.values()) {
      for (const speaker of members) {
        const count = this.nextNumber(speaker);
        said += count;
        expected += count * members.size;
        for (const listener of members) heard += this.#heard.get(listener)?.get(speaker)?.size ?? 0;
      }
    }
    return { said, expected, heard, lost: expected - heard, twice: this.#twice, outOfOrder: this.#outOfOrder };
  }
}
