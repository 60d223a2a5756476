/** Single-use tokens with which a participant takes their place again on a new connection. */
import { createHash, randomBytes } from 'node:crypto';

const TOKEN_BYTES = 32;

/**
 * Keeps digests alone: what is read out of this process, or given to another server, is no token.
 *
 * @bound one live token for each participant.
 */
export class ResumeTokens<Participant extends object, Holder extends { readonly participant: Participant }> {
  readonly #holders = new Map<string, Holder>();
  readonly #digests = new Map<Participant, string>();

  /** Makes a new token; the holder's earlier one is void. */
  issue(holder: Holder): string {
    const token = randomBytes(TOKEN_BYTES).toString('base64url');
    this.adopt(holder, digestOf(token));
    return token;
  }

  /** Takes over a token that was issued elsewhere; the holder's earlier one is void. @param digest - its SHA-256, base64url. */
  adopt(holder: Holder, digest: string): void {
    this.revoke(holder.participant);
    this.#holders.set(digest, holder);
    this.#digests.set(holder.participant, digest);
  }

  /** Whose token it is; undefined when it is unknown, spent or void. */
  find(token: string): Holder | undefined {
    return this.#holders.get(digestOf(token));
  }

  /** Spends a token. */
  redeem(token: string): Holder | undefined {
    const holder = this.find(token);
    if (holder !== undefined) this.revoke(holder.participant);
    return holder;
  }

  /** The digest of a participant's live token, by which another server can know it. */
  digest(participant: Participant): string | undefined {
    return this.#digests.get(participant);
  }

  revoke(participant: Participant): void {
    const digest = this.#digests.get(participant);
    if (digest === undefined) return;
    this.#digests.delete(participant);
    this.#holders.delete(digest);
  }
}

/** A token is 32 random bytes, so that a plain digest can be neither reversed nor guessed. */
function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}
