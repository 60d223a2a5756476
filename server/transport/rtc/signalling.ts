/** The WebSocket of one WebRTC connection: from the token over offers and candidates to the close code. */
import type { RawData, WebSocket } from 'ws';
import type { Clock, Timer } from '../../../core/clock.ts';
import type { ErrorCode } from '../../../core/errors.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { readUpSignal, SIGNAL_LIMITS, type DownSignal, type IceServer, type UpSignal } from '../../../protocol/rtc/signal.ts';
import type { ConnectionListener } from '../../flow.ts';
import { closeNumber } from '../web-socket.ts';
import type { PeerEvent } from './child-messages.ts';
import type { RtcHost } from './host.ts';
import { RtcConnection } from './rtc-connection.ts';

/** From the token to open channels: gathering, connectivity checks and the handshake, over a slow network. */
const OPENING_MS = 15_000;
/** How long what was sent may take to leave before a close, and a peer to answer a close. */
const CLOSE_GRACE_MS = 2000;

export interface SignallingOptions {
  readonly clock: Clock;
  readonly listener: ConnectionListener;
  readonly host: RtcHost;
  readonly iceServers: readonly IceServer[];
  /** Rejects a token with which nothing can be joined. */
  readonly admit: (token: string) => Promise<unknown>;
}

/** What has been negotiated so far; `peer` is the host's number of the peer connection. */
type Phase =
  | { readonly state: 'greeting' }
  | { readonly state: 'verifying' }
  | { readonly state: 'admitted' }
  | { readonly state: 'closed' }
  | { readonly state: 'negotiating'; readonly peer: number }
  | { readonly state: 'open'; readonly peer: number; readonly connection: RtcConnection };

export class Signalling {
  readonly #options: SignallingOptions;
  readonly #socket: WebSocket;
  /** Settles when the WebSocket is gone; never rejects. */
  readonly closed: Promise<void>;
  readonly #about: { readonly id: string; readonly remoteAddress: string };
  #phase: Phase = { state: 'greeting' };
  #deadline: Timer;
  #offers = 0;
  #candidates = 0;
  #closeCode: ErrorCode | 'NORMAL' | undefined;
  #finishClose: (() => void) | undefined;

  /** @param onGone - called once, when the WebSocket is closed. */
  constructor(options: SignallingOptions, socket: WebSocket, about: { readonly id: string; readonly remoteAddress: string }, onGone: () => void) {
    this.#options = options;
    this.#socket = socket;
    this.#about = about;
    this.#deadline = this.#expectWithin(LIMITS.helloTimeoutMs);
    socket.on('message', (data: RawData, isBinary: boolean) => this.#message(data, isBinary));
    socket.on('error', (error: Error & { code?: string }) => {
      this.#closeCode ??= error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH' ? 'PACKET_TOO_LARGE' : 'CONNECTION_LOST';
    });
    this.closed = new Promise((resolve) => socket.on('close', () => resolve()));
    socket.on('close', () => {
      onGone();
      this.#socketClosed();
    });
  }

  /** Ends it whatever its phase. */
  close(code: ErrorCode | 'NORMAL', reason: string): void {
    if (this.#phase.state === 'open') this.#phase.connection.close(code, reason);
    else this.#end(code, reason, true);
  }

  checkStall(nowMs: number): void {
    if (this.#phase.state === 'open') this.#phase.connection.checkStall(nowMs);
  }

  #message(data: RawData, isBinary: boolean): void {
    if (this.#closeCode !== undefined) return;
    const signal = isBinary ? undefined : readUpSignal((data as Buffer).toString('utf8'));
    if (signal === undefined) return this.close('PACKET_MALFORMED', 'not a message of the signalling');
    const problem = this.#take(signal);
    if (problem !== undefined) this.close(problem, 'a message that this state does not take, or too many of them');
  }

  #take(signal: UpSignal): ErrorCode | undefined {
    const phase = this.#phase;
    if (signal.type === 'open') {
      if (phase.state !== 'greeting') return 'PACKET_MALFORMED';
      this.#verify(signal.token);
      return undefined;
    }
    if (phase.state === 'greeting' || phase.state === 'verifying' || phase.state === 'closed') return 'PACKET_MALFORMED';
    if (signal.type === 'offer') return this.#offer(phase, signal.sdp);
    if (phase.state === 'admitted') return 'PACKET_MALFORMED';
    if (++this.#candidates > SIGNAL_LIMITS.candidates) return 'TOO_MANY_ERRORS';
    this.#options.host.post({ kind: 'candidate', peer: phase.peer, candidate: signal.candidate, mid: signal.mid });
    return undefined;
  }

  #verify(token: string): void {
    this.#phase = { state: 'verifying' };
    this.#options.admit(token).then(
      () => {
        if (this.#closeCode !== undefined) return;
        this.#phase = { state: 'admitted' };
        this.#deadline.cancel();
        this.#deadline = this.#expectWithin(OPENING_MS);
        this.#say({ type: 'ready', iceServers: [...this.#options.iceServers] });
      },
      () => this.close('TOKEN_INVALID', 'not a token that is good here'),
    );
  }

  /** The first offer makes the peer connection; a later one adds a camera. One that restarts ICE ends it: the native side has no such thing. */
  #offer(phase: Phase, sdp: string): ErrorCode | undefined {
    if (++this.#offers > SIGNAL_LIMITS.offers) return 'TOO_MANY_ERRORS';
    const { host } = this.#options;
    if (phase.state === 'admitted') this.#phase = { state: 'negotiating', peer: host.addPeer((event) => this.#event(event)) };
    if ('peer' in this.#phase) host.post({ kind: 'offer', peer: this.#phase.peer, sdp });
    return undefined;
  }

  #event(event: PeerEvent): void {
    switch (event.kind) {
      case 'answer': return this.#say({ type: 'answer', sdp: event.sdp });
      case 'candidate': return this.#say({ type: 'candidate', candidate: event.candidate, mid: event.mid });
      case 'open': return this.#open(event.peer);
      case 'gone': return this.#peerGone();
      default:
        if (this.#phase.state === 'open') this.#traffic(this.#phase.connection, event);
    }
  }

  #traffic(connection: RtcConnection, event: Extract<PeerEvent, { kind: 'message' | 'picture' | 'text' | 'taken' }>): void {
    if (event.kind === 'taken') return connection.taken(event.bytes);
    if (event.kind === 'picture') {
      connection.seesCamera();
      return this.#options.listener.onTrackPicture?.(connection, event.chunk, event.ageMs, this.#options.clock.nowMs());
    }
    if (event.kind === 'text') return connection.close('TEXT_NOT_SUPPORTED', 'binary messages only');
    const packet = connection.received(event.channel, event.bytes);
    if (packet === undefined) return;
    if (typeof packet === 'string') connection.close(packet, 'a channel that cannot be read');
    else this.#options.listener.onPacket(connection, packet, this.#options.clock.nowMs());
  }

  #open(peer: number): void {
    if (this.#phase.state !== 'negotiating') return;
    this.#deadline.cancel();
    const { clock, host, listener } = this.#options;
    const connection = new RtcConnection(clock, {
      ...this.#about,
      send: (channel, bytes) => host.post({ kind: 'send', peer, channel, bytes }),
      requestKeyPicture: () => host.post({ kind: 'key-picture', peer }),
      end: (code, reason, atOnce) => this.#end(code, reason, atOnce),
    });
    this.#phase = { state: 'open', peer, connection };
    listener.onOpen(connection);
  }

  /** Ends the peer connection first, so that what was said before arrives before the close code. */
  #end(code: ErrorCode | 'NORMAL', reason: string, atOnce: boolean): void {
    if (this.#closeCode !== undefined) return;
    this.#closeCode = code;
    this.#deadline.cancel();
    const finish = (): void => {
      if (code === 'CONNECTION_LOST') return this.#socket.terminate();
      this.#socket.close(closeNumber(code), reason);
      this.#deadline = this.#options.clock.schedule(CLOSE_GRACE_MS, () => this.#socket.terminate());
    };
    if (!('peer' in this.#phase)) return finish();
    this.#options.host.post({ kind: 'close', peer: this.#phase.peer, atOnce });
    if (atOnce) return finish();
    this.#finishClose = finish;
    this.#deadline = this.#options.clock.schedule(CLOSE_GRACE_MS, finish);
  }

  #peerGone(): void {
    if (this.#closeCode === undefined) return this.#phase.state === 'open' ? this.#lost(this.#phase.connection) : this.#end('CONNECTION_LOST', '', true);
    const finish = this.#finishClose;
    this.#finishClose = undefined;
    this.#deadline.cancel();
    finish?.();
  }

  #lost(connection: RtcConnection): void {
    connection.ended();
    this.#end('CONNECTION_LOST', '', true);
  }

  #socketClosed(): void {
    this.#deadline.cancel();
    this.#finishClose = undefined;
    const phase = this.#phase;
    this.#phase = { state: 'closed' };
    if ('peer' in phase) this.#options.host.post({ kind: 'close', peer: phase.peer, atOnce: true });
    if (phase.state !== 'open') return;
    phase.connection.ended();
    this.#options.listener.onClose(phase.connection, this.#closeCode ?? 'CONNECTION_LOST');
  }

  #expectWithin(limitMs: number): Timer {
    return this.#options.clock.schedule(limitMs, () => this.close('HELLO_TIMEOUT', 'the connection did not come about in time'));
  }

  #say(signal: DownSignal): void {
    if (this.#closeCode === undefined) this.#socket.send(JSON.stringify(signal), ignoreSendError);
  }
}

/** A send that fails means that the link is going; its close event says so. */
function ignoreSendError(): void {}
