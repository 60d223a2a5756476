/** Pages of the sessions that strangers may know of. */
import type { DownMessageOf } from '../../protocol/down.ts';
import type { SessionRow } from '../../protocol/message/session.ts';
import type { Session } from './session.ts';

/**
 * One page.
 *
 * Sessions come and go between two pages: none that is there all the time is missed or comes twice, since each page begins
 * behind the last one's newest.
 *
 * @param sessions - in the order of their ordinals. @param after - `next` of the page before, 0 for the first.
 * @bound O(sessions).
 */
export function listSessions(sessions: Iterable<Session>, isWanted: (session: Session) => boolean, { after, limit }: { readonly after: number; readonly limit: number }): DownMessageOf<'sessions'> {
  const rows: SessionRow[] = [];
  let last = after;
  for (const session of sessions) {
    if (session.ordinal <= after || session.rules.visibility !== 'listed' || !isWanted(session)) continue;
    if (rows.length === limit) return { type: 'sessions', sessions: rows, next: last };
    rows.push(rowOf(session));
    last = session.ordinal;
  }
  return { type: 'sessions', sessions: rows, next: null };
}

function rowOf(session: Session): SessionRow {
  const { capacity, locked, metadata, createdMs } = session.rules;
  return { session: session.id, size: session.size, capacity, locked, metadata, createdMs };
}
