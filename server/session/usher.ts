/** Whoever sees people out while the server goes down, as the door knows it. */
import type { UpMessageOf } from '../../protocol/up.ts';
import type { EntryMessage } from './entry.ts';
import type { Guest } from './guest.ts';

export interface Usher {
  /** Somebody wants in. @returns true when they were told where to go instead, and their connection ends. */
  turnAway(guest: Guest, message: EntryMessage | UpMessageOf<'match'>): boolean;
  /** Somebody sends nothing more. @returns false when nobody asked them. */
  moved(guest: Guest): boolean;
  /** A connection is gone. */
  gone(guest: Guest): void;
}
