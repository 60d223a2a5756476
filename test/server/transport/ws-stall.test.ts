import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import WebSocket from 'ws';
import { ManualClock } from '../../../core/clock.ts';
import type { ErrorCode } from '../../../core/errors.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import type { Connection } from '../../../server/flow.ts';
import { takeUpgrades } from '../../../server/transport/upgrades.ts';
import { CONNECT_PATH, SUBPROTOCOL } from '../../../server/transport/web-socket.ts';
import { WsTransport } from '../../../server/transport/ws-transport.ts';
import { until } from '../../support/until.ts';

const MESSAGE = new Uint8Array(LIMITS.packetBytes / 4);

it('[BRC2] [BRC3] ends a reader of whom no byte leaves, without a close frame, and nobody else', async () => {
  const clock = new ManualClock();
  const connections: Connection[] = [];
  const closes: [string, ErrorCode | 'NORMAL'][] = [];
  const http = createServer();
  const listener = { onOpen: (connection: Connection) => void connections.push(connection), onPacket: () => undefined, onClose: ({ id }: Connection, code: ErrorCode | 'NORMAL') => void closes.push([id, code]) };
  const transport = new WsTransport({ clock, listener, allowedOrigins: [], maxConnections: 2 });
  takeUpgrades(http, new Map([[CONNECT_PATH, transport]]));
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const turn = (): void => clock.advance(0);
  const open = async (): Promise<WebSocket> => {
    const socket = new WebSocket(`ws://127.0.0.1:${(http.address() as AddressInfo).port}${CONNECT_PATH}`, SUBPROTOCOL);
    await until(() => socket.readyState === WebSocket.OPEN, turn);
    return socket;
  };
  const stuck = await open();
  const reader = await open();
  let readBytes = 0;
  reader.on('message', (data) => (readBytes += (data as Buffer).length));
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
  expect(closes).toEqual([['c1', 'SLOW_CONSUMER']]);
  const closed = new Promise<number>((resolve) => stuck.once('close', resolve));
  stuck.resume();
  expect(await closed).toBe(1006);
  expect(reader.readyState).toBe(WebSocket.OPEN);
  transport.close('SERVER_DRAINING', 'end of test');
  clock.advance(5000);
  http.closeAllConnections();
  http.close();
});
