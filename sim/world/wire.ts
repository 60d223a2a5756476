/** One simulated WebSocket: the client's end for the SDK, the server's end as WsTransport makes it, two lanes between. */
import { ERRORS, type ErrorCode } from '../../core/errors.ts';
import type { ClientSocket, SocketHandlers } from '../../client/socket.ts';
import type { Connection, ConnectionListener, Lane as DeliveryLane, SendOutcome } from '../../server/flow.ts';
import { Outbox } from '../../server/transport/outbox.ts';
import { FLOWING, isStalled, watchStall, type StallState } from '../../server/transport/stall-watch.ts';
import type { Lane } from './lane.ts';
import type { ProcessClock } from './process-clock.ts';

/** As WsTransport has it: how long a peer gets to answer a close. */
const CLOSE_GRACE_MS = 2000;
const CONTROL_FRAME_BYTES = 8;
const ABNORMAL_CLOSE = 1006;
/** What a buffer holds after its owner took it back. */
const OVERWRITTEN = 0xee;

/** The server's side of every wire. */
export interface WireHost {
  readonly clock: ProcessClock;
  /** False when the handshake is answered with 503. */
  accepts(): boolean;
  readonly listener: ConnectionListener;
  /** Puts whoever watches around a connection. */
  watch(connection: Connection, wire: Wire): Connection;
  /** The server's end is gone. */
  gone(wire: Wire): void;
}

export interface WireParts {
  readonly id: string;
  readonly host: WireHost;
  readonly client: ProcessClock;
  readonly handlers: SocketHandlers;
  readonly up: Lane;
  readonly down: Lane;
  /** Called for each packet that reaches a side. */
  readonly carried: (direction: 'up' | 'down', packet: Uint8Array) => void;
}

export class Wire {
  readonly id: string;
  readonly up: Lane;
  readonly down: Lane;
  readonly #parts: WireParts;
  readonly #outbox: Outbox;
  #connection: Connection | undefined;
  #clientGone = false;
  #serverGone = true;
  #closeCode: ErrorCode | 'NORMAL' | undefined;
  #stall: StallState = FLOWING;

  constructor(parts: WireParts) {
    this.#parts = parts;
    const { up, down, host } = parts;
    this.id = parts.id;
    this.up = up;
    this.down = down;
    this.#outbox = new Outbox(host.clock, {
      get bufferedBytes() {
        return down.bufferedBytes;
      },
      write: (packet) => this.#write(packet),
    }, () => this.#closeAsServer('SLOW_CONSUMER', 'the reliable lane is full'));
    up.send(CONTROL_FRAME_BYTES, () => host.clock.enter(() => this.#accept()));
  }

  /** For the SDK. */
  get socket(): ClientSocket {
    const { up } = this;
    return {
      get bufferedBytes() {
        return up.bufferedBytes;
      },
      send: (packet) => this.#sendUp(packet),
      close: (code, reason) => this.#closeAsClient(code, reason),
    };
  }

  /** The connection breaks and both sides are told, as by a reset. */
  break(): void {
    this.up.cut();
    this.down.cut();
    this.#parts.client.enter(() => this.#endClient(ABNORMAL_CLOSE, ''));
    this.#parts.host.clock.enter(() => this.#endServer());
  }

  /** The peer is gone and nobody is told: nothing is taken any more, either way. */
  vanish(): void {
    this.up.stick(Infinity);
    this.down.stick(Infinity);
  }

  /** The server's watch over readers that are stuck. */
  checkStall(nowMs: number): void {
    if (this.#serverGone) return;
    this.#stall = watchStall(this.#stall, this.down.bufferedBytes, nowMs);
    if (!isStalled(this.#stall, nowMs)) return;
    this.#closeCode ??= 'SLOW_CONSUMER';
    this.break();
  }

  // ── the client's end ──────────────────────────────────────────────────────

  #sendUp(packet: Uint8Array): void {
    if (this.#clientGone) return;
    this.up.send(packet.length, () => {
      this.#parts.host.clock.enter(() => {
        if (this.#serverGone || this.#connection === undefined || this.#closeCode !== undefined) return;
        this.#parts.carried('up', packet);
        this.#parts.host.listener.onPacket(this.#connection, packet, this.#parts.host.clock.nowMs());
        packet.fill(OVERWRITTEN);
      });
    });
  }

  #closeAsClient(code: number, reason: string): void {
    if (this.#clientGone) return;
    this.up.send(CONTROL_FRAME_BYTES, () => this.#parts.host.clock.enter(() => this.#answerClose(code, reason)));
    this.#parts.client.schedule(CLOSE_GRACE_MS, () => this.#endClient(code, reason));
  }

  #answerClose(code: number, reason: string): void {
    if (this.#serverGone) return;
    this.#toClient(CONTROL_FRAME_BYTES, () => this.#endClient(code, reason));
    this.#endServer();
  }

  #toClient(bytes: number, run: () => void): void {
    this.down.send(bytes, () => this.#parts.client.enter(run));
  }

  #endClient(code: number, reason: string): void {
    if (this.#clientGone) return;
    this.#clientGone = true;
    this.#parts.handlers.onClose(code, reason);
  }

  // ── the server's end ──────────────────────────────────────────────────────

  #accept(): void {
    const { host } = this.#parts;
    if (!host.accepts()) return this.#toClient(CONTROL_FRAME_BYTES, () => this.#endClient(ABNORMAL_CLOSE, ''));
    this.#serverGone = false;
    this.#connection = host.watch(this.#asConnection(), this);
    this.#toClient(CONTROL_FRAME_BYTES, () => {
      if (!this.#clientGone) this.#parts.handlers.onOpen();
    });
    host.listener.onOpen(this.#connection);
  }

  #asConnection(): Connection {
    const outbox = this.#outbox;
    return {
      id: this.id,
      remoteAddress: 'simulated',
      ordered: true,
      get bufferedBytes() {
        return outbox.bufferedBytes;
      },
      send: (message: Uint8Array, lane: DeliveryLane): SendOutcome => outbox.send(message, lane),
      close: (code, reason) => this.#closeAsServer(code, reason),
    };
  }

  #write(packet: Uint8Array): void {
    this.#toClient(packet.length, () => {
      if (this.#clientGone) return;
      // The same bytes go to a whole session, and a client may keep nothing of what it is lent.
      const lent = packet.slice();
      this.#parts.carried('down', lent);
      this.#parts.handlers.onPacket(lent);
      lent.fill(OVERWRITTEN);
    });
  }

  #closeAsServer(code: ErrorCode | 'NORMAL', reason: string): void {
    if (this.#closeCode !== undefined) return;
    this.#closeCode = code;
    this.#outbox.flush();
    this.#outbox.close();
    this.#toClient(CONTROL_FRAME_BYTES, () => {
      this.#endClient(closeNumber(code), reason);
      this.up.send(CONTROL_FRAME_BYTES, () => this.#parts.host.clock.enter(() => this.#endServer()));
    });
    this.#parts.host.clock.schedule(CLOSE_GRACE_MS, () => {
      if (!this.#serverGone) this.break();
    });
  }

  #endServer(): void {
    if (this.#serverGone || this.#connection === undefined) return;
    this.#serverGone = true;
    this.#outbox.close();
    this.#parts.host.listener.onClose(this.#connection, this.#closeCode ?? 'CONNECTION_LOST');
    this.#parts.host.gone(this);
  }
}

function closeNumber(code: ErrorCode | 'NORMAL'): number {
  if (code === 'NORMAL') return 1000;
  const entry = ERRORS[code];
  return 'closeCode' in entry ? entry.closeCode : 1011;
}
