/** Single-use tokens with which a participant takes their place again on a new connection. */
import { randomBytes } from 'node:crypto';

const TOKEN_BYTES = 32;

/** @bound one live token for each participant. */
export class ResumeTokens<Holder extends object> {
  readonly #holders = new Map<string, Holder>();
  readonly #tokens = new Map<Holder, string>();

  /** Makes a new token; the holder's earlier one is void. */
  issue(holder: Holder): string {
    this.revoke(holder);
    const token = randomBytes(TOKEN_BYTES).toString('base64url');
    this.#holders.set(token, holder);
    this.#tokens.set(holder, token);
    return token;
  }

  /** Spends a token; undefined when it is unknown, spent or void. */
  redeem(token: string): Holder | undefined {
    const holder = this.#holders.get(token);
    if (holder !== undefined) this.revoke(holder);
    return holder;
  }

  revoke(holder: Holder): void {
    const token = this.#tokens.get(holder);
    if (token === undefined) return;
    this.#tokens.delete(holder);
    this.#holders.delete(token);
  }
}
