/** A refusal: what is wrong, and whether trying again can help. */
import * as z from 'zod/mini';

export const errorMessage = z.strictObject({
  type: z.literal('error'),
  /** From the table in core/errors.ts; a client treats an unknown code as fatal only if `closing`. */
  code: z.string(),
  detail: z.string(),
  /** What the refused message was: a control type, `pose`, `video` or `packet`. */
  about: z.string(),
  retry: z.enum(['never', 'later', 'reconnect']),
  retryAfterMs: z.optional(z.number()),
  /** The connection ends after this. */
  closing: z.boolean(),
});
export type ErrorMessage = z.infer<typeof errorMessage>;
