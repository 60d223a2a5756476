/** Tokens that let somebody into a session once. */
import { CopresenceError } from '../../core/errors.ts';
import type { TokenClaims } from './token.ts';

/** @bound `mostKept` tokens, each until it has expired; then nobody gets in by such a token, since forgetting one would let it in twice. */
export class SingleUse {
  readonly #wallMs: () => number;
  readonly #mostKept: number;
  /** When each has expired, by its id. */
  readonly #spent = new Map<string, number>();

  constructor(wallMs: () => number, mostKept: number) {
    this.#wallMs = wallMs;
    this.#mostKept = mostKept;
  }

  /** @throws CopresenceError TOKEN_INVALID when it was used or has expired since hello, SERVER_FULL when no more are remembered. */
  check({ once, expiresMs }: TokenClaims): void {
    if (expiresMs !== undefined && expiresMs < this.#wallMs()) throw new CopresenceError('TOKEN_INVALID', 'the token has expired since');
    if (once === undefined) return;
    if (this.#spent.has(once)) throw new CopresenceError('TOKEN_INVALID', 'the token was used already');
    if (this.#spent.size >= this.#mostKept) this.#forgetExpired();
    if (this.#spent.size >= this.#mostKept) throw new CopresenceError('SERVER_FULL', 'too many tokens for a single use');
  }

  spend({ once, expiresMs }: TokenClaims): void {
    if (once !== undefined) this.#spent.set(once, expiresMs ?? Number.POSITIVE_INFINITY);
  }

  #forgetExpired(): void {
    const nowMs = this.#wallMs();
    for (const [id, expiresMs] of this.#spent) if (expiresMs < nowMs) this.#spent.delete(id);
  }
}
