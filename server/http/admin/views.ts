/** Sessions and participants as admins see them: facts about them, nothing of what they sent. */
import type { Metadata } from '../../../protocol/message/session.ts';
import type { Participant } from '../../session/participant.ts';
import type { Session } from '../../session/session.ts';

/** One row of the list of sessions. */
export interface SessionRow {
  readonly session: string;
  readonly live: number;
  readonly away: number;
  readonly recording: boolean;
  readonly visibility: string;
  readonly code: string;
  readonly capacity: number;
  readonly locked: boolean;
  readonly metadata: Metadata;
}

export function sessionRow(session: Session): SessionRow {
  const live = [...session.participants].filter(({ presence }) => presence.state === 'live').length;
  const { visibility, code, capacity, locked, metadata } = session.rules;
  return { visibility, code, capacity, locked, metadata, session: session.id, live, away: session.size - live, recording: session.recording.state === 'on' };
}

/** A session with everybody in it. */
export function sessionDetail(session: Session): SessionRow & { readonly host: number | null; readonly bans: number; readonly participants: readonly object[] } {
  return { ...sessionRow(session), host: session.host?.slot ?? null, bans: session.rules.bans.subjects.length, participants: [...session.participants].map(participantRow) };
}

function participantRow(participant: Participant): object {
  const { participantId, slot, name, consent, presence, claims } = participant;
  return {
    participantId,
    slot,
    name,
    presence: presence.state,
    subject: claims.subject,
    role: claims.role,
    grants: claims.grants,
    consent,
    ...(presence.state === 'live' ? { connectionId: presence.connection.id, address: presence.connection.remoteAddress, capabilities: presence.capabilities, ...rtt(presence.clock.rttMs) } : {}),
  };
}

function rtt(rttMs: number): { rttMs?: number } {
  return Number.isFinite(rttMs) ? { rttMs } : {};
}
