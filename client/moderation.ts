/** The messages of whoever moderates. */
import type { UpMessage } from '../protocol/up.ts';
import type { Moderation, SendResult } from './client.ts';

export function moderationOver(send: (message: UpMessage) => SendResult): Moderation {
  return {
    lock: () => send({ type: 'lock' }),
    unlock: () => send({ type: 'unlock' }),
    kick: (participantId, { ban = false } = {}) => send({ type: 'kick', participantId, ban }),
    setMetadata: (metadata) => send({ type: 'set-metadata', metadata }),
  };
}
