/** What a client that reads delta snapshots would like to have of them. */
import * as z from 'zod/mini';
import { LIMITS } from '../limits.ts';

/** Takes the place of what was asked before; what is left out is as much as the server gives. A key snapshot follows. */
export const snapshotsMessage = z.strictObject({
  type: z.literal('snapshots'),
  /** At most so many snapshots a second. */
  rateHz: z.optional(z.number().check(z.minimum(1), z.maximum(LIMITS.poseHz))),
  /** At most so many bytes of snapshots a second, where that can be. */
  bytesPerSecond: z.optional(z.number().check(z.minimum(1), z.maximum(1e9))),
});
