/** One connection, from the first byte to the last: packets to messages and back, and the watch over its silence. */
import { unreachable } from '../core/assert.ts';
import type { Clock, Timer } from '../core/clock.ts';
import { CopresenceError, ERRORS, type ErrorCode, type RetryAdvice } from '../core/errors.ts';
import { KIND, readContainer, type MessageKind } from '../protocol/codec/container.ts';
import { decodeDown, encodeUp } from '../protocol/codec/control.ts';
import type { DownMessage, DownMessageOf } from '../protocol/down.ts';
import type { UpMessage } from '../protocol/up.ts';
import { Outbox } from './outbox.ts';
import type { ClientSocket, SocketFactory } from './socket.ts';

/** Why a connection ended, and whether another may do better. */
export interface LinkEnd {
  /** `NORMAL`, a code of core/errors.ts, or one that this build does not know. */
  readonly code: string;
  readonly detail: string;
  readonly retry: RetryAdvice;
  readonly retryAfterMs: number;
}

/** `snapshot`: samples as they are. `deltaSnapshot`: what differs from earlier ones. */
export type SnapshotKind = 'snapshot' | 'deltaSnapshot';

export interface LinkListener {
  onOpen(): void;
  onMessage(message: DownMessage): void;
  /** @param payload - an encoded snapshot of its kind, valid during the call. */
  onSnapshot(payload: Uint8Array, kind: SnapshotKind): void;
  /** Something from the server could not be read; the connection goes on. */
  onUnreadable(code: ErrorCode, detail: string, about: string): void;
  /** Once, and the last call. */
  onEnd(end: LinkEnd): void;
}

export interface LinkOptions {
  readonly url: string;
  readonly clock: Clock;
  readonly openSocket: SocketFactory;
  /** Silence after which the link is given up, from its start on. */
  readonly silenceMs: number;
}

const ONLY_GOOD_NOW: ReadonlySet<MessageKind> = new Set([KIND.poseSample, KIND.acknowledgement]);

export class Link {
  readonly #clock: Clock;
  readonly #silenceMs: number;
  #listener: LinkListener;
  readonly #outbox: Outbox;
  /** For a socket with a way of its own for what is only good now. */
  readonly #latest: Outbox;
  readonly #socket: ClientSocket;
  #phase: 'opening' | 'open' | 'ended' = 'opening';
  #flushWaits = false;
  #heardMs: number;
  #watch: Timer;
  #closing: LinkEnd | undefined;

  constructor(options: LinkOptions, listener: LinkListener) {
    this.#clock = options.clock;
    this.#silenceMs = options.silenceMs;
    this.#listener = listener;
    this.#heardMs = options.clock.nowMs();
    this.#watch = options.clock.schedule(options.silenceMs, () => this.#checkSilence());
    this.#outbox = new Outbox((packet) => this.#socket.send(packet));
    this.#latest = new Outbox((packet) => this.#socket.sendLatest?.(packet));
    this.#socket = options.openSocket(options.url, {
      onOpen: () => this.#opened(),
      onPacket: (packet) => this.#received(packet),
      onClose: (code, reason) => this.#end(this.#closing ?? endOfClose(code, reason)),
    });
  }

  /** From now on another hears what comes. */
  listen(listener: LinkListener): void {
    this.#listener = listener;
  }

  /** Bytes that the network has not taken yet, those of this turn among them. */
  get bufferedBytes(): number {
    return this.#socket.bufferedBytes + this.#outbox.length + this.#latest.length;
  }

  /** Puts a control message into this turn's packet. @throws CopresenceError MESSAGE_INVALID when it is too large. */
  send(message: UpMessage): void {
    this.#outbox.addFramed(encodeUp(message));
    this.#flushLater();
  }

  /** Puts a binary message into this turn's packet. @param payload - copied. */
  sendBinary(kind: MessageKind, payload: Uint8Array): void {
    const outbox = ONLY_GOOD_NOW.has(kind) && this.#socket.sendLatest !== undefined ? this.#latest : this.#outbox;
    outbox.add(kind, payload);
    this.#flushLater();
  }

  /** Sends what waits, for a message whose own time matters. */
  flush(): void {
    if (this.#phase !== 'open') return;
    this.#outbox.flush();
    this.#latest.flush();
  }

  /** Ends the link as `end` says, once what waits is sent. */
  close(end: LinkEnd, closeCode = 1000): void {
    this.flush();
    this.#socket.close(closeCode, end.code);
    this.#end(end);
  }

  #flushLater(): void {
    if (this.#flushWaits || this.#phase !== 'open') return;
    this.#flushWaits = true;
    this.#clock.defer(() => {
      this.#flushWaits = false;
      this.flush();
    });
  }

  #opened(): void {
    if (this.#phase !== 'opening') return;
    this.#phase = 'open';
    this.#listener.onOpen();
    this.flush();
  }

  #received(packet: Uint8Array): void {
    if (this.#phase !== 'open') return;
    this.#heardMs = this.#clock.nowMs();
    const problem = readContainer(packet, (kind, payload) => this.#visit(kind, payload));
    if (problem !== undefined) this.#listener.onUnreadable(problem, ERRORS[problem].summary, 'packet');
  }

  #visit(kind: number, payload: Uint8Array): void {
    if (this.#phase !== 'open') return;
    if (kind === KIND.snapshot) return this.#listener.onSnapshot(payload, 'snapshot');
    if (kind === KIND.deltaSnapshot) return this.#listener.onSnapshot(payload, 'deltaSnapshot');
    if (kind !== KIND.control) return this.#listener.onUnreadable('MESSAGE_UNKNOWN', `message kind ${kind}`, 'packet');
    const decoded = decodeDown(payload);
    if (decoded.kind === 'refused') return this.#listener.onUnreadable(decoded.code, decoded.detail, decoded.about);
    if (decoded.message.type === 'error' && decoded.message.closing) this.#closing = endOfError(decoded.message);
    this.#listener.onMessage(decoded.message);
  }

  #checkSilence(): void {
    const leftMs = this.#heardMs + this.#silenceMs - this.#clock.nowMs();
    if (leftMs > 0) this.#watch = this.#clock.schedule(leftMs, () => this.#checkSilence());
    else this.close(lostEnd('HEARTBEAT_TIMEOUT', `nothing heard for ${this.#silenceMs} ms`), 4000);
  }

  #end(end: LinkEnd): void {
    if (this.#phase === 'ended') return;
    this.#phase = 'ended';
    this.#watch.cancel();
    this.#listener.onEnd(end);
  }
}

/** An end with a code of this build. */
export function lostEnd(code: ErrorCode, detail: string): LinkEnd {
  return { code, detail, retry: ERRORS[code].retry, retryAfterMs: 0 };
}

export const NORMAL_END: LinkEnd = { code: 'NORMAL', detail: '', retry: 'never', retryAfterMs: 0 };

/** The end that an error message announces. */
export function endOfError(message: DownMessageOf<'error'>): LinkEnd {
  return { code: message.code, detail: message.detail, retry: message.retry, retryAfterMs: message.retryAfterMs ?? 0 };
}

/** As whoever waits for the first join hears of it. */
export function errorOf(end: LinkEnd): CopresenceError {
  if (end.code in ERRORS) return new CopresenceError(end.code as ErrorCode, end.detail);
  return new CopresenceError('CONNECTION_LOST', `${end.code} ${end.detail}`.trim());
}

/** What a close code means when no error message came before it. */
export function endOfClose(closeCode: number, reason: string): LinkEnd {
  if (closeCode === 1000) return { ...NORMAL_END, detail: reason };
  for (const [code, entry] of Object.entries(ERRORS)) {
    if ('closeCode' in entry && entry.closeCode === closeCode) return lostEnd(code as ErrorCode, reason);
  }
  return lostEnd('CONNECTION_LOST', reason === '' ? `close code ${closeCode}` : reason);
}

/** What the end of a wait for a match is to whoever wanted to join. */
export function unmatchedEnd(reason: DownMessageOf<'unmatched'>['reason']): LinkEnd {
  switch (reason) {
    case 'timeout':
      return { ...lostEnd('REQUEST_EXPIRED', 'nobody came who wants the same'), retry: 'never' };
    case 'full':
      return lostEnd('SERVER_FULL', 'no room for a match');
    case 'cancelled':
      return NORMAL_END;
    default:
      return unreachable(reason);
  }
}
