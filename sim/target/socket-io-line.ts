/** This project's packets over Socket.IO: the transport of its own clients, as a line. */
import type * as SocketIoClient from 'socket.io-client';
import type { SocketHandlers } from '../../client/socket.ts';
import { CopresenceError } from '../../core/errors.ts';
import type { Line, LineFactory } from './line.ts';

/** @throws CopresenceError CONFIG_INVALID when the package is not installed. */
export async function loadSocketIo(): Promise<typeof SocketIoClient> {
  try {
    return await import('socket.io-client');
  } catch {
    throw new CopresenceError('CONFIG_INVALID', 'this target needs the package socket.io-client: npm install socket.io-client');
  }
}

export async function socketIoLines(): Promise<LineFactory> {
  const { io } = await loadSocketIo();
  return (url: string, handlers: SocketHandlers): Line => {
    const socket = io(new URL(url).origin.replace('ws', 'http'), { transports: ['websocket'], reconnection: false, forceNew: true, auth: { format: 'binary' } });
    let ended = false;
    let announced: { closeCode: number; reason: string } | undefined;
    const end = (code: number, reason: string): void => {
      if (ended) return;
      ended = true;
      socket.disconnect();
      handlers.onClose(announced?.closeCode ?? code, announced?.reason ?? reason);
    };
    socket.on('connect', () => handlers.onOpen());
    socket.on('packet', (packet: Uint8Array) => { if (!ended) handlers.onPacket(packet); });
    socket.on('closing', (closing: { closeCode: number; reason: string }) => { announced = closing; });
    socket.on('disconnect', (reason) => end(1006, reason));
    socket.on('connect_error', (error) => end(1006, error.message));
    return {
      bufferedBytes: 0,
      send: (packet) => void socket.emit('packet', packet),
      close: (_code, reason) => end(1000, reason),
      cut: () => end(1006, 'cut'),
    };
  };
}
