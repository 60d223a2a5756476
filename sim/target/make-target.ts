/** Makes the target that a profile names, on the transport that it names. */
import type { Clock } from '../../core/clock.ts';
import { CopresenceError } from '../../core/errors.ts';
import type { Random } from '../../core/random.ts';
import { openLeanSocket } from './lean-socket.ts';
import { LightGuest } from './light-guest.ts';
import type { LineFactory } from './line.ts';
import { throughNetwork, type Weather } from '../load/impairment.ts';
import type { Guest, GuestListener, GuestPlace, Target } from './target.ts';

export interface TargetOptions {
  readonly kind: 'copresence' | 'socket.io-relay' | 'colyseus';
  readonly transport: 'ws' | 'socket.io' | 'rtc';
  readonly headset: 'light' | 'sdk';
  readonly url: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Whether any network is or turns bad in the run. */
  readonly isImpaired: boolean;
  readonly weatherOf: (number: number) => Weather;
  readonly token: (subject: string, session: string) => Promise<string>;
}

/** @throws CopresenceError CONFIG_INVALID when the combination does not exist, or needs a package that is not installed. */
export async function makeTarget(options: TargetOptions): Promise<Target> {
  const { url, clock, random, token, weatherOf } = options;
  const open = await lineFactory(options);
  // The wrapper costs a little at each packet, so it is only there where a network can turn bad.
  const lineOf = (number: number): LineFactory => (options.isImpaired ? throughNetwork(open, { clock, random, weather: weatherOf(number) }) : open);
  const guest = (place: GuestPlace, listener: GuestListener): Guest => new LightGuest({ url, clock, random, token, openLine: lineOf(place.number) }, place, listener);
  return { name: options.kind, guest, close: () => Promise.resolve() };
}

function lineFactory({ transport }: TargetOptions): Promise<LineFactory> {
  if (transport !== 'ws') throw new CopresenceError('CONFIG_INVALID', `transport: ${transport} is not there`);
  return Promise.resolve(openLeanSocket);
}
