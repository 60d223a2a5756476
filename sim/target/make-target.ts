/** Makes the target that a profile names, on the transport that it names. */
import type { Clock } from '../../core/clock.ts';
import { CopresenceError } from '../../core/errors.ts';
import type { Random } from '../../core/random.ts';
import { throughNetwork, type Weather } from '../load/impairment.ts';
import type { Profile } from '../load/profile.ts';
import { colyseus } from './colyseus.ts';
import { ForeignGuest, type OpenForeign } from './foreign-guest.ts';
import { openLeanSocket } from './lean-socket.ts';
import { LightGuest, type LightParts } from './light-guest.ts';
import type { LineFactory } from './line.ts';
import { rtcLines } from './rtc-line.ts';
import { SdkGuest } from './sdk-guest.ts';
import { socketIoLines } from './socket-io-line.ts';
import { socketIoRelay } from './socket-io-relay.ts';
import type { GuestPlace, Target } from './target.ts';

export interface TargetOptions {
  readonly profile: Profile;
  readonly url: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly weatherOf: (number: number) => Weather;
  readonly token: (subject: string, session: string) => Promise<string>;
}

/** @throws CopresenceError CONFIG_INVALID when the combination does not exist, or needs a package that is not installed. */
export async function makeTarget(options: TargetOptions): Promise<Target> {
  const { profile } = options;
  switch (profile.target) {
    case 'copresence': return ownTarget(options);
    case 'socket.io-relay': return foreignTarget(options, socketIoRelay);
    case 'colyseus': return foreignTarget(options, colyseus);
    default: return profile.target satisfies never;
  }
}

async function ownTarget({ profile, url, clock, random, token, weatherOf }: TargetOptions): Promise<Target> {
  const { linesFor, close } = await openTransport(profile.transport, clock);
  // The wrapper costs a little at each packet, so it is only there where a network can turn bad.
  const isImpaired = profile.network !== undefined || profile.faults.some(({ kind }) => kind === 'network');
  const partsOf = ({ number, name, session }: GuestPlace): LightParts => {
    const open = linesFor(() => token(name, session));
    return { url, clock, random, token, deltas: profile.headset.deltas, openLine: isImpaired ? throughNetwork(open, { clock, random, weather: weatherOf(number) }) : open };
  };
  const Kind = profile.headset.kind === 'sdk' ? SdkGuest : LightGuest;
  return { name: profile.target, guest: (place, listener) => new Kind(partsOf(place), place, listener), close };
}

/** Lines of each guest. @param token - what it is let in by, for a transport that asks before a hello. */
type LinesFor = (token: () => Promise<string>) => LineFactory;

async function openTransport(transport: Profile['transport'], clock: Clock): Promise<{ readonly linesFor: LinesFor; readonly close: () => void }> {
  switch (transport) {
    case 'ws': return { linesFor: () => openLeanSocket, close: () => undefined };
    case 'socket.io': {
      const open = await socketIoLines();
      return { linesFor: () => open, close: () => undefined };
    }
    case 'rtc': return rtcLines(clock);
    default: return transport satisfies never;
  }
}

async function foreignTarget({ profile, url, clock, random }: TargetOptions, load: (url: string) => Promise<OpenForeign>): Promise<Target> {
  const { target, transport, headset, network, faults } = profile;
  if (transport !== 'ws' || headset.kind !== 'light' || headset.cameras > 0) throw new CopresenceError('CONFIG_INVALID', `target ${target} has a client of its own: leave out transport, headset.kind and headset.cameras`);
  if (network !== undefined || faults.some(({ kind }) => kind !== 'reconnect-storm')) throw new CopresenceError('CONFIG_INVALID', `target ${target} knows no fault but reconnect-storm`);
  const open = await load(url);
  return { name: target, guest: (place, listener) => new ForeignGuest({ clock, random }, open, place, listener) };
}
