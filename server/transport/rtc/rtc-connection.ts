/** One connection over two data channels, as the session stage sees it. */
import type { Clock } from '../../../core/clock.ts';
import type { ErrorCode } from '../../../core/errors.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { cutPacket, DATAGRAM_BYTES, PacketJoiner, STATE_MESSAGE_BYTES, type ChannelName } from '../../../protocol/rtc/channel.ts';
import type { Connection, Lane, SendOutcome } from '../../flow.ts';
import { Outbox } from '../outbox.ts';
import { FLOWING, isStalled, watchStall, type StallState } from '../stall-watch.ts';

/** What a connection stands on. */
export interface RtcLink {
  readonly id: string;
  readonly remoteAddress: string;
  send(channel: ChannelName, bytes: Uint8Array): void;
  /** Asks the camera of the peer connection for a key picture. */
  requestKeyPicture(): void;
  /** Ends the peer connection and the WebSocket; `atOnce` gives up what has not left yet. */
  end(code: ErrorCode | 'NORMAL', reason: string, atOnce: boolean): void;
}

export class RtcConnection implements Connection {
  readonly id: string;
  readonly remoteAddress: string;
  readonly ordered = false;
  readonly #clock: Clock;
  readonly #link: RtcLink;
  readonly #control: Outbox;
  readonly #joiner = new PacketJoiner();
  #state: Uint8Array[] = [];
  #stateBytes = 0;
  #handedBytes = 0;
  #takenBytes = 0;
  #stall: StallState = FLOWING;
  #isClosed = false;
  #hasCamera = false;

  constructor(clock: Clock, link: RtcLink) {
    this.id = link.id;
    this.remoteAddress = link.remoteAddress;
    this.#clock = clock;
    this.#link = link;
    const handedBytes = (): number => this.#linkBytes + this.#stateBytes;
    this.#control = new Outbox(clock, {
      get bufferedBytes() {
        return handedBytes();
      },
      write: (packet) => {
        for (const chunk of cutPacket(packet)) this.#hand('control', chunk);
      },
    }, () => this.#end('SLOW_CONSUMER', 'the reliable lane is full', true));
  }

  get bufferedBytes(): number {
    return this.#isClosed ? 0 : this.#control.bufferedBytes;
  }

  /** A `latest` message that takes many datagrams would hardly ever arrive on `state`, so it goes on `control`. */
  send(message: Uint8Array, lane: Lane): SendOutcome {
    if (lane === 'reliable' || message.length > STATE_MESSAGE_BYTES) return this.#control.send(message, lane);
    if (this.#isClosed) return 'closed';
    if (this.bufferedBytes > LIMITS.latestHighWaterBytes) return 'superseded';
    if (this.#stateBytes + message.length > DATAGRAM_BYTES || this.#state.length === LIMITS.messagesPerPacket) this.#flushState();
    if (this.#state.push(message) === 1) this.#clock.defer(() => this.#flushState());
    this.#stateBytes += message.length;
    return 'sent';
  }

  close(code: ErrorCode | 'NORMAL', reason: string): void {
    if (this.#isClosed) return;
    this.#flushState();
    this.#control.flush();
    this.#end(code, reason, false);
  }

  /** A picture has come on a video track. */
  seesCamera(): void {
    this.#hasCamera = true;
  }

  requestKeyPicture(): boolean {
    if (this.#hasCamera && !this.#isClosed) this.#link.requestKeyPicture();
    return this.#hasCamera;
  }

  /** Takes a message of a channel in. @returns a packet, if it is one whole, or why the connection has to end. */
  received(channel: ChannelName, bytes: Uint8Array): Uint8Array | undefined | ErrorCode {
    if (this.#isClosed) return undefined;
    return channel === 'state' ? bytes : this.#joiner.add(bytes);
  }

  /** @param bytes - how many of all that were handed over have left. */
  taken(bytes: number): void {
    this.#takenBytes = bytes;
  }

  /** The link is gone. */
  ended(): void {
    this.#isClosed = true;
    this.#control.close();
    this.#state = [];
    this.#stateBytes = 0;
  }

  checkStall(nowMs: number): void {
    this.#stall = watchStall(this.#stall, this.#linkBytes, nowMs);
    if (isStalled(this.#stall, nowMs)) this.#end('SLOW_CONSUMER', 'nothing is read', true);
  }

  get #linkBytes(): number {
    return this.#handedBytes - this.#takenBytes;
  }

  #flushState(): void {
    const messages = this.#state;
    if (messages.length === 0) return;
    this.#state = [];
    this.#stateBytes = 0;
    this.#hand('state', messages.length === 1 ? (messages[0] as Uint8Array) : Buffer.concat(messages));
  }

  #hand(channel: ChannelName, bytes: Uint8Array): void {
    this.#handedBytes += bytes.length;
    this.#link.send(channel, bytes);
  }

  #end(code: ErrorCode | 'NORMAL', reason: string, atOnce: boolean): void {
    if (this.#isClosed) return;
    this.ended();
    this.#link.end(code, reason, atOnce);
  }
}
