/** The first message on a connection, and the server's answer. */
import * as z from 'zod/mini';
import { LIMITS } from '../limits.ts';
import { displayName, timeMs, token } from './common.ts';

const version = z.int().check(z.minimum(1), z.maximum(65535));
const capabilities = z.array(z.string().check(z.maxLength(LIMITS.nameLength))).check(z.maxLength(LIMITS.capabilities));

export const helloMessage = z.strictObject({
  type: z.literal('hello'),
  /** The newest and the oldest version that the client speaks. */
  version,
  oldestVersion: version,
  /** Unknown ones are ignored, so that a newer client can offer more. */
  capabilities,
  token,
  /** Device clock at sending: the first guess of the clock offset, and what capture times are unwrapped with. */
  deviceMs: timeMs,
  client: z.optional(displayName),
});

export const welcomeMessage = z.strictObject({
  type: z.literal('welcome'),
  /** The version that both speak. */
  version,
  capabilities,
  server: displayName,
  connectionId: z.string(),
  serverMs: timeMs,
  heartbeatMs: z.number(),
});
