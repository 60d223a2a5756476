/** A client of the contract suite over the stock `socket.io-client`. */
import { io, type Socket } from 'socket.io-client';
import type WebSocket from 'ws';
import type { ContractClient, ContractHarness } from './transport-contract.ts';

/** @param port - of the transport on 127.0.0.1. @returns what a harness's `connect` is. */
export function connectSocketIo(port: number): ContractHarness['connect'] {
  return ({ origin, path = '/socket.io/' } = {}) =>
    new Promise((resolve, reject) => {
      const socket = io(`http://127.0.0.1:${port}`, { path, transports: ['websocket'], reconnection: false, forceNew: true, ...(origin === undefined ? {} : { extraHeaders: { origin } }) });
      const client = clientOf(socket);
      socket.once('connect', () => resolve(client));
      socket.once('connect_error', (error) => reject(handshakeError(error)));
    });
}

/** The WebSocket that the library made. */
export function webSocketOf(socket: Socket): WebSocket {
  return (socket.io.engine.transport as unknown as { ws: WebSocket }).ws;
}

/** What the library tells of a WebSocket that did not come to be, with the HTTP status in its message. */
function handshakeError(error: Error & { description?: unknown }): Error {
  const { description } = error;
  return typeof description === 'object' && description !== null && 'message' in description ? new Error(String(description.message)) : error;
}

function clientOf(socket: Socket): ContractClient {
  const received: Uint8Array[] = [];
  socket.on('packet', (packet: Uint8Array) => void received.push(Uint8Array.from(packet)));
  return {
    received,
    closed: closeCodeOf(socket),
    send: (packet) => void socket.emit('packet', packet),
    sendText: (text) => void socket.emit('packet', text),
    setReading: (reading) => (reading ? webSocketOf(socket).resume() : webSocketOf(socket).pause()),
    cut: () => webSocketOf(socket).terminate(),
  };
}

/** What `closing` said, else the close code of the WebSocket below. */
export function closeCodeOf(socket: Socket): Promise<number> {
  let said: number | undefined;
  socket.on('closing', ({ closeCode }: { closeCode: number }) => void (said = closeCode));
  return new Promise((resolve) => {
    socket.once('disconnect', (_reason, details) => {
      const { context } = (details ?? {}) as { context?: { code?: number } };
      resolve(said ?? context?.code ?? 1006);
    });
  });
}
