/** Recording a session; the sender needs the grant `record`, and each recorded participant's consent. */
import * as z from 'zod/mini';

export const recordMessage = z.strictObject({ type: z.literal('record'), action: z.enum(['start', 'stop']) });

export const recordingMessage = z.strictObject({
  type: z.literal('recording'),
  active: z.boolean(),
  /** How many of the participants are being recorded; the others did not consent. */
  recorded: z.int(),
});
