/** Whether a picture of a stream goes to the decoder: a pure function of what is under way. */

/** Pictures of one stream under way, at most: half a second at 15 Hz. What is older would be answered too late. */
export const MAX_UNDER_WAY = 8;
/** Of all streams together. */
export const MAX_BYTES_UNDER_WAY = 32 * 1024 * 1024;
/** Between two requests of a stream for a key picture. */
export const KEY_REQUEST_MS = 1000;

export interface StreamState {
  /** A picture was left out on which all others build until the next key picture. */
  readonly waitsForKey: boolean;
  /** Pictures that the decoder has not answered for. */
  readonly underWay: number;
  /** Server clock. */
  readonly keyAskedMs: number;
}

export const NEW_STREAM: StreamState = { waitsForKey: true, underWay: 0, keyAskedMs: Number.NEGATIVE_INFINITY };

/** `leave-out`: superseded, and nothing is lost by it. `break`: superseded, and so is all that follows until a key picture. */
export type Admission = 'decode' | 'leave-out' | 'break';

/** @param bytesUnderWay - of all streams, with this picture. */
export function admitPicture(state: StreamState, picture: { readonly key: boolean; readonly discardable: boolean }, bytesUnderWay: number): Admission {
  if (state.waitsForKey && !picture.key) return 'leave-out';
  if (state.underWay < MAX_UNDER_WAY && bytesUnderWay <= MAX_BYTES_UNDER_WAY) return 'decode';
  return picture.discardable ? 'leave-out' : 'break';
}

/** Whether to ask for a key picture now: not while the decoder is still behind, since one is ten times as large as others. */
export function asksForKey(state: StreamState, nowMs: number): boolean {
  return state.waitsForKey && state.underWay <= MAX_UNDER_WAY / 2 && nowMs - state.keyAskedMs >= KEY_REQUEST_MS;
}
