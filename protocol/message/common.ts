/** Fields that several messages share. */
import * as z from 'zod/mini';
import { LIMITS } from '../limits.ts';
import { GRANTS, ROLES } from '../roles.ts';

export const slot = z.int().check(z.minimum(0), z.maximum(LIMITS.participantsPerSession - 1));
/** Milliseconds on the clock that the field's name says; small enough that sums of them stay exact on the wire. */
export const timeMs = z.number().check(z.minimum(-LIMITS.clockMs), z.maximum(LIMITS.clockMs));
export const displayName = z.string().check(z.minLength(1), z.maxLength(LIMITS.nameLength));
/** A session's name: what a URL path segment takes without escaping. */
export const sessionName = z.string().check(z.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/));
export const token = z.string().check(z.minLength(1), z.maxLength(LIMITS.tokenLength));
export const role = z.enum(ROLES);
export const grants = z.array(z.enum(GRANTS)).check(z.maxLength(GRANTS.length));

/** What a participant allows to be done with their streams. Relaying to the session is what joining means. */
export const consent = z.strictObject({
  /** Models may run on pose, pictures and chat. */
  inference: z.boolean(),
  /** The streams may be written to a recording. */
  recording: z.boolean(),
  /** A recording of them may train models. */
  training: z.boolean(),
});
export type Consent = z.infer<typeof consent>;

/** One member of a session, as the others see them. */
export const participantInfo = z.strictObject({
  slot,
  participantId: z.string().check(z.maxLength(LIMITS.nameLength)),
  name: displayName,
  role,
  presence: z.enum(['live', 'away']),
});
export type ParticipantInfo = z.infer<typeof participantInfo>;
