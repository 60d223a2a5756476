import { createServer } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../core/clock.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { isAllowedOrigin } from '../../../server/transport/origin.ts';
import { FLOWING, isStalled, watchStall } from '../../../server/transport/stall-watch.ts';
import { takeUpgrades } from '../../../server/transport/upgrades.ts';
import { CONNECT_PATH } from '../../../server/transport/web-socket.ts';
import { WsTransport } from '../../../server/transport/ws-transport.ts';
import { describeTransport } from '../../contract/transport-contract.ts';
import { describeWebSocket } from '../../contract/web-socket-contract.ts';
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

describeWebSocket('ws', async (options) => {
  const server = createServer();
  const listening = new WsTransport(options);
  takeUpgrades(server, new Map([[CONNECT_PATH, listening]]));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      listening.close('SERVER_DRAINING', 'end of test');
      server.closeAllConnections();
      server.close();
    },
  };
});

it('survives a handshake that is garbage or breaks off', async () => {
  const http = createServer();
  const transport = new WsTransport({ clock: systemClock(), listener: { onOpen: () => undefined, onPacket: () => undefined, onClose: () => undefined }, allowedOrigins: [], maxConnections: 3 });
  takeUpgrades(http, new Map([[CONNECT_PATH, transport]]));
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const { port } = http.address() as AddressInfo;
  const sockets: Socket[] = ['\0\0\0\r\n\r\n', `GET ${CONNECT_PATH} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n`].map((text) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.resume();
    socket.end(text);
    return socket;
  });
  await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve))));
  await connectWebSocket(port)();
  transport.close('SERVER_DRAINING', 'end of test');
  http.closeAllConnections();
  http.close();
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
