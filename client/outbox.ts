/** Gathers the messages of one turn into one packet, because a system call costs more than a message. */
import { frameHeaderBytes, writeFrameHeader, type MessageKind } from '../protocol/codec/container.ts';
import { LIMITS } from '../protocol/limits.ts';

const FIRST_CAPACITY = 2048;

/** @bound LIMITS.packetBytes and LIMITS.messagesPerPacket; what does not fit leaves at once as a packet of its own. */
export class Outbox {
  readonly #send: (packet: Uint8Array) => void;
  #bytes = new Uint8Array(FIRST_CAPACITY);
  #length = 0;
  #messages = 0;

  /** @param send - takes a packet, which is its own to keep. */
  constructor(send: (packet: Uint8Array) => void) {
    this.#send = send;
  }

  get length(): number {
    return this.#length;
  }

  /** Adds a message that is framed already. @param message - copied. */
  addFramed(message: Uint8Array): void {
    this.#reserve(message.length);
    this.#bytes.set(message, this.#length);
    this.#length += message.length;
  }

  /** Frames and adds a message. @param payload - copied. */
  add(kind: MessageKind, payload: Uint8Array): void {
    this.#reserve(frameHeaderBytes(payload.length) + payload.length);
    const at = writeFrameHeader(kind, payload.length, this.#bytes, this.#length);
    this.#bytes.set(payload, at);
    this.#length = at + payload.length;
  }

  /** Sends what was gathered, if anything. */
  flush(): void {
    if (this.#length === 0) return;
    const packet = this.#bytes.slice(0, this.#length);
    this.#length = 0;
    this.#messages = 0;
    this.#send(packet);
  }

  #reserve(bytes: number): void {
    if (this.#messages === LIMITS.messagesPerPacket || this.#length + bytes > LIMITS.packetBytes) this.flush();
    this.#messages++;
    let capacity = this.#bytes.length;
    while (capacity < this.#length + bytes) capacity *= 2;
    if (capacity === this.#bytes.length) return;
    const grown = new Uint8Array(capacity);
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}
