/** WebSocket connections over uWebSockets.js, on a port of their own: the same protocol with less work for each frame. */
import { STATUS_CODES } from 'node:http';
import { CopresenceError, type ErrorCode } from '../../core/errors.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { refuseCaller } from './door.ts';
import { SocketConnection, SocketConnections, type SocketPort } from './socket-connection.ts';
import { addressText } from './uws/address-text.ts';
import { loadUws, type UwsBehavior, type UwsLibrary, type UwsRequest, type UwsResponse, type UwsSocket } from './uws/library.ts';
import { CONNECT_PATH, SUBPROTOCOL, type WebSocketOptions } from './web-socket.ts';

/** The library cuts a larger message without a close code; up to here this side sees it and says 1009. */
const CUT_BYTES = 2 * LIMITS.packetBytes;
/** The library's bound of what waits, far behind that of the lanes, because it gives messages up silently. */
const WAITING_BYTES = 4 * LIMITS.reliableBytes;
/** The library ends a link after as long without a byte. The heartbeat is faster; this is for sockets that it does not see. */
const IDLE_S = 16;
const TOO_BIG = 'Received too big message';
/** Else two servers could listen on one port, and each get some of the connections. */
const EXCLUSIVE_PORT = 1;

export interface UwsOptions extends WebSocketOptions {
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
}

/**
 * Opens the port.
 *
 * @throws CopresenceError CONFIG_INVALID without the library, or when the port cannot be listened on.
 */
export async function openUws(options: UwsOptions): Promise<UwsTransport> {
  const { library, packageName } = await loadUws();
  return UwsTransport.listen(library, packageName, options);
}

export class UwsTransport {
  readonly #options: UwsOptions;
  readonly #library: UwsLibrary;
  readonly #connections: SocketConnections;
  readonly #bySocket = new Map<UwsSocket, Opened>();
  /** Where the library was found. */
  readonly packageName: string;
  #url = '';
  #listening: unknown;
  #accepted = 0;

  private constructor(library: UwsLibrary, packageName: string, options: UwsOptions) {
    this.#options = options;
    this.#library = library;
    this.packageName = packageName;
    this.#connections = new SocketConnections(options.clock);
  }

  static listen(library: UwsLibrary, packageName: string, options: UwsOptions): Promise<UwsTransport> {
    const { host, port } = options;
    const transport = new UwsTransport(library, packageName, options);
    const app = library.App().ws(CONNECT_PATH, transport.#behavior()).any('/*', (response) => refuse(response, 404));
    return new Promise((resolve, reject) => {
      app.listen(host, port, EXCLUSIVE_PORT, (listening) => {
        if (listening !== false) {
          transport.#opened(listening);
          return resolve(transport);
        }
        transport.#connections.close('SERVER_DRAINING', '');
        reject(new CopresenceError('CONFIG_INVALID', `--uws-port: cannot listen on ${host}:${port}`));
      });
    });
  }

  get url(): string {
    return this.#url;
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  /** Listens no more, and ends every connection, telling each why. */
  close(code: ErrorCode, reason: string): void {
    // A second close of what is closed would end the process.
    if (this.#listening !== undefined) this.#library.us_listen_socket_close(this.#listening);
    this.#listening = undefined;
    this.#connections.close(code, reason);
  }

  #opened(listening: unknown): void {
    const { host } = this.#options;
    this.#listening = listening;
    this.#url = `http://${host.includes(':') ? `[${host}]` : host}:${this.#library.us_socket_local_port(listening)}`;
  }

  #behavior(): UwsBehavior {
    return {
      maxPayloadLength: CUT_BYTES,
      maxBackpressure: WAITING_BYTES,
      idleTimeout: IDLE_S,
      sendPingsAutomatically: false,
      upgrade: (response, request, context) => this.#upgrade(response, request, context),
      open: (socket) => this.#open(socket),
      message: (socket, bytes, isBinary) => this.#message(socket, bytes, isBinary),
      close: (socket, _code, message) => this.#closed(socket, Buffer.from(message).toString('latin1')),
    };
  }

  #upgrade(response: UwsResponse, request: UwsRequest, context: unknown): void {
    const origin = request.getHeader('origin');
    const caller = { address: addressText(new Uint8Array(response.getRemoteAddress())), origin: origin === '' ? undefined : origin, host: request.getHeader('host') };
    const refusal = refuseCaller(this.#options, caller, this.connectionCount);
    if (refusal !== undefined) return refuse(response, refusal.status, refusal.retryAfterS);
    const offered = request.getHeader('sec-websocket-protocol').split(',').map((name) => name.trim());
    const subprotocol = offered.includes(SUBPROTOCOL) ? SUBPROTOCOL : '';
    response.upgrade({}, request.getHeader('sec-websocket-key'), subprotocol, request.getHeader('sec-websocket-extensions'), context);
  }

  #open(socket: UwsSocket): void {
    const { clock, listener } = this.#options;
    const port = new UwsPort(socket);
    const connection = new SocketConnection(clock, port, { id: `u${++this.#accepted}`, remoteAddress: addressText(new Uint8Array(socket.getRemoteAddress())) });
    this.#bySocket.set(socket, { connection, port });
    this.#connections.add(connection);
    listener.onOpen(connection);
  }

  #message(socket: UwsSocket, bytes: ArrayBuffer, isBinary: boolean): void {
    const { clock, listener } = this.#options;
    const connection = this.#bySocket.get(socket)?.connection;
    if (connection === undefined || connection.isClosing) return;
    if (!isBinary) return connection.close('TEXT_NOT_SUPPORTED', 'binary frames only');
    if (bytes.byteLength > LIMITS.packetBytes) return connection.close('PACKET_TOO_LARGE', 'the packet is too large');
    listener.onPacket(connection, new Uint8Array(bytes), clock.nowMs());
  }

  #closed(socket: UwsSocket, message: string): void {
    const opened = this.#bySocket.get(socket);
    if (opened === undefined) return;
    const { connection, port } = opened;
    this.#bySocket.delete(socket);
    this.#connections.delete(connection);
    port.forget();
    if (message === TOO_BIG) connection.failed('PACKET_TOO_LARGE');
    this.#options.listener.onClose(connection, connection.ended());
  }
}

interface Opened {
  readonly connection: SocketConnection;
  readonly port: UwsPort;
}

/** The library's sockets throw once they are closed. One packet leaves in one system call without corking by hand. */
class UwsPort implements SocketPort {
  #socket: UwsSocket | undefined;

  constructor(socket: UwsSocket) {
    this.#socket = socket;
  }

  get bufferedBytes(): number {
    return this.#socket?.getBufferedAmount() ?? 0;
  }

  write(packet: Uint8Array): void {
    this.#socket?.send(packet, true);
  }

  /** Calls the close handler before it returns; the library sends what waits, and gives the peer some seconds to answer. */
  end(closeCode: number, reason: string): void {
    this.#socket?.end(closeCode, reason);
  }

  cut(): void {
    this.#socket?.close();
  }

  forget(): void {
    this.#socket = undefined;
  }
}

function refuse(response: UwsResponse, status: number, retryAfterS?: number): void {
  response.writeStatus(`${status} ${STATUS_CODES[status] ?? ''}`);
  if (retryAfterS !== undefined) response.writeHeader('Retry-After', String(retryAfterS));
  response.end('', true);
}
