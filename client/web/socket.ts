/** The SDK's socket over a browser's WebSocket. */
import { SUBPROTOCOL, type ClientSocket, type SocketHandlers } from '../socket.ts';

export function openBrowserSocket(url: string, handlers: SocketHandlers): ClientSocket {
  const socket = new WebSocket(url, SUBPROTOCOL);
  socket.binaryType = 'arraybuffer';
  socket.addEventListener('open', () => handlers.onOpen());
  socket.addEventListener('message', (event: MessageEvent<unknown>) => {
    if (event.data instanceof ArrayBuffer) handlers.onPacket(new Uint8Array(event.data));
  });
  socket.addEventListener('close', (event) => handlers.onClose(event.code, event.reason));
  return {
    get bufferedBytes() {
      return socket.bufferedAmount;
    },
    send: (packet) => socket.send(packet as Uint8Array<ArrayBuffer>),
    // A browser takes 1000 and 3000..4999 only.
    close: (code, reason) => socket.close(code, reason.slice(0, 100)),
  };
}
