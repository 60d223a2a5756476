/** One Socket.IO client as a connection. */
import type { Socket } from 'socket.io';
import type { Clock } from '../../../core/clock.ts';
import type { ErrorCode } from '../../../core/errors.ts';
import type { Connection, Lane, SendOutcome } from '../../flow.ts';
import { Outbox } from '../outbox.ts';
import { closeNumber } from '../web-socket.ts';
import type { EngineLink } from './engine-link.ts';
import type { Format } from './formats.ts';

export class SocketIoConnection implements Connection {
  readonly id: string;
  readonly remoteAddress: string;
  readonly ordered = true;
  readonly format: Format;
  readonly isTranslated: boolean;
  readonly #socket: Socket;
  readonly #link: EngineLink;
  readonly #outbox: Outbox;
  #closeCode: ErrorCode | 'NORMAL' | undefined;

  constructor(clock: Clock, socket: Socket, { id, link, format }: { id: string; link: EngineLink; format: Format }) {
    this.id = id;
    this.remoteAddress = socket.conn.remoteAddress;
    this.format = format;
    this.isTranslated = format.translates;
    this.#socket = socket;
    this.#link = link;
    this.#outbox = new Outbox(clock, {
      get bufferedBytes() {
        return link.bufferedBytes;
      },
      write: (packet) => format.send(socket, packet),
    }, () => this.close('SLOW_CONSUMER', 'the reliable lane is full'));
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
    const closeCode = closeNumber(code);
    // Most clients of the library never see the WebSocket's close code.
    this.#socket.emit('closing', { code, reason, closeCode });
    this.#link.close(closeCode, reason);
  }

  /** The link is gone: why, as far as this side knows. */
  ended(): ErrorCode | 'NORMAL' {
    this.#outbox.close();
    this.#closeCode ??= this.#link.failure ?? 'CONNECTION_LOST';
    return this.#closeCode;
  }
}
