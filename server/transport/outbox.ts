/**
 * What a connection is about to send: the messages of one turn, joined into one packet.
 *
 * A system call costs more than the bytes in it, so messages wait for the end of the turn. The two lanes differ in what
 * happens when the network is slower than we are: `latest` is superseded (a newer one is coming anyway), `reliable` is
 * kept up to a bound, behind which the reader has to go.
 */
import type { Clock } from '../../core/clock.ts';
import { LIMITS } from '../../protocol/limits.ts';
import type { Lane, SendOutcome } from '../flow.ts';
import { turnOf, type Turn } from './turn.ts';

/** The link under an outbox. */
export interface Link {
  /** Bytes handed over before that the network has not taken yet. */
  readonly bufferedBytes: number;
  /** Sends one packet. @param packet - moved to the link. */
  write(packet: Uint8Array): void;
}

/** @bound holds at most LIMITS.reliableBytes, counting what the link buffers. */
export class Outbox {
  readonly #turn: Turn;
  readonly #link: Link;
  readonly #onOverflow: () => void;
  #messages: Uint8Array[] = [];
  #bytes = 0;
  #flushing = false;
  #closed = false;

  /** @param onOverflow - called once when the reliable lane is over its bound. */
  constructor(clock: Clock, link: Link, onOverflow: () => void) {
    this.#turn = turnOf(clock);
    this.#link = link;
    this.#onOverflow = onOverflow;
  }

  get bufferedBytes(): number {
    return this.#bytes + this.#link.bufferedBytes;
  }

  send(message: Uint8Array, lane: Lane): SendOutcome {
    if (this.#closed) return 'closed';
    const buffered = this.#bytes + this.#link.bufferedBytes;
    if (lane === 'latest' && buffered > LIMITS.latestHighWaterBytes) return 'superseded';
    if (buffered + message.length > LIMITS.reliableBytes) return this.#overflow();
    if (this.#messages.length === LIMITS.messagesPerPacket || this.#bytes + message.length > LIMITS.packetBytes) this.flush();
    this.#messages.push(message);
    this.#bytes += message.length;
    this.#flushAtEndOfTurn();
    return 'sent';
  }

  /** Sends what waits, now. */
  flush(): void {
    const messages = this.#messages;
    if (messages.length === 0 || this.#closed) return;
    const size = this.#bytes;
    this.#messages = [];
    this.#bytes = 0;
    this.#link.write(messages.length === 1 ? (messages[0] as Uint8Array) : concatenate(messages, size));
  }

  /** Takes nothing more; what waits is given up unless it was flushed. */
  close(): void {
    this.#closed = true;
    this.#messages = [];
    this.#bytes = 0;
  }

  readonly #flushNow = (): void => {
    this.#flushing = false;
    this.flush();
  };

  #overflow(): SendOutcome {
    this.close();
    this.#onOverflow();
    return 'closed';
  }

  #flushAtEndOfTurn(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    this.#turn.add(this.#flushNow);
  }
}

function concatenate(messages: readonly Uint8Array[], size: number): Uint8Array {
  const packet = Buffer.allocUnsafe(size);
  let at = 0;
  for (const message of messages) {
    packet.set(message, at);
    at += message.length;
  }
  return packet;
}
