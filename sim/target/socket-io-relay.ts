/**
 * A plain Socket.IO relay: clients name a session in the handshake's query, and the server passes the events `pose` (bytes) and
 * `chat` (text) on to the others of the session.
 */
import type { OpenForeign } from './foreign-guest.ts';
import { loadSocketIo } from './socket-io-line.ts';

/** @throws CopresenceError CONFIG_INVALID when the package is not installed. */
export async function socketIoRelay(url: string): Promise<OpenForeign> {
  const { io } = await loadSocketIo('target socket.io-relay');
  return ({ session }, events) => new Promise((resolve, reject) => {
    const socket = io(url.replace(/^ws/, 'http'), { transports: ['websocket'], reconnection: false, forceNew: true, query: { session } });
    socket.on('connect', () => resolve({
      sendPose: (sample) => void socket.emit('pose', sample),
      say(text) {
        socket.emit('chat', text);
        // The relay sends to the others; the speaker counts as a listener like everybody.
        queueMicrotask(() => events.chat(text));
      },
      close: () => socket.disconnect(),
    }));
    socket.on('connect_error', reject);
    socket.on('pose', (bytes: Uint8Array) => events.pose(bytes));
    socket.on('chat', (text: string) => events.chat(text));
    socket.on('disconnect', (reason) => events.ended(reason));
  });
}
