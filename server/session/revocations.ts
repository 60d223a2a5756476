/** Tokens that are no longer good although they are signed and have not expired. */
import { CopresenceError } from '../../core/errors.ts';
import type { TokenClaims, TokenVerifier } from './token.ts';

/** How many are kept; the list is looked at for every hello, and lives in memory. */
export const MAX_REVOCATIONS = 10_000;

/** One revocation. Times are on the wall clock, as those of tokens are. */
export interface Revocation {
  /** `jti`: the one token of this id. `subject`: every token of this subject that was issued until `revokedMs`. */
  readonly kind: 'jti' | 'subject';
  readonly value: string;
  readonly revokedMs: number;
  /** When the last token that it is about has expired, so that it may be forgotten. */
  readonly untilMs: number;
}

/** What of a token decides whether it is revoked. */
type RevocableClaims = Pick<TokenClaims, 'subject' | 'tokenId' | 'issuedS'>;

/** @bound MAX_REVOCATIONS, each until its time is over. */
export class Revocations {
  readonly #wallMs: () => number;
  readonly #byKey = new Map<string, Revocation>();

  constructor(wallMs: () => number) {
    this.#wallMs = wallMs;
  }

  /** Those whose time is not over. */
  get list(): readonly Revocation[] {
    this.#forgetOld();
    return [...this.#byKey.values()];
  }

  /**
   * Adds a revocation; of two of the same token or subject the one that reaches further in each time stands.
   *
   * @throws CopresenceError SERVER_FULL when as many are kept as may be: none is forgotten early, since that would let somebody in again.
   */
  add(revocation: Revocation): void {
    const key = keyOf(revocation.kind, revocation.value);
    const before = this.#byKey.get(key);
    if (before === undefined && this.#byKey.size >= MAX_REVOCATIONS) this.#forgetOld();
    if (before === undefined && this.#byKey.size >= MAX_REVOCATIONS) throw new CopresenceError('SERVER_FULL', `${MAX_REVOCATIONS} revocations are kept already`);
    const { revokedMs = revocation.revokedMs, untilMs = revocation.untilMs } = before ?? {};
    this.#byKey.set(key, { ...revocation, revokedMs: Math.max(revokedMs, revocation.revokedMs), untilMs: Math.max(untilMs, revocation.untilMs) });
  }

  isRevoked({ subject, tokenId, issuedS }: RevocableClaims): boolean {
    if (tokenId !== undefined && this.#inForce('jti', tokenId) !== undefined) return true;
    const revocation = this.#inForce('subject', subject);
    // Times in tokens are whole seconds, so one that was issued in the same second counts as issued before.
    return revocation !== undefined && (issuedS === undefined || issuedS * 1000 <= revocation.revokedMs);
  }

  #inForce(kind: Revocation['kind'], value: string): Revocation | undefined {
    const revocation = this.#byKey.get(keyOf(kind, value));
    return revocation !== undefined && revocation.untilMs > this.#wallMs() ? revocation : undefined;
  }

  #forgetOld(): void {
    const nowMs = this.#wallMs();
    for (const [key, { untilMs }] of this.#byKey) if (untilMs <= nowMs) this.#byKey.delete(key);
  }
}

/** Checks tokens as `verifier` does, and that they are not revoked. @throws CopresenceError TOKEN_REVOKED too. */
export function refuseRevoked(verifier: TokenVerifier, revocations: Revocations): TokenVerifier {
  return {
    async verify(token) {
      const claims = await verifier.verify(token);
      if (revocations.isRevoked(claims)) throw new CopresenceError('TOKEN_REVOKED', 'the token was revoked');
      return claims;
    },
  };
}

function keyOf(kind: Revocation['kind'], value: string): string {
  return `${kind} ${value}`;
}
