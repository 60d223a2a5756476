/** Connections over WebRTC data channels: their WebSockets for signalling, and one process with the peer connections. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { every, type Repeating } from '../../../core/clock.ts';
import type { ErrorCode } from '../../../core/errors.ts';
import { RTC_PATH, SIGNAL_LIMITS } from '../../../protocol/rtc/signal.ts';
import { callerOf, refuseCaller } from '../door.ts';
import { refuseUpgrade, type UpgradeTaker } from '../upgrades.ts';
import { STALL_CHECK_MS, SUBPROTOCOL, type WebSocketOptions } from '../web-socket.ts';
import type { PeerSettings } from './child-messages.ts';
import { RtcHost } from './host.ts';
import { Signalling } from './signalling.ts';

export interface RtcOptions extends WebSocketOptions {
  /** Rejects a token with which nothing can be joined. */
  readonly admit: (token: string) => Promise<unknown>;
  readonly peers: PeerSettings;
}

export class RtcTransport implements UpgradeTaker {
  static readonly path = RTC_PATH;
  readonly #options: RtcOptions;
  readonly #host: RtcHost;
  readonly #server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    // UTF-8 takes at most three bytes for a UTF-16 code unit.
    maxPayload: SIGNAL_LIMITS.messageLength * 3,
    handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
  });
  readonly #links = new Set<Signalling>();
  readonly #stallChecks: Repeating;
  #accepted = 0;

  /** Starts the process of the peer connections. @throws CopresenceError CONFIG_INVALID when it cannot run. */
  static async start(options: RtcOptions): Promise<RtcTransport> {
    const host = new RtcHost(options.clock, options.peers);
    await host.start();
    return new RtcTransport(options, host);
  }

  private constructor(options: RtcOptions, host: RtcHost) {
    this.#options = options;
    this.#host = host;
    this.#stallChecks = every(options.clock, STALL_CHECK_MS, (nowMs) => {
      for (const link of this.#links) link.checkStall(nowMs);
    });
  }

  /** Those that are still being negotiated among them. */
  get connectionCount(): number {
    return this.#links.size;
  }

  /** Whether connections can be taken now; not while the process starts anew. */
  get isReady(): boolean {
    return this.#host.isReady;
  }

  /** The process with the peer connections, undefined while it starts anew. */
  get processId(): number | undefined {
    return this.#host.pid;
  }

  /** Takes over an upgrade of an HTTP server to the path of this transport. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (!this.#host.isReady) return refuseUpgrade(socket, 503);
    const caller = callerOf(request);
    const refusal = refuseCaller(this.#options, caller, this.#links.size);
    if (refusal !== undefined) return refuseUpgrade(socket, refusal.status, refusal.retryAfterS);
    const remoteAddress = caller.address;
    const { clock, listener, admit, peers } = this.#options;
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      const options = { clock, listener, admit, host: this.#host, iceServers: peers.iceServers };
      const link = new Signalling(options, webSocket, { id: `r${++this.#accepted}`, remoteAddress }, () => this.#links.delete(link));
      this.#links.add(link);
    });
  }

  /** Ends every connection, telling each why, and then the process. */
  async close(code: ErrorCode, reason: string): Promise<void> {
    this.#stallChecks.stop();
    const links = [...this.#links];
    for (const link of links) link.close(code, reason);
    this.#server.close();
    await Promise.all(links.map((link) => link.closed));
    await this.#host.close();
  }
}
