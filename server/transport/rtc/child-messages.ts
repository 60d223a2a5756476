/** What the gateway and the process with the native peer connections tell each other: lists of these, one list a turn. */
import type { ChannelName } from '../../../protocol/rtc/channel.ts';
import type { IceServer } from '../../../protocol/rtc/signal.ts';

/** What holds for every peer connection. */
export interface PeerSettings {
  readonly iceServers: readonly IceServer[];
  /** UDP ports, both inclusive; any where left out. */
  readonly ports?: { readonly first: number; readonly last: number };
  /** The address to listen on; every one of the machine's where left out. */
  readonly bindAddress?: string;
  /** Whether cameras are taken as video tracks. */
  readonly takesVideo?: boolean;
}

/** `close`: at once, or when everything that was sent on `control` has left. */
export type ToChild =
  | { readonly kind: 'settings'; readonly settings: PeerSettings }
  | { readonly kind: 'offer'; readonly peer: number; readonly sdp: string }
  | { readonly kind: 'candidate'; readonly peer: number; readonly candidate: string; readonly mid: string }
  | { readonly kind: 'send'; readonly peer: number; readonly channel: ChannelName; readonly bytes: Uint8Array }
  | { readonly kind: 'key-picture'; readonly peer: number }
  | { readonly kind: 'close'; readonly peer: number; readonly atOnce: boolean }
  | { readonly kind: 'ping' };

/** `taken`: how many bytes of all that were to be sent to a peer are with the network now. */
export type FromChild =
  | { readonly kind: 'ready' }
  | { readonly kind: 'answer'; readonly peer: number; readonly sdp: string }
  | { readonly kind: 'candidate'; readonly peer: number; readonly candidate: string; readonly mid: string }
  | { readonly kind: 'open'; readonly peer: number }
  | { readonly kind: 'message'; readonly peer: number; readonly channel: ChannelName; readonly bytes: Uint8Array }
  /** `chunk`: an encoded video chunk without a capture time. */
  | { readonly kind: 'picture'; readonly peer: number; readonly chunk: Uint8Array; readonly ageMs: number }
  | { readonly kind: 'text'; readonly peer: number }
  | { readonly kind: 'taken'; readonly peer: number; readonly bytes: number }
  | { readonly kind: 'gone'; readonly peer: number; readonly cause: string }
  | { readonly kind: 'pong' };

/** What is about one peer. */
export type PeerEvent = Extract<FromChild, { readonly peer: number }>;
