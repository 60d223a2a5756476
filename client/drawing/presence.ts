/** How much somebody is there, and how that looks. */
import type { ParticipantInfo } from '../../protocol/message/common.ts';
import type { AvatarSource } from '../client.ts';

/** `stale`: where they were when last heard of. `away`: their connection is gone. */
export type Presence = 'present' | 'stale' | 'away';

/** Whoever stands still because nothing is heard of them is not to be taken for somebody who stands still. */
export const OPACITY: Readonly<Record<Presence, number>> = { present: 1, stale: 0.6, away: 0.35 };
/** In place of their own colour when they are away. */
export const AWAY_COLOUR = '#6b7480';
export const PRESENCE_NOTES: Readonly<Record<Presence, string>> = { present: '', stale: 'not heard', away: 'away' };

/** What to show of somebody whose pose came from `source`. */
export function presenceOf({ presence }: Pick<ParticipantInfo, 'presence'>, source: AvatarSource): Presence {
  if (presence === 'away') return 'away';
  return source === 'held' ? 'stale' : 'present';
}
