/** Two estimates that a client makes of its link: the server's clock, and how late poses come. Pure arithmetic. */

/** Exchanges that the clock filter looks back on: 16 s at one each 2 s. */
const WINDOW = 8;
/** Browsers round their clock to as much as this, so that a short round trip can come out below nothing. */
const CLOCK_STEP_MS = 1;

interface Exchange {
  readonly offsetMs: number;
  readonly rttMs: number;
}

/** One question and answer, as in RFC 5905 section 8: t1 and t4 on the device's clock, t2 and t3 on the server's. */
export interface ClockExchange {
  readonly deviceMs: number;
  readonly arrivedMs: number;
  readonly sentMs: number;
  readonly receivedMs: number;
}

/**
 * Estimates the offset of the server's clock from the exchange with the shortest round trip.
 *
 * An average takes in every queue that a message stood in. The offset of one exchange is wrong by at most half its
 * round trip, so the shortest of the last few bounds the error best (the clock filter of RFC 5905 section 10).
 */
export class ClockFilter {
  #offsetMs: number | undefined;
  #rttMs = 0;
  readonly #exchanges: Exchange[] = [];

  /** Server clock minus device clock; 0 until something is known. */
  get offsetMs(): number {
    return this.#offsetMs ?? 0;
  }

  /** The shortest round trip of the window; 0 before the first exchange. */
  get rttMs(): number {
    return this.#rttMs;
  }

  /** A first guess from one message that took an unknown time; an exchange replaces it. */
  guess(serverMs: number, receivedMs: number): void {
    if (this.#exchanges.length === 0 && Number.isFinite(serverMs)) this.#offsetMs = serverMs - receivedMs;
  }

  /** Takes an exchange in; false when its times are impossible, and nothing changes. */
  add(exchange: ClockExchange): boolean {
    const rttMs = exchange.receivedMs - exchange.deviceMs - (exchange.sentMs - exchange.arrivedMs);
    const offsetMs = (exchange.arrivedMs - exchange.deviceMs + exchange.sentMs - exchange.receivedMs) / 2;
    if (!Number.isFinite(rttMs) || !Number.isFinite(offsetMs) || rttMs < -CLOCK_STEP_MS || exchange.sentMs < exchange.arrivedMs) return false;
    if (this.#exchanges.length === WINDOW) this.#exchanges.shift();
    this.#exchanges.push({ offsetMs, rttMs: Math.max(0, rttMs) });
    const best = this.#exchanges.reduce((least, next) => (next.rttMs < least.rttMs ? next : least));
    this.#offsetMs = best.offsetMs;
    this.#rttMs = best.rttMs;
    return true;
  }

  /** Forgets everything but the last offset: another connection may lead to another server. */
  restart(): void {
    this.#exchanges.length = 0;
  }
}

/** Follows how old poses are when they come, and how much that varies (the smoothing of RFC 6298: 1/8 and 1/4). */
export class PoseAge {
  #ageMs: number | undefined;
  #jitterMs = 0;

  get jitterMs(): number {
    return this.#jitterMs;
  }

  add(ageMs: number): void {
    if (!Number.isFinite(ageMs)) return;
    const before = this.#ageMs ?? ageMs;
    this.#jitterMs += (Math.abs(ageMs - before) - this.#jitterMs) / 4;
    this.#ageMs = before + (ageMs - before) / 8;
  }
}
