/** Goes on with a session that another server had. */
import { assert } from '../../core/assert.ts';
import type { Clock } from '../../core/clock.ts';
import { CopresenceError } from '../../core/errors.ts';
import { checkPoseSample } from '../../protocol/codec/pose-sample.ts';
import type { RestoredSession, SessionDirectory } from '../session/directory.ts';
import type { RecordingControl } from '../session/recording-control.ts';
import type { TokenClaims } from '../session/token.ts';
import type { ImportAnswer, ParticipantState, RulesState, SessionState } from './session-state.ts';

export interface ImportParts {
  readonly clock: Clock;
  readonly directory: SessionDirectory;
  readonly recording: RecordingControl;
  readonly isRevoked: (claims: TokenClaims) => boolean;
}

type Member = RestoredSession['members'] extends Iterable<infer One> ? One : never;

/**
 * Makes the session, with everybody in it who is not revoked here, away until they come; and records it if it was recorded.
 *
 * @param state - matches its schema.
 * @throws CopresenceError MESSAGE_INVALID when two have the same slot, id or token or a pose is none, SESSION_EXISTS,
 * SERVER_FULL; nothing has changed then. RECORDING_FAILED when only the recording could not be started.
 */
export async function importSession(parts: ImportParts, state: SessionState): Promise<ImportAnswer> {
  const { clock, directory, recording } = parts;
  for (const key of ['slot', 'participantId', 'resumeDigest'] as const) refuseTwice(state, key);
  const welcome = state.participants.filter(({ claims }) => !parts.isRevoked(claimsOf(claims)));
  const poses = new Map(welcome.flatMap(({ slot, pose }) => (pose === undefined ? [] : [[slot, { sample: readSample(pose.sample), ageMs: pose.ageMs }]])));
  if (welcome.length === 0) return { session: state.session, participants: 0 };
  const session = directory.restore({ id: state.session, nextChatId: state.nextChatId, settings: state.rules && settingsOf(state.rules, clock.nowMs()), members: welcome.map(memberOf) });
  const nowMs = clock.nowMs();
  for (const [slot, { sample, ageMs }] of poses) session.participant(slot)?.keepSample(sample, nowMs - ageMs, nowMs);
  const problem = state.recording ? await recording.begin(session) : undefined;
  if (problem !== undefined) throw new CopresenceError(problem, 'the session was taken in, without its recording');
  return { session: state.session, participants: welcome.length };
}

/** A session that is past its age here has its end before it still. */
function settingsOf({ ageMs, ...rules }: RulesState, nowMs: number): RestoredSession['settings'] {
  return { ...rules, createdMs: nowMs - ageMs };
}

function memberOf({ participantId, slot, name, claims, consent, video, resumeDigest }: ParticipantState): Member {
  return { options: { participantId, slot, name, claims: claimsOf(claims), consent, video }, resumeDigest };
}

function claimsOf({ tokenId, issuedS, ...claims }: ParticipantState['claims']): TokenClaims {
  return { ...claims, ...(tokenId === undefined ? {} : { tokenId }), ...(issuedS === undefined ? {} : { issuedS }) };
}

function refuseTwice({ participants }: SessionState, key: 'slot' | 'participantId' | 'resumeDigest'): void {
  const values = participants.flatMap((participant) => participant[key] ?? []);
  if (new Set(values).size < values.length) throw new CopresenceError('MESSAGE_INVALID', `two participants have the same ${key}`);
}

function readSample(base64: string): Uint8Array {
  const bytes = Buffer.from(base64, 'base64');
  const size = checkPoseSample(bytes, 0);
  if (size !== bytes.length) throw new CopresenceError('MESSAGE_INVALID', 'a pose is none');
  assert(typeof size === 'number', 'a length is a number');
  return bytes;
}
