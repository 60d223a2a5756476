/** Writes down what a session is, for another server to go on with. */
import { readCaptureMs } from '../../protocol/codec/pose-sample.ts';
import { LIMITS } from '../../protocol/limits.ts';
import type { SessionDirectory } from '../session/directory.ts';
import type { Participant } from '../session/participant.ts';
import type { Session } from '../session/session.ts';
import type { TokenClaims } from '../session/token.ts';
import type { ParticipantState, RulesState, SessionState } from './session-state.ts';

/** How long lines may still be said here, generously: until the other has answered and everybody has gone. */
const STILL_SAID_S = 20;

/** @param nowMs - server clock. */
export function exportSession(session: Session, directory: SessionDirectory, nowMs: number): SessionState {
  return {
    format: 1,
    session: session.id,
    // What is said here until the last has gone gets numbers below those that the other server gives.
    nextChatId: session.nextChatId + session.size * LIMITS.chatPerSecond * STILL_SAID_S,
    rules: exportRules(session, nowMs),
    recording: session.recording.state !== 'off',
    participants: [...session.participants].map((participant) => exportParticipant(participant, directory.resumeDigest(participant), nowMs)),
  };
}

/** What of a token matters once its participant is in. */
function exportClaims({ once: _once, expiresMs: _expiresMs, ...claims }: TokenClaims): ParticipantState['claims'] {
  return { ...claims, grants: [...claims.grants] };
}

function exportRules({ rules }: Session, nowMs: number): RulesState {
  const { code, visibility, capacity, metadata, locked, createdMs, maxAgeMs, bans } = rules;
  return { code, visibility, capacity, metadata, locked, ageMs: Math.max(0, nowMs - createdMs), ...(maxAgeMs === undefined ? {} : { maxAgeMs }), banned: [...bans.subjects] };
}

function exportParticipant(participant: Participant, resumeDigest: string | undefined, nowMs: number): ParticipantState {
  const { participantId, slot, name, consent, video, newest, claims } = participant;
  const ageMs = newest && Math.max(0, nowMs - readCaptureMs(newest.sample, 0, nowMs));
  return {
    participantId, slot, name, consent,
    claims: exportClaims(claims),
    video: [...video],
    ...(resumeDigest === undefined ? {} : { resumeDigest }),
    ...(newest === undefined || ageMs === undefined ? {} : { pose: { sample: Buffer.from(newest.sample).toString('base64'), ageMs } }),
  };
}
