/** Entering, re-entering and leaving a session. */
import * as z from 'zod/mini';
import { VIDEO_TASKS } from '../../core/tasks.ts';
import { LIMITS } from '../limits.ts';
import { consent, displayName, grants, participantInfo, role, sessionName, slot, token } from './common.ts';

/** Who comes in, and what may be done with what they send: the same by every way in. */
export const entryFields = {
  name: displayName,
  consent,
  /** What models are to look for in the participant's pictures; `body-pose` alone when left out. */
  video: z.optional(z.array(z.enum(VIDEO_TASKS)).check(z.maxLength(VIDEO_TASKS.length))),
};

/** Creates the session if there is none of that name. */
export const joinMessage = z.strictObject({
  type: z.literal('join'),
  session: sessionName,
  ...entryFields,
});

/** Takes the place of a participant whose connection went, within LIMITS.resumeMs. */
export const resumeMessage = z.strictObject({ type: z.literal('resume'), resumeToken: token });

export const leaveMessage = z.strictObject({ type: z.literal('leave') });

/** Changes the consent given at join, at once. */
export const consentMessage = z.strictObject({ type: z.literal('consent'), consent });

export const joinedMessage = z.strictObject({
  type: z.literal('joined'),
  session: sessionName,
  slot,
  participantId: z.string(),
  role,
  grants,
  resumed: z.boolean(),
  /** Good for one resume; a new one comes with the answer to it. */
  resumeToken: token,
  resumeMs: z.number(),
  tickRateHz: z.number(),
  recording: z.boolean(),
  /** Everybody in the session, the receiver among them. */
  participants: z.array(participantInfo).check(z.maxLength(LIMITS.participantsPerSession)),
});

export const leftMessage = z.strictObject({ type: z.literal('left') });

/** Somebody came, went, lost their connection or came back. */
export const presenceMessage = z.strictObject({
  type: z.literal('presence'),
  event: z.enum(['joined', 'away', 'back', 'left']),
  participant: participantInfo,
});
