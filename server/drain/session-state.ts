/** A session on its way from one server to another: what is in it, and what it may be. */
import { z } from 'zod';
import { VIDEO_TASKS } from '../../core/tasks.ts';
import { MAX_POSE_SAMPLE_BYTES } from '../../protocol/codec/pose-sample.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { metadata, sessionCode, visibility } from '../../protocol/message/session.ts';
import { consent, displayName, grants, role, sessionName, slot } from '../../protocol/message/common.ts';

const claim = z.string().max(LIMITS.tokenLength);

const participantState = z.strictObject({
  participantId: z.string().regex(/^[A-Za-z0-9-]{1,64}$/),
  slot,
  name: displayName,
  claims: z.strictObject({ subject: claim, session: claim, role, grants, tenant: z.string().max(LIMITS.nameLength), tokenId: claim.optional(), issuedS: z.number().optional() }),
  consent,
  video: z.array(z.enum(VIDEO_TASKS)).max(VIDEO_TASKS.length),
  /** SHA-256 of the resume token that the client has, base64url: the token itself never leaves the server that made it. */
  resumeDigest: z.string().regex(/^[A-Za-z0-9_-]{43}$/).optional(),
  /** The newest pose sample as on the wire, base64, and how long ago it was captured: the two servers' clocks do not compare. */
  pose: z.strictObject({ sample: z.base64().max(Math.ceil(MAX_POSE_SAMPLE_BYTES / 3) * 4), ageMs: z.number().min(0).max(LIMITS.clockMs) }).optional(),
});

/** What holds for the session; ages, since the two servers' clocks do not compare. */
const rulesState = z.strictObject({
  code: sessionCode,
  visibility,
  capacity: z.int().min(1).max(LIMITS.participantsPerSession),
  metadata,
  locked: z.boolean(),
  ageMs: z.number().min(0).max(LIMITS.clockMs),
  maxAgeMs: z.number().min(0).optional(),
  banned: z.array(claim).max(LIMITS.bansPerSession),
});
export type RulesState = z.infer<typeof rulesState>;

export const sessionState = z.strictObject({
  /** Of this format. */
  format: z.literal(1),
  session: sessionName,
  /** Beyond every number that the other server may still give. */
  nextChatId: z.int().min(1),
  recording: z.boolean(),
  /** Left out by servers that know of none. */
  rules: rulesState.optional(),
  participants: z.array(participantState).min(1).max(LIMITS.participantsPerSession),
});
export type SessionState = z.infer<typeof sessionState>;
export type ParticipantState = z.infer<typeof participantState>;

/** Room for a full session whose names and claims are long. */
export const SESSION_STATE_BYTES = 4 * 1024 * 1024;

/** What the other server says when it has taken a session in. */
export const importAnswer = z.strictObject({
  session: sessionName,
  participants: z.int().min(0),
  /** Where its clients reach it, if it knows. */
  url: z.string().max(LIMITS.urlLength).optional(),
});
export type ImportAnswer = z.infer<typeof importAnswer>;
