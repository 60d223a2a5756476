/** What a client counts of its connections, for whoever looks for a reason why something stutters. */
import type { Clock } from '../core/clock.ts';
import type { ClientStatistics, CopresenceClient, SendResult } from './client.ts';
import type { Emitter } from './emitter.ts';
import type { SocketFactory } from './socket.ts';

const RATE_PERIOD_MS = 1000;

type Lasting = Pick<CopresenceClient, 'rttMs' | 'jitterMs' | 'clockOffsetMs' | 'renderDelayMs'>;

export class Statistics {
  readonly #clock: Clock;
  readonly #counts = { sentBytes: 0, receivedBytes: 0, posesSuperseded: 0, picturesSuperseded: 0, unreadable: 0 };
  #rates = { sentBytesPerS: 0, receivedBytesPerS: 0 };
  #mark = { ms: 0, sentBytes: 0, receivedBytes: 0 };
  #joins = 0;
  #snapshotMs: number | undefined;

  constructor(clock: Clock, emitter: Emitter) {
    this.#clock = clock;
    this.#mark.ms = clock.nowMs();
    emitter.on('joined', () => void this.#joins++);
    emitter.on('snapshot', () => (this.#snapshotMs = clock.nowMs()));
    emitter.on('error', ({ origin }) => void (origin === 'client' && this.#counts.unreadable++));
  }

  /** Counts what goes through the sockets of a factory. */
  counting(openSocket: SocketFactory): SocketFactory {
    return (url, handlers) => {
      const socket = openSocket(url, {
        onOpen: () => handlers.onOpen(),
        onClose: (code, reason) => handlers.onClose(code, reason),
        onPacket: (packet) => {
          this.#counts.receivedBytes += packet.length;
          handlers.onPacket(packet);
        },
      });
      const { sendLatest } = socket;
      const counted = (send: (packet: Uint8Array) => void) => (packet: Uint8Array) => {
        this.#counts.sentBytes += packet.length;
        send.call(socket, packet);
      };
      return {
        get bufferedBytes() {
          return socket.bufferedBytes;
        },
        send: counted(socket.send),
        ...(sendLatest && { sendLatest: counted(sendLatest) }),
        close: (code, reason) => socket.close(code, reason),
      };
    };
  }

  /** Counts what became of something to send, and passes it on. */
  sent(kind: 'poses' | 'pictures', result: SendResult): SendResult {
    if (result === 'superseded') this.#counts[`${kind}Superseded`]++;
    return result;
  }

  take({ rttMs, jitterMs, clockOffsetMs, renderDelayMs }: Lasting, snapshotsOvertaken: number): ClientStatistics {
    const nowMs = this.#clock.nowMs();
    const { ms, sentBytes, receivedBytes } = this.#mark;
    if (nowMs - ms >= RATE_PERIOD_MS) {
      const rate = (bytes: number): number => (bytes / (nowMs - ms)) * 1000;
      this.#rates = { sentBytesPerS: rate(this.#counts.sentBytes - sentBytes), receivedBytesPerS: rate(this.#counts.receivedBytes - receivedBytes) };
      this.#mark = { ms: nowMs, sentBytes: this.#counts.sentBytes, receivedBytes: this.#counts.receivedBytes };
    }
    return {
      rttMs, jitterMs, clockOffsetMs, renderDelayMs, ...this.#counts, ...this.#rates, snapshotsOvertaken,
      snapshotAgeMs: this.#snapshotMs === undefined ? undefined : nowMs - this.#snapshotMs,
      reconnects: Math.max(0, this.#joins - 1),
    };
  }
}
