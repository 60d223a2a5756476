import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { systemClock } from '../../../core/clock.ts';
import type { ErrorCode } from '../../../core/errors.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import type { Connection } from '../../../server/flow.ts';
import { isAllowedOrigin } from '../../../server/transport/origin.ts';
import { FLOWING, isStalled, watchStall } from '../../../server/transport/stall-watch.ts';
import { takeUpgrades } from '../../../server/transport/upgrades.ts';
import { CONNECT_PATH, SUBPROTOCOL } from '../../../server/transport/web-socket.ts';
import { WsTransport } from '../../../server/transport/ws-transport.ts';
import { describeTransport } from '../../contract/transport-contract.ts';
import { connectWebSocket } from '../../contract/ws-client.ts';

describeTransport(
  'ws',
  async ({ listener, allowedOrigins, maxConnections }) => {
    const server = createServer();
    const contracted = new WsTransport({ clock: systemClock(), listener, allowedOrigins, maxConnections });
    takeUpgrades(server, new Map([[CONNECT_PATH, contracted]]));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return {
      connect: connectWebSocket((server.address() as AddressInfo).port),
      closeTransport: (code, reason) => contracted.close(code, reason),
      close() {
        contracted.close('SERVER_DRAINING', 'end of test');
        server.closeAllConnections();
        server.close();
        return Promise.resolve();
      },
    };
  },
  { text: true, handshake: true, packetLimit: true },
);

interface Seen {
  readonly connections: Connection[];
  readonly packets: Uint8Array[];
  readonly closes: (ErrorCode | 'NORMAL')[];
}

let http: Server;
let transport: WsTransport;
let seen: Seen;
let url: string;

beforeEach(async () => {
  const mine: Seen = { connections: [], packets: [], closes: [] };
  seen = mine;
  http = createServer();
  transport = new WsTransport({
    clock: systemClock(),
    allowedOrigins: ['https://ours.example'],
    maxConnections: 3,
    listener: {
      onOpen: (connection) => void mine.connections.push(connection),
      onPacket: (_connection, packet) => void mine.packets.push(Uint8Array.from(packet)),
      onClose: (_connection, code) => void mine.closes.push(code),
    },
  });
  takeUpgrades(http, new Map([[CONNECT_PATH, transport]]));
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  url = `ws://127.0.0.1:${(http.address() as AddressInfo).port}${CONNECT_PATH}`;
});

afterEach(() => {
  transport.close('SERVER_DRAINING', 'end of test');
  http.closeAllConnections();
  http.close();
});

const open = (options: WebSocket.ClientOptions = {}): Promise<WebSocket> =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(url, SUBPROTOCOL, options);
    socket.once('open', () => resolve(socket));
    socket.once('error', reject);
  });

describe('the WebSocket transport', () => {
  it('[WSK1] agrees on the subprotocol and offers no compression', async () => {
    const socket = await open({ perMessageDeflate: true });
    expect(socket.protocol).toBe(SUBPROTOCOL);
    expect(socket.extensions).toBe('');
  });

  it('[WSK3] takes nothing that follows a text', async () => {
    const socket = await open();
    socket.send('hello');
    socket.send(Uint8Array.from([1]));
    const code = await new Promise<number>((resolve) => socket.once('close', resolve));
    expect(code).toBe(1003);
    expect(seen.packets).toEqual([]);
  });

  it('[WSK1] takes a path with a query, and an offer without its subprotocol with none selected', async () => {
    const socket = new WebSocket(`${url}?from=here`);
    await new Promise((resolve) => socket.once('open', resolve));
    expect(socket.protocol).toBe('');
    expect(seen.connections).toHaveLength(1);
  });

  it('survives a handshake that is garbage or breaks off', async () => {
    const port = Number(new URL(url).port);
    const sockets: Socket[] = ['\0\0\0\r\n\r\n', `GET ${CONNECT_PATH} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n`].map((text) => {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => undefined);
      socket.resume();
      socket.end(text);
      return socket;
    });
    await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve))));
    expect((await open()).readyState).toBe(WebSocket.OPEN);
  });
});

describe('the watch on slow readers', () => {
  it('[BRC2] gives up a reader whose bytes have not moved for five seconds, and not before', () => {
    let state = watchStall(FLOWING, 1000, 0);
    state = watchStall(state, 5000, LIMITS.slowConsumerMs - 1);
    expect(isStalled(state, LIMITS.slowConsumerMs - 1)).toBe(false);
    state = watchStall(state, 5000, LIMITS.slowConsumerMs);
    expect(isStalled(state, LIMITS.slowConsumerMs)).toBe(true);
  });

  it('[BRC2] takes any progress as a sign of life', () => {
    let state = watchStall(FLOWING, 1000, 0);
    state = watchStall(state, 900, 4900);
    expect(isStalled(watchStall(state, 900, 9000), 9000)).toBe(false);
    expect(isStalled(watchStall(state, 0, 20_000), 20_000)).toBe(false);
  });
});

describe('origins', () => {
  it.each([
    [undefined, 'server:7300', true],
    ['http://server:7300', 'server:7300', true],
    ['http://server:7301', 'server:7300', false],
    ['null', 'server:7300', false],
    ['https://listed.example', 'server:7300', true],
  ])('[WSK2] %s on %s: %s', (origin, host, allowed) => {
    expect(isAllowedOrigin(origin, host, ['https://listed.example'])).toBe(allowed);
  });
});
