/** What a client says on its way in. */
import { CAPABILITIES, OLDEST_PROTOCOL_VERSION, PROTOCOL_VERSION } from '../protocol/version.ts';
import type { Consent } from '../protocol/message/common.ts';
import type { UpMessage } from '../protocol/up.ts';
import type { ConnectOptions } from './client.ts';

/** What this client follows: it leaves voice and video to a client of the forwarding unit. */
const KNOWN = CAPABILITIES.filter((capability) => capability !== 'media');

/** @param deviceMs - now, on the device's clock. */
export function helloOf(token: string, deviceMs: number): UpMessage {
  return { type: 'hello', version: PROTOCOL_VERSION, oldestVersion: OLDEST_PROTOCOL_VERSION, capabilities: KNOWN, token, deviceMs, client: 'copresence-ts' };
}

export function joinOf({ session, name, video }: ConnectOptions, consent: Consent): UpMessage {
  return { type: 'join', session, name, consent, ...(video === undefined ? {} : { video: [...video] }) };
}
