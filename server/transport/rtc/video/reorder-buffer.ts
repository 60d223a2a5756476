/**
 * Puts packets back into their order, asks for those that are missing, and after a while goes on without them.
 *
 * A picture that waits for a packet is a picture that comes late, so the wait is short; a picture that is given up costs
 * all others until the next one that stands alone, so it is not too short either.
 */
import type { RtpPacket } from './rtp.ts';

/** Packets that wait for an earlier one, at most; 320x240 at 15 Hz has some 30 a second. */
const CAPACITY = 512;
/** How long a packet waits for an earlier one: two round trips over a bad network. */
export const MAX_WAIT_MS = 200;
/** From one request for a packet to the next; it takes at least a round trip to come. */
const ASK_AGAIN_MS = 40;
const MAX_ASKS = 4;
/** How long order may come about by itself, before a packet counts as lost. */
const REORDER_MS = 5;
/** Packets that one request names. */
const MAX_NAMED = 64;

/** `gap`: packets before the next one will not come. */
export type Ordered = { readonly kind: 'packet'; readonly packet: RtpPacket; readonly arrivedMs: number } | { readonly kind: 'gap' };

interface Waiting {
  readonly packet: RtpPacket;
  readonly arrivedMs: number;
}

interface Missing {
  readonly sinceMs: number;
  askedMs: number;
  asks: number;
}

/** @bound CAPACITY packets, and as many that are missing. */
export class ReorderBuffer {
  readonly #waiting = new Map<number, Waiting>();
  readonly #missing = new Map<number, Missing>();
  /** Sequence numbers that never go round: that of the next packet to hand on, and one behind the highest seen. */
  #next: number | undefined;
  #end = 0;

  /** Takes a packet, in whatever order; one that was there already or comes too late has no effect. @returns what is in order now. */
  add(packet: RtpPacket, nowMs: number): Ordered[] {
    if (this.#next === undefined) {
      this.#next = packet.sequence;
      this.#end = packet.sequence;
    }
    const sequence = this.#unwrap(packet.sequence);
    if (sequence < this.#next) return [];
    const jumped = sequence >= this.#next + CAPACITY ? this.#restart(sequence) : [];
    for (let missing = this.#end; missing < sequence; missing++) this.#missing.set(missing, { sinceMs: nowMs, askedMs: Number.NEGATIVE_INFINITY, asks: 0 });
    this.#end = Math.max(this.#end, sequence + 1);
    this.#missing.delete(sequence);
    if (!this.#waiting.has(sequence)) this.#waiting.set(sequence, { packet, arrivedMs: nowMs });
    return [...jumped, ...this.#takeReady()];
  }

  /** What is in order when the first that waits has waited long enough. */
  poll(nowMs: number): Ordered[] {
    const ordered: Ordered[] = [];
    for (let first = this.#firstWaiting(); first !== undefined && nowMs - first.arrivedMs >= MAX_WAIT_MS; first = this.#firstWaiting()) {
      this.#skipTo(first.sequence);
      ordered.push({ kind: 'gap' }, ...this.#takeReady());
    }
    return ordered;
  }

  /** Sequence numbers, rising, that should be asked for now. */
  takeRequests(nowMs: number): number[] {
    const named: number[] = [];
    for (const [sequence, missing] of this.#missing) {
      if (named.length === MAX_NAMED) break;
      if (nowMs - missing.sinceMs < REORDER_MS || nowMs - missing.askedMs < ASK_AGAIN_MS || missing.asks === MAX_ASKS) continue;
      missing.askedMs = nowMs;
      missing.asks++;
      named.push(sequence & 0xffff);
    }
    return named;
  }

  /** The number whose low 16 bits these are, nearest to the end. */
  #unwrap(sequence: number): number {
    const distance = ((sequence - this.#end) << 16) >> 16;
    return this.#end + distance;
  }

  #restart(sequence: number): Ordered[] {
    this.#waiting.clear();
    this.#missing.clear();
    this.#next = this.#end = sequence;
    return [{ kind: 'gap' }];
  }

  #takeReady(): Ordered[] {
    const ready: Ordered[] = [];
    for (let next = this.#next ?? 0; ; next++) {
      const waiting = this.#waiting.get(next);
      if (waiting === undefined) break;
      this.#waiting.delete(next);
      this.#next = next + 1;
      ready.push({ kind: 'packet', ...waiting });
    }
    return ready;
  }

  /** The lowest, which is not the one that came first: what was sent again comes late. */
  #firstWaiting(): (Waiting & { readonly sequence: number }) | undefined {
    if (this.#waiting.size === 0) return undefined;
    let lowest = Infinity;
    let arrivedMs = Infinity;
    for (const [sequence, waiting] of this.#waiting) {
      lowest = Math.min(lowest, sequence);
      arrivedMs = Math.min(arrivedMs, waiting.arrivedMs);
    }
    const { packet } = this.#waiting.get(lowest)!;
    return { packet, arrivedMs, sequence: lowest };
  }

  #skipTo(sequence: number): void {
    for (let missing = this.#next ?? sequence; missing < sequence; missing++) this.#missing.delete(missing);
    this.#next = sequence;
  }
}
