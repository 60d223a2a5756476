/** Every control message that a client sends. */
import * as z from 'zod/mini';
import { clockMessage, pongMessage } from './message/clock.ts';
import { consentMessage, joinMessage, leaveMessage, resumeMessage } from './message/join.ts';
import { helloMessage } from './message/hello.ts';
import { movedMessage } from './message/move.ts';
import { mediaMessage } from './message/media.ts';
import { recordMessage } from './message/recording.ts';
import { sayMessage } from './message/chat.ts';
import { snapshotsMessage } from './message/snapshots.ts';
import { createMessage, joinCodeMessage, kickMessage, listMessage, lockMessage, matchCancelMessage, matchMessage, setMetadataMessage, unlockMessage } from './message/session.ts';

export const upMessage = z.discriminatedUnion('type', [
  helloMessage,
  joinMessage,
  resumeMessage,
  leaveMessage,
  consentMessage,
  sayMessage,
  clockMessage,
  pongMessage,
  recordMessage,
  mediaMessage,
  movedMessage,
  createMessage,
  joinCodeMessage,
  listMessage,
  lockMessage,
  unlockMessage,
  kickMessage,
  setMetadataMessage,
  matchMessage,
  matchCancelMessage,
  snapshotsMessage,
]);
export type UpMessage = z.infer<typeof upMessage>;
export type UpMessageOf<Type extends UpMessage['type']> = Extract<UpMessage, { type: Type }>;
