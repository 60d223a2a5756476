/** Going to another server, or to another connection: asked for by the server, to clients that named the capability `move`. */
import * as z from 'zod/mini';
import { LIMITS } from '../limits.ts';
import { timeMs } from './common.ts';

export const moveMessage = z.strictObject({
  type: z.literal('move'),
  /** Where to: a server's URL. Where left out, wherever a new connection leads. */
  to: z.optional(z.string().check(z.minLength(1), z.maxLength(LIMITS.urlLength))),
  /** `drain`: the server goes down. A client takes one that it does not know alike. */
  reason: z.string().check(z.maxLength(LIMITS.nameLength)),
  /** From now on; then the server ends the connection, answered or not. */
  withinMs: timeMs,
  /** Whether the participant's place is kept there: then the resume token is good there, and no longer here. */
  resume: z.boolean(),
});
export type MoveMessage = z.infer<typeof moveMessage>;

/** The answer: nothing more comes on this connection, which the server ends when everything is sent. */
export const movedMessage = z.strictObject({ type: z.literal('moved') });
