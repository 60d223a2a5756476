/** Follows each numbered line of chat to everybody who must hear it, in a run in which people come, go and lose their links. */

/** What became of the lines. */
export interface ReliableFigures {
  /** Lines sent. */
  readonly said: number;
  /** Lines times those who had to hear them, the speaker among them. */
  readonly expected: number;
  readonly heard: number;
  /** Nobody has to hear what was said before they came, or while their link or the speaker's was gone. */
  readonly excused: number;
  readonly lost: number;
  readonly twice: number;
  readonly outOfOrder: number;
}

interface Line {
  readonly speaker: number;
  readonly number: number;
  readonly saidMs: number;
  /** Who has not heard it yet. */
  readonly missing: Set<number>;
}

/** A line that is not everywhere by then is lost. */
const GRACE_MS = 10_000;

/**
 * The ledger of one session.
 *
 * @bound the lines of the last ten seconds, each with those who miss it; and a number for each pair of members.
 */
export class ReliableLedger {
  readonly #members = new Set<number>();
  readonly #lines: Line[] = [];
  readonly #bySpeaker = new Map<number, Map<number, Line>>();
  readonly #said = new Map<number, number>();
  /** For each listener, the newest number of each speaker. */
  readonly #newest = new Map<number, Map<number, number>>();
  #counts = { said: 0, expected: 0, heard: 0, excused: 0, lost: 0, twice: 0, outOfOrder: 0 };

  /** Hears everything from now on. */
  enter(member: number): void {
    this.#members.add(member);
  }

  /** Its link is gone, or it left: it need not have heard what was on its way, nor anybody what it had just said. */
  exit(member: number): void {
    if (!this.#members.delete(member)) return;
    for (const line of this.#lines) {
      if (line.missing.delete(member)) this.#counts.excused++;
      if (line.speaker !== member) continue;
      this.#counts.excused += line.missing.size;
      line.missing.clear();
    }
    this.#newest.delete(member);
  }

  /** The number of a speaker's next line. */
  nextNumber(speaker: number): number {
    return this.#said.get(speaker) ?? 0;
  }

  say(speaker: number, nowMs: number): void {
    const number = this.nextNumber(speaker);
    this.#said.set(speaker, number + 1);
    const line: Line = { speaker, number, saidMs: nowMs, missing: new Set(this.#members) };
    this.#lines.push(line);
    const lines = this.#bySpeaker.get(speaker) ?? new Map<number, Line>();
    this.#bySpeaker.set(speaker, lines.set(number, line));
    this.#counts.said++;
    this.#counts.expected += line.missing.size;
  }

  hear(listener: number, speaker: number, number: number): void {
    const newest = this.#newest.get(listener) ?? new Map<number, number>();
    this.#newest.set(listener, newest);
    const before = newest.get(speaker) ?? -1;
    newest.set(speaker, Math.max(before, number));
    const line = this.#bySpeaker.get(speaker)?.get(number);
    if (line?.missing.delete(listener) === true) {
      this.#counts.heard++;
      if (number < before) this.#counts.outOfOrder++;
    } else if (line !== undefined && number <= before) this.#counts.twice++;
  }

  /** Gives up lines that are older than the grace time. @param nowMs - Infinity at the end of a run. */
  expire(nowMs: number): void {
    while (this.#lines.length > 0 && this.#lines[0]!.saidMs + GRACE_MS <= nowMs) {
      const line = this.#lines.shift()!;
      this.#counts.lost += line.missing.size;
      this.#bySpeaker.get(line.speaker)?.delete(line.number);
    }
  }

  /** Whether nothing is on its way. */
  get complete(): boolean {
    return this.#lines.every(({ missing }) => missing.size === 0);
  }

  /** `expected` leaves out those that were excused. */
  figures(): ReliableFigures {
    return { ...this.#counts, expected: this.#counts.expected - this.#counts.excused };
  }
}

/** Sums of several ledgers. */
export function sumReliable(all: Iterable<ReliableFigures>): ReliableFigures {
  const sum = { said: 0, expected: 0, heard: 0, excused: 0, lost: 0, twice: 0, outOfOrder: 0 };
  for (const figures of all) for (const key of Object.keys(sum) as (keyof ReliableFigures)[]) sum[key] += figures[key];
  return sum;
}
