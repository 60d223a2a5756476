/** Tells the server which snapshots have arrived, where the connection may lose some: a few times a second, each of them twice or more. */
import { ACKNOWLEDGED_BEFORE, encodeAcknowledgement } from '../protocol/codec/acknowledgement.ts';

/** Less than half of the ticks that one acknowledgement covers, at any usual rate; so one that is lost is made good by the next. */
const PERIOD_MS = 50;

export class Acknowledger {
  #tick: number | undefined;
  #earlier = 0;
  #saidMs = -Infinity;

  /** A snapshot has been taken in whose tick is no earlier than those before. @returns what to say now, if anything. */
  arrived(tick: number, nowMs: number): Uint8Array | undefined {
    const ahead = this.#tick === undefined ? 0 : (tick - this.#tick) >>> 0;
    if (ahead > ACKNOWLEDGED_BEFORE) this.#earlier = 0;
    else if (ahead > 0) this.#earlier = ((ahead === ACKNOWLEDGED_BEFORE ? 0 : this.#earlier << ahead) | (1 << (ahead - 1))) >>> 0;
    this.#tick = tick;
    if (nowMs - this.#saidMs < PERIOD_MS) return undefined;
    this.#saidMs = nowMs;
    return encodeAcknowledgement({ tick, earlier: this.#earlier });
  }

  /** Another connection begins. */
  restart(): void {
    this.#tick = undefined;
    this.#earlier = 0;
    this.#saidMs = -Infinity;
  }
}
