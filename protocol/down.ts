/** Every control message that the server sends. */
import * as z from 'zod/mini';
import { chatMessage } from './message/chat.ts';
import { clockReplyMessage, pingMessage } from './message/clock.ts';
import { errorMessage } from './message/error.ts';
import { joinedMessage, leftMessage, presenceMessage } from './message/join.ts';
import { keyFrameMessage } from './message/key-frame.ts';
import { moveMessage } from './message/move.ts';
import { mediaEventMessage, mediaReplyMessage } from './message/media.ts';
import { paceMessage } from './message/pace.ts';
import { recordingMessage } from './message/recording.ts';
import { resultMessage } from './message/result.ts';
import { matchedMessage, sessionInfoMessage, sessionsMessage, unmatchedMessage } from './message/session.ts';
import { welcomeMessage } from './message/hello.ts';

export const downMessage = z.discriminatedUnion('type', [
  welcomeMessage,
  joinedMessage,
  leftMessage,
  presenceMessage,
  chatMessage,
  clockReplyMessage,
  pingMessage,
  resultMessage,
  recordingMessage,
  paceMessage,
  keyFrameMessage,
  moveMessage,
  sessionInfoMessage,
  sessionsMessage,
  mediaReplyMessage,
  mediaEventMessage,
  matchedMessage,
  unmatchedMessage,
  errorMessage,
]);
export type DownMessage = z.infer<typeof downMessage>;
export type DownMessageOf<Type extends DownMessage['type']> = Extract<DownMessage, { type: Type }>;
