/** What a client says on its way in. */
import { assert, unreachable } from '../core/assert.ts';
import { CopresenceError } from '../core/errors.ts';
import { CAPABILITIES, OLDEST_PROTOCOL_VERSION, PROTOCOL_VERSION } from '../protocol/version.ts';
import type { Consent } from '../protocol/message/common.ts';
import type { SessionInfo } from '../protocol/message/session.ts';
import type { DownMessageOf } from '../protocol/down.ts';
import type { UpMessage, UpMessageOf } from '../protocol/up.ts';
import type { ConnectOptions, Self, SnapshotWish } from './client.ts';

/** What this client follows: it leaves voice and video to a client of the forwarding unit. */
const KNOWN = CAPABILITIES.filter((capability) => capability !== 'media');

const WAYS_IN: ReadonlySet<string> = new Set(['hello', 'join', 'resume', 'create', 'join-code', 'match']);

/** @param deviceMs - now, on the device's clock. */
export function helloOf(token: string, deviceMs: number): UpMessage {
  return { type: 'hello', version: PROTOCOL_VERSION, oldestVersion: OLDEST_PROTOCOL_VERSION, capabilities: KNOWN, token, deviceMs, client: 'copresence-ts' };
}

/** @throws CopresenceError MESSAGE_INVALID when the options name no way into a session. */
export function checkEntry({ session, way }: ConnectOptions): void {
  if (session === undefined && way === undefined) throw new CopresenceError('MESSAGE_INVALID', 'neither the name of a session nor another way into one');
}

/** What is known of the session once somebody has been in it. */
export interface KnownSession {
  readonly session: string;
  readonly info: SessionInfo | undefined;
}

/**
 * The message that leads into the session.
 *
 * @param known - of an earlier participation, which goes before the way that led there: what was made or matched once is there now.
 */
export function entryOf(options: ConnectOptions, consent: Consent, known: KnownSession | undefined): UpMessage {
  const { name, video } = options;
  const who = { name, consent, ...(video === undefined ? {} : { video: [...video] }) };
  if (known?.info?.visibility === 'private') return { type: 'join-code', code: known.info.code, ...who };
  if (known !== undefined) return { type: 'join', session: known.session, ...who };
  return firstEntryOf(options, who);
}

function firstEntryOf({ session, way }: ConnectOptions, who: Pick<UpMessageOf<'join'>, 'name' | 'consent' | 'video'>): UpMessage {
  switch (way?.kind) {
    case 'create':
      return { type: 'create', ...(session === undefined ? {} : { session }), ...who, ...way.wanted };
    case 'code':
      return { type: 'join-code', code: way.code, ...who };
    case 'match':
      return { type: 'match', ...who, ...way.wanted };
    case undefined:
      assert(session !== undefined, 'checked before');
      return { type: 'join', session, ...who };
    default:
      return unreachable(way);
  }
}

/** Whether a refusal about this message means that nothing will come of the way in. */
export function isWayIn(about: string): boolean {
  return WAYS_IN.has(about);
}

/** What a client asks of its snapshots. */
export function snapshotsOf({ rateHz, bytesPerSecond }: SnapshotWish): UpMessage {
  return { type: 'snapshots', ...(rateHz === undefined ? {} : { rateHz }), ...(bytesPerSecond === undefined ? {} : { bytesPerSecond }) };
}

/** How long the way may take beyond what the network takes. */
export function waitMs({ way }: ConnectOptions): number {
  return way?.kind === 'match' ? way.wanted.timeoutMs : 0;
}

export function selfOf({ session, slot, participantId, role, grants, tickRateHz }: DownMessageOf<'joined'>): Self {
  return { session, slot, participantId, role, grants, tickRateHz };
}
