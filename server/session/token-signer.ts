/** Makes tokens: for development, and for a back end that shares the key. */
import { SignJWT } from 'jose';
import type { TokenClaims } from './token.ts';
import { TOKEN_ALGORITHM, TOKEN_AUDIENCE } from './token.ts';

/** The role's grants and no tenant where they are left out. */
type NewClaims = Omit<TokenClaims, 'grants' | 'tenant'> & Partial<TokenClaims>;

/** @param key - the server's HMAC secret. @param ttlS - seconds until it expires, from `wallMs`. */
export function signToken(key: Uint8Array, claims: NewClaims, options: { readonly ttlS: number; readonly wallMs: number }): Promise<string> {
  const issuedS = Math.floor(options.wallMs / 1000);
  const { session, role, grants, tenant, once, tokenId = once } = claims;
  return new SignJWT({ session, role, ...(tokenId === undefined ? {} : { jti: tokenId }), ...(once === undefined ? {} : { once: true }), ...(grants === undefined ? {} : { grants }), ...(tenant === undefined ? {} : { tenant }) })
    .setProtectedHeader({ alg: TOKEN_ALGORITHM })
    .setSubject(claims.subject)
    .setAudience(TOKEN_AUDIENCE)
    .setIssuedAt(issuedS)
    .setExpirationTime(issuedS + options.ttlS)
    .sign(key);
}
