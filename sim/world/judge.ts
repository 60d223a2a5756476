/** The rules that hold in every world, and the first breach of one. */

/** Each with what it demands. */
export const RULES = {
  'no-crash': 'nothing throws',
  'ends-once': 'each request ends exactly once',
  'none-forgotten': 'no request is open when the world has come to rest',
  'batch-cap': 'no batch is empty, above what its device takes, or of more than one model',
  'stream-once': 'no batch holds two requests of one stream',
  'late-result': 'no result is shown after its deadline',
  'right-answer': 'each input gets the answer to itself',
  consent: 'nobody is shown a result of somebody who has not consented to inference, or of what came before they withdrew',
  isolation: 'nothing of one session reaches another, and each pose is its slot\'s own',
  'snapshot-order': 'the ticks that a receiver gets go up',
  'capture-order': 'the capture times of a participant do not go back until they resume',
  'chat-order': 'chat numbers go up by one: none twice, none lost, none out of order',
  presence: 'the roster that a client holds is the session\'s',
  'resume-once': 'a resume token works once',
  'slots-unique': 'no two members of a session have one slot, and no two members one connection',
  bounds: 'every queue keeps within its bound',
  'honest-accepted': 'who keeps to the protocol is not refused as if they did not',
  recovers: 'after the last fault everything is well again in bounded time',
  baseline: 'after the last participant nothing is left: no session, no timer',
} as const;
export type Rule = keyof typeof RULES;

export interface Violation {
  readonly rule: Rule;
  readonly detail: string;
  /** Simulated, since the start. */
  readonly atMs: number;
}

/** Keeps the first violation; what follows from it is of no use. It cannot throw: listeners of the SDK swallow that. */
export class Judge {
  readonly #nowMs: () => number;
  #violation: Violation | undefined;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  get violation(): Violation | undefined {
    return this.#violation;
  }

  violate(rule: Rule, detail: string): void {
    this.#violation ??= { rule, detail, atMs: this.#nowMs() };
  }

  /** @param detail - made only when it is needed. */
  expect(holds: boolean, rule: Rule, detail: () => string): void {
    if (!holds) this.violate(rule, detail());
  }
}
