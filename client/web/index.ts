/** The SDK for browsers, `copresence/client`: everything of the package, and a way in over whichever transport works. */
import { systemClock } from '../../core/clock.ts';
import type { Clock } from '../../core/clock.ts';
import type { ConnectOptions, CopresenceClient } from '../client.ts';
import { connect } from '../connect.ts';
import { Fallback, type NamedTransport } from '../fallback.ts';
import { openBrowserSocket } from './socket.ts';

export { CopresenceError, type ErrorCode } from '../../core/errors.ts';
export { systemClock, type Clock } from '../../core/clock.ts';
export { createPoseSample, PART_BITS, type Part, type PoseSample } from '../../protocol/codec/pose-sample.ts';
export { HAND_FLOATS } from '../../protocol/codec/hand.ts';
export { POSE_FLOATS } from '../../protocol/codec/quantise.ts';
export { HAND_JOINT_COUNT, HAND_JOINTS } from '../../protocol/joints.ts';
export type { ResultMessage } from '../../protocol/message/result.ts';
export * from '../mapping/body-landmarks.ts';
export * from '../mapping/hand-joints.ts';
export * from '../client.ts';
export * from '../connect.ts';
export * from '../events.ts';
export * from '../find-sessions.ts';
export * from '../pace.ts';
export * from '../pace-loop.ts';
export { XrCapture } from './capture.ts';
export { openBrowserSocket } from './socket.ts';

export type BrowserTransport = 'rtc' | 'ws';

export interface BrowserOptions extends Omit<ConnectOptions, 'clock' | 'openSocket'> {
  /** Ways to connect, the best first; WebRTC, then a WebSocket when left out. */
  readonly transports?: readonly BrowserTransport[];
  /** The page's clock when left out. */
  readonly clock?: Clock;
}

export interface BrowserJoin {
  readonly client: CopresenceClient;
  /** The way that the connection now goes, or went last. */
  readonly transport: BrowserTransport;
}

/** How long WebRTC may take: some round trips and the candidates' checks. */
const OPEN_WITHIN_MS = 5000;

/**
 * Joins from a page over the first transport that works. WebRTC is loaded only when it is asked for.
 *
 * @throws what `connect` throws.
 */
export async function join({ transports = ['rtc', 'ws'], clock = systemClock(), ...options }: BrowserOptions): Promise<BrowserJoin> {
  const ways = await Promise.all(transports.map((name) => transportOf(name, clock, options.token)));
  const fallback = new Fallback(ways, { clock, openWithinMs: OPEN_WITHIN_MS });
  const client = await connect({ ...options, clock, openSocket: fallback.openSocket });
  return {
    client,
    get transport() {
      return fallback.transport ?? 'ws';
    },
  };
}

async function transportOf(name: BrowserTransport, clock: Clock, token: string): Promise<NamedTransport<BrowserTransport>> {
  if (name === 'ws') return { name, openSocket: openBrowserSocket };
  const { rtcSocket } = await import('./rtc-socket.ts');
  return { name, openSocket: rtcSocket(clock, token) };
}
