/** One connection over a stream of bytes, the same for every library that frames it: lanes, one close, and stuck readers. */
import { every, type Clock, type Repeating, type Timer } from '../../core/clock.ts';
import type { ErrorCode } from '../../core/errors.ts';
import type { Connection, Lane, SendOutcome } from '../flow.ts';
import { Outbox } from './outbox.ts';
import { FLOWING, isStalled, watchStall, type StallState } from './stall-watch.ts';
import { closeNumber, STALL_CHECK_MS } from './web-socket.ts';

/** How long a peer gets to answer a close before the link is cut. */
const CLOSE_GRACE_MS = 2000;

/** What a library does for a connection. Nothing here throws, and all of it is harmless once the link is gone. */
export interface SocketPort {
  /** Bytes handed over that the network has not taken yet. */
  readonly bufferedBytes: number;
  /** Sends one packet. @param packet - moved to the port. */
  write(packet: Uint8Array): void;
  /** Says goodbye, behind what was written. */
  end(closeCode: number, reason: string): void;
  /** Gives the link up at once, with what waits on it. */
  cut(): void;
}

export class SocketConnection implements Connection {
  readonly id: string;
  readonly remoteAddress: string;
  readonly ordered = true;
  readonly #clock: Clock;
  readonly #port: SocketPort;
  readonly #outbox: Outbox;
  #stall: StallState = FLOWING;
  #closeCode: ErrorCode | 'NORMAL' | undefined;
  #grace: Timer | undefined;

  constructor(clock: Clock, port: SocketPort, { id, remoteAddress }: { id: string; remoteAddress: string }) {
    this.id = id;
    this.remoteAddress = remoteAddress;
    this.#clock = clock;
    this.#port = port;
    this.#outbox = new Outbox(clock, port, () => this.close('SLOW_CONSUMER', 'the reliable lane is full'));
  }

  /** What still comes is not to be looked at. */
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
    this.#grace = this.#clock.schedule(CLOSE_GRACE_MS, () => this.#port.cut());
    this.#port.end(closeNumber(code), reason);
  }

  /** The link is failing over what the peer sent, or over the network; the first reason stays. */
  failed(code: ErrorCode): void {
    this.#closeCode ??= code;
  }

  /** The link is gone: why, as far as this side knows. */
  ended(): ErrorCode | 'NORMAL' {
    this.#outbox.close();
    this.#grace?.cancel();
    this.#closeCode ??= 'CONNECTION_LOST';
    return this.#closeCode;
  }

  /** Cuts a reader of whom no byte leaves: a close frame would wait behind the bytes that it does not read. */
  checkStall(nowMs: number): void {
    this.#stall = watchStall(this.#stall, this.#port.bufferedBytes, nowMs);
    if (!isStalled(this.#stall, nowMs)) return;
    this.failed('SLOW_CONSUMER');
    this.#port.cut();
  }
}

/** The open connections of one transport, looked after until it closes. */
export class SocketConnections {
  readonly #open = new Set<SocketConnection>();
  readonly #stallChecks: Repeating;

  constructor(clock: Clock) {
    this.#stallChecks = every(clock, STALL_CHECK_MS, (nowMs) => {
      for (const connection of this.#open) connection.checkStall(nowMs);
    });
  }

  get size(): number {
    return this.#open.size;
  }

  add(connection: SocketConnection): void {
    this.#open.add(connection);
  }

  delete(connection: SocketConnection): void {
    this.#open.delete(connection);
  }

  /** Ends every connection, telling each why. */
  close(code: ErrorCode, reason: string): void {
    this.#stallChecks.stop();
    for (const connection of this.#open) connection.close(code, reason);
  }
}
