/** The SDK for Node: everything of the package, and a socket over `ws`. */
import { WebSocket, type RawData } from 'ws';
import { LIMITS } from '../protocol/limits.ts';
import { SUBPROTOCOL, type ClientSocket, type SocketHandlers } from './socket.ts';

export * from './client.ts';
export * from './connect.ts';
export * from './events.ts';
export * from './find-sessions.ts';
export * from './pace.ts';
export * from './pace-loop.ts';

/** Opens a WebSocket with the package `ws`. */
export function openNodeSocket(url: string, handlers: SocketHandlers): ClientSocket {
  const socket = new WebSocket(url, SUBPROTOCOL, { perMessageDeflate: false, maxPayload: LIMITS.packetBytes });
  socket.binaryType = 'nodebuffer';
  // An error is always followed by a close, which says all that a client acts on.
  socket.on('error', () => undefined);
  socket.on('open', () => handlers.onOpen());
  socket.on('message', (packet: RawData, isBinary: boolean) => {
    if (isBinary && packet instanceof Uint8Array) handlers.onPacket(packet);
  });
  socket.on('close', (code, reason) => handlers.onClose(code, reason.toString()));
  return {
    get bufferedBytes() {
      return socket.bufferedAmount;
    },
    send: (packet) => socket.send(packet),
    close: (code, reason) => socket.close(code, reason.slice(0, 100)),
  };
}
