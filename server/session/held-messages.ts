/** Keeps what a participant who is on the way must not miss. */
import { LIMITS } from '../../protocol/limits.ts';
import type { Connection, Lane, SendOutcome } from '../flow.ts';

/** For one participant of many who may be on the way; a fraction of what a connection takes, so that there is room for them there. */
const MOST_BYTES = LIMITS.reliableBytes / 8;

/** Stands where the connection will be. @bound an eighth of LIMITS.reliableBytes; behind it the participant has to go, as a slow reader has. */
export class HeldMessages implements Connection {
  readonly id = 'held';
  readonly remoteAddress = '';
  readonly ordered = true;
  readonly #onOverflow: () => void;
  #messages: Uint8Array[] = [];
  #bytes = 0;
  #isOver = false;

  constructor(onOverflow: () => void) {
    this.#onOverflow = onOverflow;
  }

  get bufferedBytes(): number {
    return this.#bytes;
  }

  /** Keeps the reliable ones, in order. */
  send(message: Uint8Array, lane: Lane): SendOutcome {
    if (this.#isOver) return 'closed';
    if (lane === 'latest') return 'superseded';
    this.#bytes += message.length;
    if (this.#bytes <= MOST_BYTES) {
      // The sender may reuse its buffer once the turn is over.
      this.#messages.push(message.slice());
      return 'sent';
    }
    this.close();
    this.#onOverflow();
    return 'closed';
  }

  /** Gives everything to the connection that has come, once. */
  handOver(connection: Connection): void {
    for (const message of this.#messages) connection.send(message, 'reliable');
    this.close();
  }

  close(): void {
    this.#isOver = true;
    this.#messages = [];
    this.#bytes = 0;
  }
}
