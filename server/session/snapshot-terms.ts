/** On which terms a client gets snapshots: what both sides know, what it asks for, and what it says has arrived. */
import type { ErrorCode } from '../../core/errors.ts';
import { decodeAcknowledgement } from '../../protocol/codec/acknowledgement.ts';
import type { UpMessageOf } from '../../protocol/up.ts';
import { CAPABILITIES, type Capability } from '../../protocol/version.ts';
import type { Connection, Meter } from '../flow.ts';
import type { Guest } from './guest.ts';

/** What of the server not everybody has. */
export interface Abilities {
  readonly connection: Connection;
  readonly hasMedia: boolean;
  readonly decodesVideo: boolean;
}

/** What both sides know, and this connection can have. @param offered - by the client. */
export function agreedCapabilities(offered: readonly string[], { connection, hasMedia, decodesVideo }: Abilities): Capability[] {
  const lacks: Partial<Record<Capability, boolean>> = { media: !hasMedia, 'video-codecs': !decodesVideo, delta: connection.isTranslated === true };
  return CAPABILITIES.filter((capability) => offered.includes(capability) && lacks[capability] !== true);
}

/** Takes what a client asks of its snapshots. @returns why it is refused. */
export function takeWish(guest: Guest, { rateHz, bytesPerSecond }: UpMessageOf<'snapshots'>): ErrorCode | undefined {
  const participant = guest.membership?.participant;
  if (participant?.readsDeltas !== true) return 'MESSAGE_UNEXPECTED';
  participant.wish = { rateHz, bytesPerSecond };
  // It may have asked because it lost its way.
  participant.needsKey = true;
  return undefined;
}

/** Takes what has arrived at a client. @param payload - valid during the call. @returns why it is refused. */
export function takeAcknowledgement(guest: Guest, payload: Uint8Array, { arrivedMs, meter }: { readonly arrivedMs: number; readonly meter: Meter }): ErrorCode | undefined {
  const read = guest.capabilities.includes('delta') ? decodeAcknowledgement(payload) : 'MESSAGE_UNEXPECTED';
  if (typeof read === 'string') {
    meter.message('acknowledgement', 'refused');
    return read;
  }
  // Without order one may overtake the join, or come behind the leave.
  const participant = guest.membership?.participant;
  const isTaken = participant?.limits.acknowledgement.take(arrivedMs) === true;
  if (isTaken) participant.acknowledge(read);
  meter.message('acknowledgement', isTaken ? 'accepted' : 'superseded');
  return undefined;
}
