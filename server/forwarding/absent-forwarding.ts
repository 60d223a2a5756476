/** The forwarding unit where there is none: everything asked of it is unavailable. */
import { CopresenceError } from '../../core/errors.ts';
import type { MediaForwarding } from '../flow.ts';

const NOTHING = { rooms: 0, transports: 0, producers: 0, consumers: 0, workerDeaths: 0 } as const;

/** @param why - ends the sentence "unavailable because ...". */
export function absentForwarding(why: string): MediaForwarding & { readonly figures: typeof NOTHING } {
  return {
    figures: NOTHING,
    ask: () => Promise.reject(new CopresenceError('MEDIA_UNAVAILABLE', why)),
    forget: () => undefined,
    onEvent: () => undefined,
    close: () => Promise.resolve(),
  };
}
