/** Connections within one process, for tests and for the simulated world: no sockets, the same contract. */
import type { Clock } from '../../core/clock.ts';
import type { ErrorCode } from '../../core/errors.ts';
import type { Connection, ConnectionListener, Lane, SendOutcome } from '../flow.ts';
import { Outbox } from './outbox.ts';

/** The client's end of a connection. */
export interface MemoryPeer {
  /** The packets received so far; the owner empties it. */
  readonly received: Uint8Array[];
  /** Why the server ended the connection, once it did. */
  readonly closedWith: ErrorCode | 'NORMAL' | undefined;
  send(packet: Uint8Array): void;
  close(): void;
  /** Stops or resumes reading: packets then stay in the server's buffer. */
  setReading(reading: boolean): void;
}

/** Makes pairs of ends; the server's end behaves as every transport's does. */
export class MemoryTransport {
  readonly #clock: Clock;
  readonly #listener: ConnectionListener;
  #opened = 0;

  constructor(clock: Clock, listener: ConnectionListener) {
    this.#clock = clock;
    this.#listener = listener;
  }

  /** @param options - `ordered`: what the server's end says of itself; it keeps the order in any case. */
  connect({ ordered = true }: { readonly ordered?: boolean } = {}): MemoryPeer {
    const connection = new MemoryConnection(this.#clock, `m${++this.#opened}`, this.#listener, ordered);
    this.#listener.onOpen(connection);
    return connection.peer(this.#clock);
  }
}

class MemoryConnection implements Connection {
  readonly id: string;
  readonly remoteAddress = 'memory';
  readonly ordered: boolean;
  readonly #listener: ConnectionListener;
  readonly #outbox: Outbox;
  readonly #received: Uint8Array[] = [];
  readonly #unread: Uint8Array[] = [];
  #unreadBytes = 0;
  #reading = true;
  #closedWith: ErrorCode | 'NORMAL' | undefined;

  constructor(clock: Clock, id: string, listener: ConnectionListener, ordered: boolean) {
    this.id = id;
    this.ordered = ordered;
    this.#listener = listener;
    const unreadBytes = (): number => this.#unreadBytes;
    this.#outbox = new Outbox(clock, {
      get bufferedBytes() {
        return unreadBytes();
      },
      write: (packet) => this.#write(packet),
    }, () => this.close('SLOW_CONSUMER', 'the reliable lane is full'));
  }

  get bufferedBytes(): number {
    return this.#outbox.bufferedBytes;
  }

  send(message: Uint8Array, lane: Lane): SendOutcome {
    return this.#outbox.send(message, lane);
  }

  close(code: ErrorCode | 'NORMAL', _reason: string): void {
    if (this.#closedWith !== undefined) return;
    this.#outbox.flush();
    this.#outbox.close();
    this.#closedWith = code;
    this.#listener.onClose(this, code);
  }

  peer(clock: Clock): MemoryPeer {
    const closedWith = (): ErrorCode | 'NORMAL' | undefined => this.#closedWith;
    return {
      received: this.#received,
      get closedWith() {
        return closedWith();
      },
      send: (packet) => {
        if (this.#closedWith === undefined) this.#listener.onPacket(this, packet, clock.nowMs());
      },
      close: () => this.close('CONNECTION_LOST', ''),
      setReading: (reading) => this.#setReading(reading),
    };
  }

  #write(packet: Uint8Array): void {
    if (this.#reading) {
      this.#received.push(packet);
      return;
    }
    this.#unread.push(packet);
    this.#unreadBytes += packet.length;
  }

  #setReading(reading: boolean): void {
    this.#reading = reading;
    if (!reading) return;
    this.#received.push(...this.#unread.splice(0));
    this.#unreadBytes = 0;
  }
}
