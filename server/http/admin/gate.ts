/** Who may use the admin verbs: whoever has the token, from an address that has not guessed too often. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../../../core/clock.ts';
import { networkOf } from '../../../core/network.ts';

/** Wrong tokens of one address in a window; then it waits until the window is over. */
const WRONG_TOKENS = 10;
export const GUESS_WINDOW_MS = 60_000;
/** Addresses that are remembered; of more the one that began first is forgotten. */
const ADDRESSES = 4096;
const BEARER = /^bearer +(\S{1,512})$/i;

/** `limited`: the token was not looked at. */
export type Admission = 'admitted' | 'refused' | 'limited';

/** @bound 4096 addresses. */
export class AdminGate {
  readonly #clock: Clock;
  readonly #digest: Buffer;
  readonly #wrong = new Map<string, { count: number; readonly sinceMs: number }>();

  /** @param token - what admins have to give. */
  constructor(clock: Clock, token: string) {
    this.#clock = clock;
    this.#digest = digest(token);
  }

  /**
   * Looks at the token of a request.
   *
   * The limit comes before the token, also the right one, since it would limit no guessing otherwise. Comparing digests
   * takes the same time whatever the tokens have in common, and hides how long the right one is.
   *
   * @param authorization - the header; a token is taken from nowhere else.
   */
  admit(address: string, authorization: string | undefined): Admission {
    const key = networkOf(address);
    const nowMs = this.#clock.nowMs();
    const wrong = this.#wrong.get(key);
    const isCurrent = wrong !== undefined && nowMs - wrong.sinceMs < GUESS_WINDOW_MS;
    if (isCurrent && wrong.count >= WRONG_TOKENS) return 'limited';
    const token = BEARER.exec(authorization ?? '')?.[1];
    if (token !== undefined && timingSafeEqual(digest(token), this.#digest)) return 'admitted';
    if (isCurrent) wrong.count++;
    else this.#remember(key, nowMs);
    return 'refused';
  }

  #remember(key: string, nowMs: number): void {
    this.#wrong.delete(key);
    const [oldest] = this.#wrong.keys();
    if (this.#wrong.size >= ADDRESSES && oldest !== undefined) this.#wrong.delete(oldest);
    this.#wrong.set(key, { count: 1, sinceMs: nowMs });
  }
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
