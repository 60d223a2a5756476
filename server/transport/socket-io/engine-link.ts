/** The WebSocket below a Socket.IO client: what waits on it, why it failed, and its end with a close code. */
import type { Socket } from 'socket.io';
import type { WebSocket } from 'ws';
import type { ErrorCode } from '../../../core/errors.ts';
import type { Clock } from '../../../core/clock.ts';
import { FLOWING, isStalled, watchStall, type StallState } from '../stall-watch.ts';

export type EngineSocket = Socket['conn'];

/** How long a peer gets to answer a close before the socket is destroyed. */
const CLOSE_GRACE_MS = 2000;
/** Frames that wait in Engine.IO. The lanes are bounded by bytes; this is for the answers that the library gives by itself. */
const MAX_QUEUED_FRAMES = 16_384;

/** Reaches below Engine.IO, which keeps frames back while the WebSocket is busy and tells nobody how much waits. */
export class EngineLink {
  readonly #engine: EngineSocket;
  readonly #webSocket: WebSocket;
  readonly #clock: Clock;
  #queuedBytes = 0;
  #queuedFrames = 0;
  #stall: StallState = FLOWING;
  #failure: ErrorCode | undefined;
  /** Whether a client has taken the link: there is one connection a link. */
  taken = false;

  constructor(engine: EngineSocket, clock: Clock) {
    this.#engine = engine;
    this.#clock = clock;
    this.#webSocket = (engine.transport as unknown as { readonly socket: WebSocket }).socket;
    engine.on('packetCreate', ({ data }: { readonly data?: string | Uint8Array }) => this.#queue(data));
    engine.on('flush', () => {
      this.#queuedBytes = 0;
      this.#queuedFrames = 0;
    });
    // Before the engine's own listener, which ends the connection at once.
    this.#webSocket.prependListener('error', (error: Error & { code?: string }) => this.fail(codeOf(error.code)));
  }

  /** Bytes handed over that the network has not taken: in Engine.IO, and in the WebSocket. */
  get bufferedBytes(): number {
    return this.#queuedBytes + this.#webSocket.bufferedAmount;
  }

  /** Why the link failed, as far as this side knows. */
  get failure(): ErrorCode | undefined {
    return this.#failure;
  }

  /** Notes why the link ends; the first reason stays. */
  fail(code: ErrorCode): void {
    this.#failure ??= code;
  }

  /** Closes behind what waits; a peer that does not answer is cut. */
  close(closeCode: number, reason: string): void {
    const close = (): void => this.#webSocket.close(closeCode, reason);
    if (this.#queuedFrames === 0) close();
    else this.#engine.once('drain', close);
    this.#clock.schedule(CLOSE_GRACE_MS, () => this.#webSocket.terminate());
  }

  /** Cuts a link whose peer reads nothing: a close would wait behind the bytes. */
  checkStall(nowMs: number): void {
    this.#stall = watchStall(this.#stall, this.bufferedBytes, nowMs);
    if (isStalled(this.#stall, nowMs)) this.#cut();
  }

  #queue(data: string | Uint8Array = ''): void {
    this.#queuedBytes += typeof data === 'string' ? Buffer.byteLength(data) : data.length;
    if (++this.#queuedFrames > MAX_QUEUED_FRAMES) this.#cut();
  }

  #cut(): void {
    this.fail('SLOW_CONSUMER');
    this.#webSocket.terminate();
  }
}

function codeOf(libraryCode: string | undefined): ErrorCode {
  if (libraryCode === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') return 'PACKET_TOO_LARGE';
  return libraryCode?.startsWith('WS_ERR') ? 'PACKET_MALFORMED' : 'CONNECTION_LOST';
}
