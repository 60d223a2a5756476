/** Decides before an upgrade whether somebody may connect: how many of one address there are, and how many come in a second. */
import { networkOf } from '../../core/network.ts';
import { RateLimit } from '../../core/rate-limit.ts';
import type { Random } from '../../core/random.ts';

/** Whole seconds from 1 to this, by chance, so that those who were refused together do not come back together. */
const RETRY_SPREAD_S = 8;

export interface AdmissionLimits {
  /** Of one IPv4 address or IPv6 /64; without a bound where left out. */
  readonly connectionsPerAddress?: number | undefined;
  /** Without a bound where left out. */
  readonly acceptsPerSecond?: number | undefined;
}

/** An HTTP answer in place of an upgrade. */
export interface Refusal {
  readonly status: 403 | 429 | 503;
  /** For the header of this name, in seconds. */
  readonly retryAfterS?: number;
}

/** @bound an entry for each address that is connected. */
export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #random: Random;
  readonly #accepts: RateLimit | undefined;
  readonly #byNetwork = new Map<string, number>();

  constructor(limits: AdmissionLimits, random: Random, nowMs: number) {
    this.#limits = limits;
    this.#random = random;
    this.#accepts = limits.acceptsPerSecond === undefined ? undefined : new RateLimit(limits.acceptsPerSecond, nowMs);
  }

  /**
   * Lets somebody in, or says why not. Only who would otherwise be let in counts for the rate: one address that is over its
   * bound cannot use up the rate of the others.
   *
   * @param isFull - there is no room for anybody.
   */
  admit(address: string, { isFull, nowMs }: { readonly isFull: boolean; readonly nowMs: number }): Refusal | undefined {
    const { connectionsPerAddress = Infinity } = this.#limits;
    if ((this.#byNetwork.get(networkOf(address)) ?? 0) >= connectionsPerAddress) return this.#refusal(429);
    if (isFull || this.#accepts?.take(nowMs) === false) return this.#refusal(503);
    return undefined;
  }

  opened(address: string): void {
    const network = networkOf(address);
    this.#byNetwork.set(network, (this.#byNetwork.get(network) ?? 0) + 1);
  }

  closed(address: string): void {
    const network = networkOf(address);
    const left = (this.#byNetwork.get(network) ?? 0) - 1;
    if (left > 0) this.#byNetwork.set(network, left);
    else this.#byNetwork.delete(network);
  }

  #refusal(status: 429 | 503): Refusal {
    return { status, retryAfterS: 1 + Math.floor(this.#random.next() * RETRY_SPREAD_S) };
  }
}
