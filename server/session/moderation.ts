/** What those with the grant `moderate` do: lock the session, say what it is about, and send somebody away. */
import { unreachable } from '../../core/assert.ts';
import type { ErrorCode } from '../../core/errors.ts';
import type { UpMessageOf } from '../../protocol/up.ts';
import type { Membership, SessionDirectory } from './directory.ts';

export type ModerationMessage = UpMessageOf<'lock' | 'unlock' | 'kick' | 'set-metadata'>;

/** @returns why it was refused; undefined when it is done. What is so already changes nothing. */
export function moderate(directory: SessionDirectory, { session, participant }: Membership, message: ModerationMessage): ErrorCode | undefined {
  if (!participant.may('moderate')) return 'GRANT_MISSING';
  switch (message.type) {
    case 'lock':
      return void session.lock();
    case 'unlock':
      return void session.unlock();
    case 'set-metadata':
      return void session.setMetadata(message.metadata);
    case 'kick':
      return directory.kick(session, message.participantId, { ban: message.ban, by: participant });
    default:
      return unreachable(message);
  }
}
