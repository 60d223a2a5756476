/** Clients of Socket.IO 4: the same packets, or plain objects in their place, over its events. */
import { createServer, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { Server, type Socket } from 'socket.io';
import { assert } from '../../core/assert.ts';
import { every, type Repeating } from '../../core/clock.ts';
import type { ErrorCode } from '../../core/errors.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { callerOf, refuseCaller } from './door.ts';
import { SocketIoConnection } from './socket-io/connection.ts';
import { EngineLink, type EngineSocket } from './socket-io/engine-link.ts';
import { BINARY, ObjectFormats, type Format } from './socket-io/formats.ts';
import { refuseUpgrade, type UpgradeTaker } from './upgrades.ts';
import { STALL_CHECK_MS, type WebSocketOptions } from './web-socket.ts';

/** The upgrade side of the library's engine, which it types as `any`. */
interface Engine {
  readonly clientsCount: number;
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  on(event: 'connection', listener: (engine: EngineSocket) => void): void;
}

/** Takes the WebSocket upgrades at SOCKET_IO_PATH that it is given; it does not poll. */
export class SocketIoTransport implements UpgradeTaker {
  readonly #options: WebSocketOptions;
  readonly #engine: Engine;
  readonly #links = new Map<EngineSocket, EngineLink>();
  readonly #connections = new Set<SocketIoConnection>();
  readonly #objects: ObjectFormats;
  readonly #stallChecks: Repeating;
  #accepted = 0;
  #closed = false;

  constructor(options: WebSocketOptions) {
    this.#options = options;
    this.#objects = new ObjectFormats(options.clock);
    // The library insists on an HTTP server of which it takes over every request; this one never listens.
    const io = new Server(createServer(), {
      transports: ['websocket'],
      allowUpgrades: false,
      serveClient: false,
      perMessageDeflate: false,
      maxHttpBufferSize: LIMITS.packetBytes,
      connectTimeout: LIMITS.helloTimeoutMs,
    });
    io.use((socket, next) => (this.#formatOf(socket) === undefined ? next(new Error('auth.format is "binary" or "objects"')) : next()));
    io.on('connection', (socket) => this.#open(socket));
    this.#engine = io.engine as Engine;
    this.#engine.on('connection', (engine) => this.#link(engine));
    this.#stallChecks = every(options.clock, STALL_CHECK_MS, (nowMs) => this.#endStalled(nowMs));
  }

  get connectionCount(): number {
    return this.#engine.clientsCount;
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (this.#closed) return refuseUpgrade(socket, 503);
    const refusal = refuseCaller(this.#options, callerOf(request), this.connectionCount);
    if (refusal !== undefined) return refuseUpgrade(socket, refusal.status, refusal.retryAfterS);
    const query = new URLSearchParams((request.url ?? '').split('?', 2)[1]);
    // A known session id is for moving from polling to a WebSocket, and nobody polls.
    if (query.has('sid') || query.get('transport') !== 'websocket') return refuseUpgrade(socket, 400);
    this.#engine.handleUpgrade(request, socket, head);
  }

  /** Ends every connection, telling each why, and takes no more. */
  close(code: ErrorCode, reason: string): void {
    this.#closed = true;
    this.#stallChecks.stop();
    for (const connection of this.#connections) connection.close(code, reason);
    for (const link of this.#links.values()) if (!link.taken) link.close(1001, reason);
  }

  #link(engine: EngineSocket): void {
    this.#links.set(engine, new EngineLink(engine, this.#options.clock));
    engine.once('close', () => this.#links.delete(engine));
  }

  #open(socket: Socket): void {
    const { clock, listener } = this.#options;
    const link = this.#links.get(socket.conn);
    const format = this.#formatOf(socket);
    assert(format !== undefined, 'a handshake without a format was let in');
    // Its engine is closed, or was a client's before who left the namespace and comes again.
    if (link === undefined || link.taken) return void socket.disconnect(true);
    link.taken = true;
    const connection = new SocketIoConnection(clock, socket, { id: `s${++this.#accepted}`, link, format });
    this.#connections.add(connection);
    socket.onAny((event: unknown, ...args: unknown[]) => this.#take(connection, event, args));
    // What the library cannot read, or an event that a client calls `error`.
    socket.on('error', () => connection.close('PACKET_MALFORMED', 'not a packet of Socket.IO'));
    socket.on('disconnect', () => {
      this.#connections.delete(connection);
      link.close(1000, '');
      listener.onClose(connection, connection.ended());
    });
    listener.onOpen(connection);
  }

  #take(connection: SocketIoConnection, event: unknown, args: readonly unknown[]): void {
    if (connection.isClosing) return;
    const packet = connection.format.toPacket(event, args);
    if (typeof packet === 'string') return connection.close(packet, 'not an event of this protocol');
    this.#options.listener.onPacket(connection, packet, this.#options.clock.nowMs());
  }

  #formatOf(socket: Socket): Format | undefined {
    const { format, token } = socket.handshake.auth;
    if (format === undefined || format === 'binary') return BINARY;
    return format === 'objects' ? this.#objects.create(token) : undefined;
  }

  #endStalled(nowMs: number): void {
    for (const link of this.#links.values()) link.checkStall(nowMs);
  }
}
