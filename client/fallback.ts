/** One way to a server after the other, until one opens. */
import type { Clock, Timer } from '../core/clock.ts';
import type { ClientSocket, SocketFactory, SocketHandlers } from './socket.ts';

/** A way to connect. */
export interface NamedTransport<Name extends string> {
  readonly name: Name;
  readonly openSocket: SocketFactory;
}

export interface FallbackOptions {
  readonly clock: Clock;
  /** How long a way but the last may take to open. */
  readonly openWithinMs: number;
}

/** What a socket is called that was lost, or never came about (RFC 6455 section 7.4). */
const LOST = 1006;

/**
 * Opens by the first way that works, and from then on by that one.
 *
 * A way fails when it ends as lost before it has opened, or takes too long; the last has as long as it takes. A server that refuses with a
 * code of its own, for a bad token say, would refuse every other way too, so that ends it.
 */
export class Fallback<Name extends string> {
  readonly #transports: readonly NamedTransport<Name>[];
  readonly #options: FallbackOptions;
  #index = 0;
  #opened = false;

  /** @param transports - at least one, the best first. */
  constructor(transports: readonly NamedTransport<Name>[], options: FallbackOptions) {
    this.#transports = transports;
    this.#options = options;
  }

  /** The way that opened last; undefined before the first. */
  get transport(): Name | undefined {
    return this.#opened ? this.#transports[this.#index]?.name : undefined;
  }

  readonly openSocket: SocketFactory = (url, handlers) => new Attempt(this.#transports, this.#index, { ...this.#options, url, handlers, onOpen: (index) => {
    this.#index = index;
    this.#opened = true;
  } });
}

interface AttemptOptions extends FallbackOptions {
  readonly url: string;
  readonly handlers: SocketHandlers;
  readonly onOpen: (index: number) => void;
}

/** One connection, by whichever way. */
class Attempt<Name extends string> implements ClientSocket {
  readonly #transports: readonly NamedTransport<Name>[];
  readonly #options: AttemptOptions;
  #socket!: ClientSocket;
  /** Sockets before this one are given up, whatever they still tell. */
  #index: number;
  #timer: Timer | undefined;
  #phase: 'opening' | 'open' | 'closed' = 'opening';

  constructor(transports: readonly NamedTransport<Name>[], index: number, options: AttemptOptions) {
    this.#transports = transports;
    this.#options = options;
    this.#index = index;
    this.#try(index);
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedBytes;
  }

  send(packet: Uint8Array): void {
    this.#socket.send(packet);
  }

  sendLatest(packet: Uint8Array): void {
    if (this.#socket.sendLatest === undefined) this.#socket.send(packet);
    else this.#socket.sendLatest(packet);
  }

  close(code: number, reason: string): void {
    this.#timer?.cancel();
    this.#phase = 'closed';
    this.#socket.close(code, reason);
  }

  #try(index: number): void {
    const { url, handlers, clock, openWithinMs } = this.#options;
    this.#index = index;
    const isCurrent = (): boolean => this.#index === index;
    this.#socket = (this.#transports[index] as NamedTransport<Name>).openSocket(url, {
      onOpen: () => isCurrent() && this.#phase === 'opening' && this.#opened(),
      onPacket: (packet) => isCurrent() && handlers.onPacket(packet),
      onClose: (code, reason) => isCurrent() && this.#ended(code, reason),
    });
    if (index + 1 < this.#transports.length) this.#timer = clock.schedule(openWithinMs, () => this.#giveUp());
  }

  #opened(): void {
    this.#timer?.cancel();
    this.#phase = 'open';
    this.#options.onOpen(this.#index);
    this.#options.handlers.onOpen();
  }

  #giveUp(): void {
    const slow = this.#socket;
    this.#try(this.#index + 1);
    slow.close(1000, '');
  }

  #ended(code: number, reason: string): void {
    this.#timer?.cancel();
    if (this.#phase === 'opening' && code === LOST && this.#index + 1 < this.#transports.length) return this.#try(this.#index + 1);
    this.#phase = 'closed';
    this.#options.handlers.onClose(code, reason);
  }
}
