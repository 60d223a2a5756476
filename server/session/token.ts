/** Who may join which session as what, from a signed token. */
import { errors, jwtVerify } from 'jose';
import { CopresenceError } from '../../core/errors.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { GRANTS, ROLE_GRANTS, ROLES, type Grant, type Role } from '../../protocol/roles.ts';

export const TOKEN_AUDIENCE = 'copresence';
/** One algorithm, so that a token cannot choose another (`none`, or a public key used as a secret). */
export const TOKEN_ALGORITHM = 'HS256';
const CLOCK_TOLERANCE_S = 5;

/** What a token says, checked. */
export interface TokenClaims {
  readonly subject: string;
  /** A session's name, or `*` for any. */
  readonly session: string;
  readonly role: Role;
  readonly grants: readonly Grant[];
  /** Whose share of the devices it takes; everybody without the claim is one tenant. */
  readonly tenant: string;
  /** `jti`: by which this one token can be revoked. */
  readonly tokenId?: string;
  /** `exp` with what clocks may differ by, on the wall clock. */
  readonly expiresMs?: number;
  /** The `jti` of a token that lets one participant in, once. */
  readonly once?: string;
  /** `iat`: Unix time in seconds. */
  readonly issuedS?: number;
}

/** Checks tokens against one key. */
export interface TokenVerifier {
  /** @throws CopresenceError TOKEN_INVALID for anything but a token of ours that is good now. */
  verify(token: string): Promise<TokenClaims>;
}

/** @param key - the HMAC secret, at least 32 bytes. @throws CopresenceError CONFIG_INVALID when it is shorter. */
export function createTokenVerifier(key: Uint8Array, wallMs: () => number): TokenVerifier {
  if (key.length < 32) throw new CopresenceError('CONFIG_INVALID', 'the token key has fewer than 32 bytes');
  return {
    async verify(token) {
      const options = { algorithms: [TOKEN_ALGORITHM], audience: TOKEN_AUDIENCE, clockTolerance: CLOCK_TOLERANCE_S, currentDate: new Date(wallMs()), requiredClaims: ['exp', 'sub'] };
      try {
        return readClaims((await jwtVerify(token, key, options)).payload);
      } catch (error) {
        if (error instanceof CopresenceError) throw error;
        throw new CopresenceError('TOKEN_INVALID', error instanceof errors.JOSEError ? error.code : 'not a token', { cause: error });
      }
    },
  };
}

/** Whether the token admits to the session. */
export function admits(claims: TokenClaims, session: string): boolean {
  return claims.session === '*' || claims.session === session;
}

function readClaims(payload: Record<string, unknown>): TokenClaims {
  const { sub, session, role, grants, tenant = '', jti, iat, exp, once = false } = payload;
  const knownRole = ROLES.find((name) => name === role);
  if (typeof sub !== 'string' || typeof session !== 'string' || knownRole === undefined) {
    throw new CopresenceError('TOKEN_INVALID', 'a token needs the claims sub, session and role');
  }
  if (typeof tenant !== 'string' || tenant.length > LIMITS.nameLength) throw new CopresenceError('TOKEN_INVALID', 'the claim tenant is not a name');
  if (typeof once !== 'boolean' || (once && (typeof jti !== 'string' || jti === '' || jti.length > 128))) throw new CopresenceError('TOKEN_INVALID', 'a token for one use needs the claim jti');
  return { subject: sub, session, role: knownRole, tenant, grants: readGrants(grants, knownRole), ...(typeof jti === 'string' ? { tokenId: jti, ...(once ? { once: jti } : {}) } : {}), ...(typeof exp === 'number' ? { expiresMs: (exp + CLOCK_TOLERANCE_S) * 1000 } : {}), ...(typeof iat === 'number' ? { issuedS: iat } : {}) };
}

/** A token's own list narrows or widens the role's; without one the role decides. */
function readGrants(grants: unknown, role: Role): readonly Grant[] {
  if (grants === undefined) return ROLE_GRANTS[role];
  if (!Array.isArray(grants)) throw new CopresenceError('TOKEN_INVALID', 'the claim grants is not a list');
  return GRANTS.filter((grant) => grants.includes(grant));
}
