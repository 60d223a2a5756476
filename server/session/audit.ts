/** What is written down of who tried what they may not, and of what moderators did. */
import type { ErrorCode } from '../../core/errors.ts';
import type { Guest } from './guest.ts';

/** One line: facts about who and what, nothing that anybody said, and nothing that lets somebody in. */
export interface SessionAuditEntry {
  /** The message's type, `pose`, `video` or `packet`. */
  readonly verb: string;
  /** `done`, or the code of the refusal. */
  readonly outcome: string;
  readonly connectionId: string;
  readonly address: string;
  /** Of whoever is in a session. */
  readonly session?: string;
  readonly participantId?: string;
  /** Whom a kick was about. */
  readonly target?: string;
}

/** Takes an entry down. Never throws. */
export type SessionAudit = (entry: SessionAuditEntry) => void;

/** Refusals that a client of ours does not meet with by mistake or by load. */
const AUDITED: ReadonlySet<ErrorCode> = new Set(['GRANT_MISSING', 'SESSION_FORBIDDEN', 'TOKEN_INVALID', 'TOKEN_REVOKED', 'KICKED', 'RESUME_REFUSED', 'MESSAGE_INVALID', 'NOT_FOUND']);

export function isAudited(code: ErrorCode): boolean {
  return AUDITED.has(code);
}

/** @bound LIMITS.refusalsPer10s lines in ten seconds of one connection, since more refusals end it. */
export function auditEntry({ connection, membership }: Guest, verb: string, outcome: string, target?: string): SessionAuditEntry {
  const place = membership === undefined ? {} : { session: membership.session.id, participantId: membership.participant.participantId };
  return { verb, outcome, connectionId: connection.id, address: connection.remoteAddress, ...place, ...(target === undefined ? {} : { target }) };
}
