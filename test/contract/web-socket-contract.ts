/** What holds for every transport that speaks WebSocket by itself, beside the contract of all. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { ManualClock } from '../../core/clock.ts';
import { CONNECT_PATH, SUBPROTOCOL } from '../../client/socket.ts';
import type { ErrorCode } from '../../core/errors.ts';
import { seededRandom } from '../../core/random.ts';
import { LIMITS } from '../../protocol/limits.ts';
import type { Connection } from '../../server/flow.ts';
import type { WebSocketOptions } from '../../server/transport/web-socket.ts';
import { Admission } from '../../server/transport/admission.ts';
import { countAddresses } from '../../server/transport/door.ts';
import { until } from '../support/until.ts';

/** One transport that listens on 127.0.0.1. */
export interface ListeningTransport {
  readonly port: number;
  close(): void;
}

const MESSAGE = new Uint8Array(LIMITS.packetBytes / 4);

/** Runs on a clock that stands still, so that nothing ends unless the test lets time pass. */
export function describeWebSocket(name: string, listen: (options: WebSocketOptions) => Promise<ListeningTransport>): void {
  describe(`a WebSocket over ${name}`, () => {
    let clock: ManualClock;
    let transport: ListeningTransport;
    let admission: Admission;
    let connections: Connection[];
    let packets: Uint8Array[];
    let closes: { readonly connection: Connection; readonly code: ErrorCode | 'NORMAL' }[];

    beforeEach(async () => {
      const seen = { connections: [] as Connection[], packets: [] as Uint8Array[], closes: [] as typeof closes };
      ({ connections, packets, closes } = seen);
      clock = new ManualClock();
      const listener = {
        onOpen: (connection: Connection) => void seen.connections.push(connection),
        onPacket: (_connection: Connection, packet: Uint8Array) => void seen.packets.push(Uint8Array.from(packet)),
        onClose: (connection: Connection, code: ErrorCode | 'NORMAL') => void seen.closes.push({ connection, code }),
      };
      admission = new Admission({ connectionsPerAddress: 2, acceptsPerSecond: 3 }, seededRandom(1), clock.nowMs());
      transport = await listen({ clock, listener: countAddresses(admission, listener), admission, allowedOrigins: [], maxConnections: 3 });
    });
    afterEach(() => {
      transport.close();
      clock.advance(5000);
    });

    const turn = (): void => clock.advance(0);

    async function open({ path = CONNECT_PATH, subprotocols = [SUBPROTOCOL], options = {} }: { path?: string; subprotocols?: string[]; options?: WebSocket.ClientOptions } = {}): Promise<WebSocket> {
      const socket = new WebSocket(`ws://127.0.0.1:${transport.port}${path}`, subprotocols, options);
      await until(() => socket.readyState === WebSocket.OPEN, turn);
      return socket;
    }

    const refusal = (origin?: string): Promise<{ status: number | undefined; retryAfter: string | undefined }> =>
      new Promise((resolve) => {
        const socket = new WebSocket(`ws://127.0.0.1:${transport.port}${CONNECT_PATH}`, SUBPROTOCOL, origin === undefined ? {} : { origin });
        socket.on('error', () => undefined);
        socket.once('unexpected-response', (_request, { statusCode, headers }) => {
          resolve({ status: statusCode, retryAfter: headers['retry-after'] });
          socket.terminate();
        });
      });

    it('[WSK1] agrees on the subprotocol and offers no compression', async () => {
      const socket = await open({ subprotocols: ['other', SUBPROTOCOL], options: { perMessageDeflate: true } });
      expect(socket.protocol).toBe(SUBPROTOCOL);
      expect(socket.extensions).toBe('');
    });

    it('[WSK1] takes a path with a query, and an offer without its subprotocol with none selected', async () => {
      const socket = await open({ path: `${CONNECT_PATH}?from=here`, subprotocols: [] });
      expect(socket.protocol).toBe('');
      expect(connections).toHaveLength(1);
    });

    it('[WSK2] answers 429 for an address with too many connections and 503 for too many at once, with some seconds to wait', async () => {
      const first = await open();
      await open();
      expect(await refusal()).toMatchObject({ status: 429, retryAfter: expect.stringMatching(/^[1-8]$/) });
      first.terminate();
      await until(() => closes.length === 1, turn);
      const again = await open();
      again.terminate();
      await until(() => closes.length === 2, turn);
      expect(await refusal()).toMatchObject({ status: 503, retryAfter: expect.stringMatching(/^[1-8]$/) });
      clock.advance(1000);
      await open();
      expect(await refusal('https://evil.example')).toEqual({ status: 403, retryAfter: undefined });
    });

    it('[WSK3] takes nothing that follows a text', async () => {
      const socket = await open();
      const closed = new Promise<number>((resolve) => socket.once('close', resolve));
      socket.send('hello');
      socket.send(Uint8Array.from([1]));
      expect(await closed).toBe(1003);
      expect(packets).toEqual([]);
    });

    it('[BRC2] [BRC3] ends a reader of whom no byte leaves, without a close frame, and nobody else', async () => {
      const stuck = await open();
      const reader = await open();
      let readBytes = 0;
      reader.on('message', (packet) => (readBytes += (packet as Buffer).length));
      stuck.pause();
      let sentBytes = 0;
      // The kernel takes some megabytes before bytes wait here.
      for (let quietTurns = 0; quietTurns < 20; ) {
        const waiting = connections[0]?.bufferedBytes ?? 0;
        quietTurns = waiting > 0 ? quietTurns + 1 : 0;
        if (waiting === 0) for (const connection of connections) connection.send(MESSAGE, 'reliable');
        if (waiting === 0) sentBytes += MESSAGE.length;
        await until(() => readBytes === sentBytes, turn);
      }
      clock.advance(LIMITS.slowConsumerMs - 1);
      expect(closes).toEqual([]);
      clock.advance(1000);
      await until(() => closes.length > 0, turn);
      expect(closes).toEqual([{ connection: connections[0], code: 'SLOW_CONSUMER' }]);
      const closed = new Promise<number>((resolve) => stuck.once('close', resolve));
      stuck.resume();
      expect(await closed).toBe(1006);
      expect(reader.readyState).toBe(WebSocket.OPEN);
    });
  });
}
