/** Every way into a session. */
import { unreachable } from '../../core/assert.ts';
import type { UpMessageOf } from '../../protocol/up.ts';
import type { Membership, SessionDirectory, Visitor } from './directory.ts';

export type EntryMessage = UpMessageOf<'join' | 'resume' | 'create' | 'join-code'>;

/** @throws what the directory throws. */
export function admit(directory: SessionDirectory, visitor: Visitor, message: EntryMessage): Membership {
  switch (message.type) {
    case 'join':
      return directory.join(visitor, message);
    case 'resume':
      return directory.resume(visitor, message.resumeToken);
    case 'create':
      return directory.create(visitor, message);
    case 'join-code':
      return directory.joinByCode(visitor, message);
    default:
      return unreachable(message);
  }
}
