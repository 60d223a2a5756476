/** A line of chat. */
import * as z from 'zod/mini';
import { LIMITS } from '../limits.ts';
import { slot, timeMs } from './common.ts';

const text = z.string().check(z.minLength(1), z.maxLength(LIMITS.chatCharacters));

export const sayMessage = z.strictObject({
  type: z.literal('say'),
  text,
  /** Device clock. */
  captureMs: timeMs,
});

export const chatMessage = z.strictObject({
  type: z.literal('chat'),
  /** Counts up within the session; a language result names it. */
  chatId: z.int(),
  slot,
  text,
  /** Server clock. */
  captureMs: timeMs,
});
