/** WebSocket connections over `ws`. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type RawData, type WebSocket } from 'ws';
import type { ErrorCode } from '../../core/errors.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { callerOf, refuseCaller } from './door.ts';
import { SocketConnection, SocketConnections, type SocketPort } from './socket-connection.ts';
import { refuseUpgrade, type UpgradeTaker } from './upgrades.ts';
import { SUBPROTOCOL, type WebSocketOptions } from './web-socket.ts';
import { binaryFrame } from './ws-frame.ts';

/** The library keeps each fragment, and each piece that the socket hands over, as an object of its own until the message is whole. */
const MAX_FRAGMENTS = 256;
const MAX_CHUNKS = 4096;

/** Takes the WebSocket upgrades that it is given. */
export class WsTransport implements UpgradeTaker {
  readonly #options: WebSocketOptions;
  readonly #server: WebSocketServer;
  readonly #connections: SocketConnections;
  #accepted = 0;

  constructor(options: WebSocketOptions) {
    this.#options = options;
    this.#connections = new SocketConnections(options.clock);
    this.#server = new WebSocketServer({
      noServer: true,
      perMessageDeflate: false,
      maxPayload: LIMITS.packetBytes,
      maxFragments: MAX_FRAGMENTS,
      maxBufferedChunks: MAX_CHUNKS,
      handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
    });
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  /** Ends every connection, telling each why. */
  close(code: ErrorCode, reason: string): void {
    this.#connections.close(code, reason);
    this.#server.close();
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const caller = callerOf(request);
    const refusal = refuseCaller(this.#options, caller, this.connectionCount);
    if (refusal !== undefined) return refuseUpgrade(socket, refusal.status, refusal.retryAfterS);
    this.#server.handleUpgrade(request, socket, head, (webSocket) => this.#open(webSocket, socket, caller.address));
  }

  #open(webSocket: WebSocket, socket: Duplex, remoteAddress: string): void {
    const { clock, listener } = this.#options;
    const connection = new SocketConnection(clock, new WsPort(webSocket, socket), { id: `c${++this.#accepted}`, remoteAddress });
    this.#connections.add(connection);
    webSocket.on('message', (data: RawData, isBinary: boolean) => {
      if (connection.isClosing) return;
      if (!isBinary) return connection.close('TEXT_NOT_SUPPORTED', 'binary frames only');
      listener.onPacket(connection, data as Buffer, clock.nowMs());
    });
    webSocket.on('error', (error: Error & { code?: string }) => connection.failed(failureOf(error.code)));
    webSocket.on('close', () => {
      this.#connections.delete(connection);
      listener.onClose(connection, connection.ended());
    });
    listener.onOpen(connection);
  }
}

/** Packets go to the socket as whole frames, one system call each; what belongs to the protocol goes through the library. */
class WsPort implements SocketPort {
  readonly #webSocket: WebSocket;
  readonly #socket: Duplex;

  constructor(webSocket: WebSocket, socket: Duplex) {
    this.#webSocket = webSocket;
    this.#socket = socket;
  }

  get bufferedBytes(): number {
    return this.#socket.writableLength;
  }

  write(packet: Uint8Array): void {
    if (this.#webSocket.readyState === this.#webSocket.OPEN) this.#socket.write(binaryFrame(packet));
  }

  end(closeCode: number, reason: string): void {
    this.#webSocket.close(closeCode, reason);
  }

  cut(): void {
    this.#webSocket.terminate();
  }
}

/** Why the library ended the link over what the peer sent, or the network did. */
function failureOf(libraryCode: string | undefined): ErrorCode {
  if (libraryCode === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') return 'PACKET_TOO_LARGE';
  return libraryCode?.startsWith('WS_ERR') ? 'PACKET_MALFORMED' : 'CONNECTION_LOST';
}
