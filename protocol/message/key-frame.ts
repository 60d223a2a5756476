/** What a server says that has lost the thread of a stream whose pictures build on one another. */
import * as z from 'zod/mini';

/** The next picture of the stream should stand alone: until it does, none of them can be decoded. */
export const keyFrameMessage = z.strictObject({ type: z.literal('key-frame'), stream: z.literal('camera') });
export type KeyFrameMessage = z.infer<typeof keyFrameMessage>;
