/** Clock synchronisation (as NTP, RFC 5905 section 8) and heartbeats. */
import * as z from 'zod/mini';
import { timeMs } from './common.ts';

/** A client asks for the server's time. */
export const clockMessage = z.strictObject({ type: z.literal('clock'), deviceMs: timeMs });

export const clockReplyMessage = z.strictObject({
  type: z.literal('clock-reply'),
  /** As sent. */
  deviceMs: timeMs,
  /** Server clock, when the question arrived and when the answer left. */
  arrivedMs: timeMs,
  sentMs: timeMs,
});

/** The server asks, so that it learns each device's clock offset and that the link lives. */
export const pingMessage = z.strictObject({ type: z.literal('ping'), serverMs: timeMs });

export const pongMessage = z.strictObject({
  type: z.literal('pong'),
  /** As in the ping. */
  serverMs: timeMs,
  deviceMs: timeMs,
});
