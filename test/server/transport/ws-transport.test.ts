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
import { CONNECT_PATH, SUBPROTOCOL, WsTransport } from '../../../server/transport/ws-transport.ts';
import { until } from '../../support/until.ts';

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
  transport = new WsTransport(http, {
    clock: systemClock(),
    allowedOrigins: ['https://ours.example'],
    maxConnections: 3,
    listener: {
      onOpen: (connection) => void mine.connections.push(connection),
      onPacket: (_connection, packet) => void mine.packets.push(Uint8Array.from(packet)),
      onClose: (_connection, code) => void mine.closes.push(code),
    },
  });
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
const closeCode = (socket: WebSocket): Promise<number> => new Promise((resolve) => socket.once('close', resolve));

describe('the WebSocket transport', () => {
  it('[WSK1] agrees on the subprotocol and offers no compression', async () => {
    const socket = await open({ perMessageDeflate: true });
    expect(socket.protocol).toBe(SUBPROTOCOL);
    expect(socket.extensions).toBe('');
  });

  it('[BRC4] delivers packets both ways, several messages of one turn in one frame', async () => {
    const socket = await open();
    socket.send(Uint8Array.from([1, 2, 3]));
    await until(() => seen.packets.length === 1);
    expect(seen.packets[0]).toEqual(Uint8Array.from([1, 2, 3]));
    const received = new Promise<Buffer>((resolve) => socket.once('message', (data) => resolve(data as Buffer)));
    seen.connections[0]?.send(Uint8Array.from([4, 5]), 'reliable');
    seen.connections[0]?.send(Uint8Array.from([6]), 'latest');
    expect([...(await received)]).toEqual([4, 5, 6]);
  });

  it('[WSK3] closes a text frame with 1003', async () => {
    const socket = await open();
    socket.send('hello');
    expect(await closeCode(socket)).toBe(1003);
    await until(() => seen.closes.length === 1);
    expect(seen).toMatchObject({ closes: ['TEXT_NOT_SUPPORTED'], packets: [] });
  });

  it('[PKT4] closes a packet over the limit with 1009, without buffering it', async () => {
    const socket = await open();
    socket.on('error', () => undefined);
    socket.send(new Uint8Array(LIMITS.packetBytes + 1));
    expect(await closeCode(socket)).toBe(1009);
    await until(() => seen.closes.length === 1);
    expect(seen).toMatchObject({ closes: ['PACKET_TOO_LARGE'], packets: [] });
  });

  it('[ERR3] sends what was said before a close, then the code', async () => {
    const socket = await open();
    const received = new Promise<Buffer>((resolve) => socket.once('message', (data) => resolve(data as Buffer)));
    seen.connections[0]?.send(Uint8Array.from([9]), 'reliable');
    seen.connections[0]?.close('TOKEN_INVALID', 'no');
    expect([...(await received)]).toEqual([9]);
    expect(await closeCode(socket)).toBe(4401);
  });

  it('[WSK1] takes a path with a query, and an offer without its subprotocol with none selected', async () => {
    const socket = new WebSocket(`${url}?from=here`);
    await new Promise((resolve) => socket.once('open', resolve));
    expect(socket.protocol).toBe('');
    expect(seen.connections).toHaveLength(1);
  });

  it('calls a cut connection lost', async () => {
    const socket = await open();
    socket.terminate();
    await until(() => seen.closes.length === 1);
    expect(seen.closes).toEqual(['CONNECTION_LOST']);
  });

  it.each([
    ['a page of another origin', { origin: 'https://evil.example' }, 403],
    ['the wrong path', {}, 404],
  ])('[WSK2] refuses %s before the upgrade', async (what, options, status) => {
    const target = what.includes('path') ? url.replace(CONNECT_PATH, '/elsewhere') : url;
    const socket = new WebSocket(target, SUBPROTOCOL, options);
    const error = await new Promise<Error>((resolve) => socket.once('error', resolve));
    expect(error.message).toContain(String(status));
    expect(seen.connections).toHaveLength(0);
  });

  it('admits pages of an allowed origin', async () => {
    expect((await open({ origin: 'https://ours.example' })).readyState).toBe(WebSocket.OPEN);
  });

  it('[WSK2] refuses one connection more than it has room for', async () => {
    await open();
    await open();
    await open();
    await expect(open()).rejects.toThrow('503');
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
