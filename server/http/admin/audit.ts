/** What is written down of every admin verb and of every attempt that was refused. */
import type { SessionAuditEntry } from '../../session/audit.ts';

/** One line of the audit log. There is nothing in it that lets somebody in, and nothing of what people said or did. */
export interface AuditEntry {
  /** `admin` gave the right token, `stranger` none or a wrong one; `signal` is the operating system; `participant` came over the wire protocol. */
  readonly who: 'admin' | 'stranger' | 'signal' | 'participant';
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

/** The same of what happened in a session or at its door. */
export function adminEntryOf({ verb, outcome, address, ...target }: SessionAuditEntry): AuditEntry {
  return { who: 'participant', verb, target, outcome, address };
}
