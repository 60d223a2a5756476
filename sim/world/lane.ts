/** One direction of a simulated link: ordered and reliable, as a stream socket is, but slow, uneven or stuck. */
import { randomBetween, type Random } from '../../core/random.ts';
import type { SimClock } from './sim-clock.ts';

export interface LaneOptions {
  readonly delayMs: number;
  readonly jitterMs: number;
  /** Infinity for a link that takes everything at once. */
  readonly bytesPerMs: number;
  /** Of the packets; each is sent again, which takes RESEND_MS and holds up those behind it. */
  readonly lossRate: number;
}

/** The least retransmission timeout of Linux's TCP is 200 ms. */
const RESEND_MS = 200;
/** What the sender's system takes before its process sees bytes wait. */
const SYSTEM_BUFFER_BYTES = 64 * 1024;

interface Parcel {
  readonly bytes: number;
  readonly deliver: () => void;
}

export class Lane {
  readonly #clock: SimClock;
  readonly #random: Random;
  readonly #waiting: Parcel[] = [];
  #options: LaneOptions;
  #waitingBytes = 0;
  #sending = false;
  #stuckUntilMs = -Infinity;
  #lastArrivalMs = -Infinity;
  #isCut = false;

  constructor(clock: SimClock, random: Random, options: LaneOptions) {
    this.#clock = clock;
    this.#random = random;
    this.#options = options;
  }

  /** Bytes that the system has not taken yet. */
  get bufferedBytes(): number {
    return Math.max(0, this.#waitingBytes - SYSTEM_BUFFER_BYTES);
  }

  /** @param deliver - called when the parcel arrives, if it does. */
  send(bytes: number, deliver: () => void): void {
    if (this.#isCut) return;
    this.#waiting.push({ bytes, deliver });
    this.#waitingBytes += bytes;
    this.#next();
  }

  change(options: LaneOptions): void {
    this.#options = options;
  }

  /** Nothing leaves until then; Infinity for a peer that is gone without a word. */
  stick(untilMs: number): void {
    this.#stuckUntilMs = Math.max(this.#stuckUntilMs, untilMs);
  }

  /** Nothing arrives any more, not even what is under way. */
  cut(): void {
    this.#isCut = true;
    this.#waiting.length = 0;
    this.#waitingBytes = 0;
  }

  #next(): void {
    const parcel = this.#waiting[0];
    if (this.#sending || parcel === undefined || this.#stuckUntilMs === Infinity) return;
    const leavesInMs = Math.max(0, this.#stuckUntilMs - this.#clock.nowMs()) + parcel.bytes / this.#options.bytesPerMs;
    this.#sending = true;
    if (leavesInMs > 0) this.#clock.schedule(leavesInMs, () => this.#leave());
    else this.#leave();
  }

  #leave(): void {
    this.#sending = false;
    if (this.#isCut) return;
    // It got stuck while the parcel was leaving.
    if (this.#stuckUntilMs > this.#clock.nowMs()) return this.#next();
    const parcel = this.#waiting.shift();
    if (parcel === undefined) return;
    this.#waitingBytes -= parcel.bytes;
    const { delayMs, jitterMs, lossRate } = this.#options;
    const resendMs = this.#random.next() < lossRate ? RESEND_MS : 0;
    const nowMs = this.#clock.nowMs();
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, nowMs + delayMs + resendMs + randomBetween(this.#random, 0, jitterMs));
    this.#clock.schedule(this.#lastArrivalMs - nowMs, () => {
      if (!this.#isCut && this.#stuckUntilMs !== Infinity) parcel.deliver();
    });
    this.#next();
  }
}
