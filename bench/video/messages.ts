/** What the parts of the video benchmark tell each other. */
import type { InterCodec } from '../../protocol/video/picture.ts';

export interface StreamPlan {
  readonly codec: InterCodec;
  readonly streams: number;
  readonly rateHz: number;
  /** Encoded pictures, the first a key; they are sent over and over. */
  readonly pictures: readonly Uint8Array[];
}

/** Of either end of a peer connection. */
export type Signal =
  | { readonly kind: 'sdp'; readonly peer: number; readonly sdp: string }
  | { readonly kind: 'candidate'; readonly peer: number; readonly candidate: string; readonly mid: string };

export type ToSender = { readonly kind: 'plan'; readonly plan: StreamPlan } | Signal;
/** `sending`: when the first picture of a peer left, wall clock. */
export type FromSender = Signal | { readonly kind: 'sending'; readonly peer: number; readonly firstMs: number };

/** Of the process that receives with @roamhq/wrtc. */
export type FromWrtc = Signal | { readonly kind: 'ready' } | { readonly kind: 'pictures'; readonly count: number };
