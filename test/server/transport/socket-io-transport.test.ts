import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { io, type Socket } from 'socket.io-client';
import WebSocket from 'ws';
import { systemClock } from '../../../core/clock.ts';
import type { ErrorCode } from '../../../core/errors.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import type { Connection, ConnectionListener } from '../../../server/flow.ts';
import { SocketIoTransport } from '../../../server/transport/socket-io-transport.ts';
import { takeUpgrades } from '../../../server/transport/upgrades.ts';
import { SOCKET_IO_PATH } from '../../../server/transport/web-socket.ts';
import { closeCodeOf, connectSocketIo, webSocketOf } from '../../contract/socket-io-client.ts';
import { describeTransport } from '../../contract/transport-contract.ts';
import { until } from '../../support/until.ts';

interface Listening {
  readonly http: Server;
  readonly transport: SocketIoTransport;
  readonly port: number;
}

async function listen(settings: { listener: ConnectionListener; allowedOrigins: readonly string[]; maxConnections: number }): Promise<Listening> {
  const http = createServer();
  const transport = new SocketIoTransport({ clock: systemClock(), ...settings });
  takeUpgrades(http, new Map([[SOCKET_IO_PATH, transport]]));
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  return { http, transport, port: (http.address() as AddressInfo).port };
}

function end({ http, transport }: Listening): Promise<void> {
  transport.close('SERVER_DRAINING', 'end of test');
  http.closeAllConnections();
  http.close();
  return Promise.resolve();
}

describeTransport(
  '[SIO1] [SIO2] [SIO3] Socket.IO',
  async (settings) => {
    const listening = await listen(settings);
    return { connect: connectSocketIo(listening.port), closeTransport: (code, reason) => listening.transport.close(code, reason), close: () => end(listening) };
  },
  { text: true, handshake: true, packetLimit: true },
);

let listening: Listening;
let connections: Connection[];
let packets: Uint8Array[];
let closes: (ErrorCode | 'NORMAL')[];

beforeEach(async () => {
  const mine = { connections: [] as Connection[], packets: [] as Uint8Array[], closes: [] as (ErrorCode | 'NORMAL')[] };
  ({ connections, packets, closes } = mine);
  const listener: ConnectionListener = {
    onOpen: (connection) => void mine.connections.push(connection),
    onPacket: (_connection, packet) => void mine.packets.push(Uint8Array.from(packet)),
    onClose: (_connection, code) => void mine.closes.push(code),
  };
  listening = await listen({ listener, allowedOrigins: [], maxConnections: 8 });
});
afterEach(() => end(listening));

function connect(auth: Record<string, unknown> = {}, namespace = ''): Socket {
  return io(`http://127.0.0.1:${listening.port}${namespace}`, { transports: ['websocket'], reconnection: false, forceNew: true, auth });
}

async function open(auth: Record<string, unknown> = {}): Promise<Socket> {
  const before = connections.length;
  const socket = connect(auth);
  await until(() => socket.connected && connections.length > before);
  return socket;
}

/** A WebSocket that has been through the handshake of Engine.IO, and may say anything. */
async function openRaw(query = 'EIO=4&transport=websocket'): Promise<{ socket: WebSocket; texts: string[]; closed: Promise<number> }> {
  const socket = new WebSocket(`ws://127.0.0.1:${listening.port}${SOCKET_IO_PATH}?${query}`);
  const texts: string[] = [];
  socket.on('message', (data) => texts.push((data as Buffer).toString()));
  const closed = new Promise<number>((resolve) => socket.once('close', resolve));
  await new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  socket.on('error', () => undefined);
  return { socket, texts, closed };
}

describe('the Socket.IO transport', () => {
  it('[SIO1] does not compress, and neither polls nor moves to another link', async () => {
    const socket = await open();
    expect(webSocketOf(socket).extensions).toBe('');
    const sid = socket.io.engine.id;
    await expect(openRaw('EIO=4&transport=polling')).rejects.toThrow('400');
    await expect(openRaw(`EIO=4&transport=websocket&sid=${sid}`)).rejects.toThrow('400');
    await expect(openRaw('EIO=4')).rejects.toThrow('400');
    const polling = await fetch(`http://127.0.0.1:${listening.port}${SOCKET_IO_PATH}?EIO=4&transport=polling`, { signal: AbortSignal.timeout(200) }).catch(() => undefined);
    expect(polling).toBeUndefined();
    expect(connections).toHaveLength(1);
  });

  it('[SIO1] has no other namespace, and tells so', async () => {
    const socket = connect({}, '/admin');
    const error = await new Promise<Error>((resolve) => socket.once('connect_error', resolve));
    expect(error.message).toBe('Invalid namespace');
    socket.disconnect();
    expect(connections).toHaveLength(0);
  });

  it.each(['xml', 7, null, ['objects'], { objects: true }])('[SIO1] refuses the format %j', async (format) => {
    const socket = connect({ format });
    const error = await new Promise<Error>((resolve) => socket.once('connect_error', resolve));
    expect(error.message).toContain('auth.format');
    socket.disconnect();
    expect(connections).toHaveLength(0);
  });

  it('[SIO1] takes a namespace once, and a link ends with its client', async () => {
    const { socket, closed } = await openRaw();
    socket.send('40');
    await until(() => connections.length === 1);
    socket.send('41');
    socket.send('40');
    await closed;
    expect(connections).toHaveLength(1);
    expect(closes).toEqual(['CONNECTION_LOST']);
  });

  it('[SIO3] says why before it ends a client, and closes the WebSocket with the same code', async () => {
    const socket = await open();
    const saying = new Promise((resolve) => socket.once('closing', resolve));
    const details = new Promise<unknown>((resolve) => socket.once('disconnect', (_reason, given) => resolve(given)));
    connections[0]?.close('TOKEN_INVALID', 'expired');
    expect(await saying).toEqual({ code: 'TOKEN_INVALID', reason: 'expired', closeCode: 4401 });
    expect(await details).toMatchObject({ context: { code: 4401 } });
  });

  it('[SIO4] hands on what is no event of the protocol as a message of kind 0, to be refused and counted', async () => {
    const socket = await open();
    for (const event of ['message', 'pose', 'toString', '__proto__', 'constructor', 'closing', '']) socket.emit(event, { any: 'thing' });
    await until(() => packets.length === 7);
    expect(packets.every((packet) => packet.length === 2 && packet[0] === 0)).toBe(true);
    expect(closes).toEqual([]);
  });

  it.each([[[]], [[{}]], [[null]], [[1]], [[[1, 2]]], [[Uint8Array.of(1), Uint8Array.of(2)]], [[{ packet: Uint8Array.of(1) }]]])('[SIO4] ends who sends a packet of %j', async (args: unknown[]) => {
    const socket = await open();
    const closed = closeCodeOf(socket);
    socket.emit('packet', ...args);
    expect(await closed).toBe(1007);
    await until(() => closes.length === 1);
    expect(closes).toEqual(['PACKET_MALFORMED']);
    expect(packets).toEqual([]);
  });

  it.each([
    ['text that is no packet', ['4nonsense']],
    ['an event that is no array', ['42{"a":1}']],
    ['attachments beyond the bound', ['45999999-["packet"]']],
    ['more attachments than the library takes', ['4511-["packet"]']],
    ['a text in place of an attachment', ['451-["packet",{"_placeholder":true,"num":0}]', '42["packet"]']],
    ['bytes without an event', [Buffer.from([1, 2, 3])]],
    ['a placeholder out of range', ['451-["packet",{"_placeholder":true,"num":7}]', Buffer.from([1])]],
    ['an event by the name of error', ['42["error","boo"]']],
    ['nesting deeper than a stack', [`451-["packet",${'['.repeat(150_000)}${']'.repeat(150_000)}]`, Buffer.from([1])]],
  ])('[SIO4] ends who sends %s', async (_name, frames) => {
    const { socket, closed } = await openRaw();
    socket.send('40');
    await until(() => connections.length === 1);
    for (const frame of frames) socket.send(frame);
    expect(await closed).toBe(1007);
    await until(() => closes.length === 1);
    expect(closes).toEqual(['PACKET_MALFORMED']);
    const other = await open();
    other.emit('packet', Uint8Array.of(5));
    await until(() => packets.at(-1)?.[0] === 5);
  });

  it('[SIO4] ends who asks and asks without reading the answers', async () => {
    const { socket, closed } = await openRaw();
    socket.send('40');
    await until(() => connections.length === 1);
    socket.pause();
    const asking = `40/${'x'.repeat(200)},`;
    await until(
      () => closes.length > 0,
      () => {
        for (let count = 0; count < 2000 && socket.bufferedAmount < 1_000_000; count++) socket.send(asking);
      },
    );
    expect(closes).toEqual(['SLOW_CONSUMER']);
    socket.terminate();
    await closed;
  });

  it('[SIO5] counts as waiting what the library holds back', async () => {
    const socket = await open();
    webSocketOf(socket).pause();
    const [connection] = connections;
    const chunk = new Uint8Array(LIMITS.packetBytes / 4);
    await until(() => (connection?.bufferedBytes ?? 0) > chunk.length * 3, () => void (((connection?.bufferedBytes ?? 0) < chunk.length * 4) && connection?.send(chunk, 'reliable')));
    expect(connection?.send(new Uint8Array(1), 'latest')).toBe('superseded');
    webSocketOf(socket).resume();
    await until(() => connection?.bufferedBytes === 0);
    expect(connection?.send(new Uint8Array(1), 'latest')).toBe('sent');
  });
});
