/** What is written down of every admin verb and of every attempt that was refused. */

/** One line of the audit log. There is nothing in it that lets somebody in, and nothing of what people said or did. */
export interface AuditEntry {
  /** `admin` gave the right token, `stranger` none or a wrong one; `signal` is the operating system. */
  readonly who: 'admin' | 'stranger' | 'signal';
  /** The name of the verb, or `unknown` for a path or method that is none. */
  readonly verb: string;
  /** What it was about: names of sessions, participants, tokens, as far as they could be read. */
  readonly target: Readonly<Record<string, string>>;
  /** `done`, or the code of the refusal. */
  readonly outcome: string;
  /** The network address that it came from. */
  readonly address: string;
}

/** Takes an entry down. Never throws. */
export type Audit = (entry: AuditEntry) => void;
