/** A UDP relay between two peers that loses, delays and reorders what it carries, by a seed. */
import { createSocket, type RemoteInfo } from 'node:dgram';
import type { Clock } from '../../../../core/clock.ts';
import { randomBetween, seededRandom } from '../../../../core/random.ts';

export interface Impairment {
  /** 0..1 */
  readonly lossRate: number;
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
}

export interface UdpRelay {
  readonly port: number;
  /** Datagrams that it took and that it lost. */
  readonly carried: number;
  readonly lost: number;
  /** Where datagrams of the first who sends one go; theirs come back the same way. */
  aimAt(port: number): void;
  /** Impairs from now on; before, everything goes through at once. */
  impair(impairment: Impairment): void;
  close(): void;
}

/** The UDP port of a candidate of 127.0.0.1. */
export function portOf(candidate: string): number {
  return Number(/ 127\.0\.0\.1 (\d+) typ host/.exec(candidate)?.[1] ?? 0);
}

export async function startRelay(clock: Clock, seed: number): Promise<UdpRelay> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const random = seededRandom(seed);
  let impairment: Impairment = { lossRate: 0, minDelayMs: 0, maxDelayMs: 0 };
  let serverPort = 0;
  let clientPort = 0;
  let carried = 0;
  let lost = 0;
  let isOpen = true;
  socket.on('message', (bytes: Buffer, { port }: RemoteInfo) => {
    if (port !== serverPort) clientPort = port;
    const to = port === serverPort ? clientPort : serverPort;
    carried++;
    if (random.next() < impairment.lossRate) return void lost++;
    const delayMs = randomBetween(random, impairment.minDelayMs, impairment.maxDelayMs);
    if (to !== 0) clock.schedule(delayMs, () => isOpen && socket.send(bytes, to, '127.0.0.1'));
  });
  return {
    port: socket.address().port,
    get carried() {
      return carried;
    },
    get lost() {
      return lost;
    },
    aimAt: (port) => (serverPort ||= port),
    impair: (next) => (impairment = next),
    close() {
      isOpen = false;
      socket.close();
    },
  };
}
