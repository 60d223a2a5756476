/** This project's packets over Socket.IO: the transport of its own clients, as a line. */
import type * as SocketIoClient from 'socket.io-client';
import type { Line, LineFactory, LineHandlers } from './line.ts';
import { optionalPackage } from './optional-package.ts';

/** @throws CopresenceError CONFIG_INVALID when the package is not installed, with what to install. */
export function loadSocketIo(neededBy: string): Promise<typeof SocketIoClient> {
  return optionalPackage({ neededBy, install: 'socket.io-client@4' }, () => import('socket.io-client'));
}

export async function socketIoLines(): Promise<LineFactory> {
  const { io } = await loadSocketIo('transport socket.io');
  return (url: string, handlers: LineHandlers): Line => {
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
