/** Making, finding and keeping a session: for clients that named the capability `sessions`. */
import * as z from 'zod/mini';
import { LIMITS } from '../limits.ts';
import { sessionName, slot, timeMs } from './common.ts';
import { entryFields } from './join.ts';

/** Letters and digits that are not taken for others when read aloud or from a headset: no 0, O, 1, I or L. */
export const CODE_ALPHABET = '23456789ABCDEFGHJKMNPQRSTUVWXYZ';
export const CODE_LENGTH = 6;
export const sessionCode = z.string().check(z.regex(new RegExp(`^[${CODE_ALPHABET}]{${CODE_LENGTH}}$`)));

/** A flat map of facts about a session. Keys that the guard of MessagePack would refuse are not taken here either. */
export const metadata = z
  .record(z.string().check(z.regex(/^(?!constructor$|prototype$)[A-Za-z][A-Za-z0-9_-]{0,30}$/)), z.union([z.string().check(z.maxLength(LIMITS.metadataCharacters)), z.number(), z.boolean()]))
  .check(z.refine((map) => Object.keys(map).length <= LIMITS.metadataKeys));
export type Metadata = z.infer<typeof metadata>;

/** `listed`: in the list. `open`: by its name or code, not in the list. `private`: by its code alone. */
export const VISIBILITIES = ['listed', 'open', 'private'] as const;
export const visibility = z.enum(VISIBILITIES);
export type Visibility = z.infer<typeof visibility>;

const capacity = z.int().check(z.minimum(1), z.maximum(LIMITS.participantsPerSession));
const seconds = z.int().check(z.minimum(1), z.maximum(LIMITS.sessionAgeS));

/** Makes a session and joins it. Without a name it gets one, or that of the token. */
export const createMessage = z.strictObject({
  type: z.literal('create'),
  session: z.optional(sessionName),
  ...entryFields,
  capacity: z.optional(capacity),
  metadata: z.optional(metadata),
  /** `open` when left out. */
  visibility: z.optional(visibility),
  maxAgeS: z.optional(seconds),
});

export const joinCodeMessage = z.strictObject({ type: z.literal('join-code'), code: sessionCode, ...entryFields });

export const listMessage = z.strictObject({
  type: z.literal('list'),
  /** Only sessions whose metadata has all of this. */
  filter: z.optional(metadata),
  /** `next` of the page before. */
  after: z.optional(z.int().check(z.minimum(0))),
  limit: z.optional(z.int().check(z.minimum(1), z.maximum(LIMITS.sessionsPerPage))),
});

/** Asks to be put together with others who want the same. */
export const matchMessage = z.strictObject({
  type: z.literal('match'),
  ...entryFields,
  /** What the others have to want too, all of it; that of the session that is made. */
  metadata: z.optional(metadata),
  /** How many to be, oneself among them. */
  min: z.int().check(z.minimum(1), z.maximum(LIMITS.matchGroup)),
  max: z.int().check(z.minimum(1), z.maximum(LIMITS.matchGroup)),
  timeoutMs: z.number().check(z.minimum(0), z.maximum(LIMITS.matchWaitMs)),
});
export const matchCancelMessage = z.strictObject({ type: z.literal('match-cancel') });

/** Found: `joined` comes next. */
export const matchedMessage = z.strictObject({ type: z.literal('matched'), session: sessionName, waitedMs: z.number() });
/** Nothing was found, and nothing is looked for any more. */
export const unmatchedMessage = z.strictObject({ type: z.literal('unmatched'), reason: z.enum(['timeout', 'cancelled', 'full']) });

/** One row of the list. */
export const sessionRow = z.strictObject({ session: sessionName, size: z.int(), capacity, locked: z.boolean(), metadata, createdMs: timeMs });
export type SessionRow = z.infer<typeof sessionRow>;

export const sessionsMessage = z.strictObject({
  type: z.literal('sessions'),
  sessions: z.array(sessionRow).check(z.maxLength(LIMITS.sessionsPerPage)),
  /** Where the next page begins; null when this is the last. */
  next: z.nullable(z.int()),
});

export const lockMessage = z.strictObject({ type: z.literal('lock') });
export const unlockMessage = z.strictObject({ type: z.literal('unlock') });
export const kickMessage = z.strictObject({
  type: z.literal('kick'),
  /** Not the slot, which may be somebody else's by the time that this arrives. */
  participantId: z.string().check(z.minLength(1), z.maxLength(LIMITS.nameLength)),
  /** Whether the subject stays out as long as the session lasts. */
  ban: z.boolean(),
});
/** Takes the place of all that was there. */
export const setMetadataMessage = z.strictObject({ type: z.literal('set-metadata'), metadata });

/** Everything about the session that may change; complete each time. */
export const sessionInfoMessage = z.strictObject({
  type: z.literal('session-info'),
  session: sessionName,
  code: sessionCode,
  visibility,
  /** The slot of the member with `moderate` who has been there longest; null without one. */
  host: z.nullable(slot),
  capacity,
  locked: z.boolean(),
  metadata,
  /** Server clock. */
  createdMs: timeMs,
  /** Seconds from `createdMs` to the session's end; null without one. */
  maxAgeS: z.nullable(z.number()),
  /** The end is near. */
  ending: z.boolean(),
});
export type SessionInfo = z.infer<typeof sessionInfoMessage>;

