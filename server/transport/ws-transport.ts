/** WebSocket connections over `ws`. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type RawData, type WebSocket } from 'ws';
import { every, type Clock, type Repeating } from '../../core/clock.ts';
import type { ErrorCode } from '../../core/errors.ts';
import { LIMITS } from '../../protocol/limits.ts';
import type { Connection, Lane, SendOutcome } from '../flow.ts';
import { isAllowedOrigin } from './origin.ts';
import { Outbox } from './outbox.ts';
import { FLOWING, isStalled, watchStall, type StallState } from './stall-watch.ts';
import { refuseUpgrade, type UpgradeTaker } from './upgrades.ts';
import { binaryFrame } from './ws-frame.ts';
import { closeNumber, STALL_CHECK_MS, SUBPROTOCOL, type WebSocketOptions } from './web-socket.ts';

/** How long a peer gets to answer a close before the socket is destroyed. */
const CLOSE_GRACE_MS = 2000;

/** Takes the WebSocket upgrades that it is given. */
export class WsTransport implements UpgradeTaker {
  readonly #options: WebSocketOptions;
  readonly #server: WebSocketServer;
  readonly #connections = new Set<WsConnection>();
  readonly #stallChecks: Repeating;
  #accepted = 0;

  constructor(options: WebSocketOptions) {
    this.#options = options;
    this.#server = new WebSocketServer({
      noServer: true,
      perMessageDeflate: false,
      maxPayload: LIMITS.packetBytes,
      handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
    });
    this.#stallChecks = every(options.clock, STALL_CHECK_MS, (nowMs) => this.#endStalled(nowMs));
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  /** Ends every connection, telling each why. */
  close(code: ErrorCode, reason: string): void {
    this.#stallChecks.stop();
    for (const connection of this.#connections) connection.close(code, reason);
    this.#server.close();
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (!isAllowedOrigin(request.headers.origin, request.headers.host, this.#options.allowedOrigins)) return refuseUpgrade(socket, 403);
    const { countConnections = () => this.#connections.size, maxConnections } = this.#options;
    if (countConnections() >= maxConnections) return refuseUpgrade(socket, 503);
    const { remoteAddress = '' } = request.socket;
    this.#server.handleUpgrade(request, socket, head, (webSocket) => this.#open(webSocket, socket, remoteAddress));
  }

  #open(webSocket: WebSocket, socket: Duplex, remoteAddress: string): void {
    const { clock, listener } = this.#options;
    const connection = new WsConnection(clock, { webSocket, socket }, { id: `c${++this.#accepted}`, remoteAddress });
    this.#connections.add(connection);
    webSocket.on('message', (data: RawData, isBinary: boolean) => {
      if (connection.isClosing) return;
      if (!isBinary) return connection.close('TEXT_NOT_SUPPORTED', 'binary frames only');
      listener.onPacket(connection, data as Buffer, clock.nowMs());
    });
    webSocket.on('error', (error: Error & { code?: string }) => connection.failed(error.code));
    webSocket.on('close', () => {
      this.#connections.delete(connection);
      listener.onClose(connection, connection.ended());
    });
    listener.onOpen(connection);
  }

  #endStalled(nowMs: number): void {
    for (const connection of this.#connections) connection.checkStall(nowMs);
  }
}

class WsConnection implements Connection {
  readonly id: string;
  readonly remoteAddress: string;
  readonly ordered = true;
  readonly #clock: Clock;
  readonly #webSocket: WebSocket;
  readonly #outbox: Outbox;
  #stall: StallState = FLOWING;
  #closeCode: ErrorCode | 'NORMAL' | undefined;

  /** @param link - packets go to the socket as whole frames, one system call each; what belongs to the protocol goes through the library. */
  constructor(clock: Clock, { webSocket, socket }: { webSocket: WebSocket; socket: Duplex }, { id, remoteAddress }: { id: string; remoteAddress: string }) {
    this.id = id;
    this.remoteAddress = remoteAddress;
    this.#clock = clock;
    this.#webSocket = webSocket;
    this.#outbox = new Outbox(clock, {
      get bufferedBytes() {
        return socket.writableLength;
      },
      write: (packet) => {
        if (webSocket.readyState === webSocket.OPEN) socket.write(binaryFrame(packet));
      },
      overflow: () => this.close('SLOW_CONSUMER', 'the reliable lane is full'),
    });
  }

  get isClosing(): boolean {
    return this.#closeCode !== undefined;
  }

  get bufferedBytes(): number {
    return this.#outbox.bufferedBytes;
  }

  send(message: Uint8Array, lane: Lane): SendOutcome {
    return this.#outbox.send(message, lane);
  }

  close(code: ErrorCode | 'NORMAL', reason: string): void {
    if (this.#closeCode !== undefined) return;
    this.#closeCode = code;
    this.#outbox.flush();
    this.#outbox.close();
    this.#webSocket.close(closeNumber(code), reason);
    this.#clock.schedule(CLOSE_GRACE_MS, () => this.#webSocket.terminate());
  }

  /** The library ended the link over what the peer sent, or the network did. */
  failed(libraryCode: string | undefined): void {
    this.#closeCode ??= libraryCode === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH' ? 'PACKET_TOO_LARGE' : libraryCode?.startsWith('WS_ERR') ? 'PACKET_MALFORMED' : 'CONNECTION_LOST';
  }

  /** The link is gone: why, as far as this side knows. */
  ended(): ErrorCode | 'NORMAL' {
    this.#outbox.close();
    return this.#closeCode ?? 'CONNECTION_LOST';
  }

  checkStall(nowMs: number): void {
    this.#stall = watchStall(this.#stall, this.#webSocket.bufferedAmount, nowMs);
    if (!isStalled(this.#stall, nowMs)) return;
    this.#closeCode ??= 'SLOW_CONSUMER';
    // A close frame would wait behind the bytes that the peer does not read.
    this.#webSocket.terminate();
  }
}
