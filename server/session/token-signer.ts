/** Makes tokens: for development, and for a back end that shares the key. */
import { SignJWT } from 'jose';
import type { TokenClaims } from './token.ts';
import { TOKEN_ALGORITHM, TOKEN_AUDIENCE } from './token.ts';

/** @param key - the server's HMAC secret. @param ttlS - seconds until it expires, from `wallMs`. */
export function signToken(key: Uint8Array, claims: Omit<TokenClaims, 'grants'>, options: { readonly ttlS: number; readonly wallMs: number }): Promise<string> {
  const issuedS = Math.floor(options.wallMs / 1000);
  return new SignJWT({ session: claims.session, role: claims.role })
    .setProtectedHeader({ alg: TOKEN_ALGORITHM })
    .setSubject(claims.subject)
    .setAudience(TOKEN_AUDIENCE)
    .setIssuedAt(issuedS)
    .setExpirationTime(issuedS + options.ttlS)
    .sign(key);
}
