/** When a stream should be captured, so that its frames come when the server can use them. */
import * as z from 'zod/mini';
import { LIMITS } from '../limits.ts';
import { timeMs } from './common.ts';

/** A suggestion: whoever does not follow loses nothing but frames that are superseded or shed. */
export const paceMessage = z.strictObject({
  type: z.literal('pace'),
  stream: z.enum(['camera', 'hands']),
  /** Frames a second that will be looked at; 0 when the stream is refused for now. */
  rateHz: z.number().check(z.minimum(0), z.maximum(LIMITS.poseHz)),
  /** A good moment of capture, server clock; the others follow at the rate. Left out where any moment is as good. */
  captureMs: z.optional(timeMs),
  /** `load`: the devices have more to do than they can. `phase`: the rate is as before. `recovered`: as fast as the client likes, up to the rate. */
  reason: z.enum(['load', 'phase', 'recovered']),
});
export type PaceMessage = z.infer<typeof paceMessage>;
