/** Who may call, and how many at once. */
import { CopresenceError } from '../../core/errors.ts';
import { OIP_LIMITS } from '../../protocol/oip/limits.ts';
import { LIMITS } from '../../protocol/limits.ts';
import type { TokenVerifier } from '../session/token.ts';

/** Whose share of the devices a call takes. */
export interface OipIdentity {
  readonly tenant: string;
}

/** @param authorization - the header of that name, or gRPC metadata. @throws CopresenceError TOKEN_INVALID or GRANT_MISSING. */
export type Authorize = (authorization: string | undefined) => Promise<OipIdentity>;

const ANYBODY: OipIdentity = { tenant: '' };
const BEARER = /^bearer +(\S+)$/i;

/** Lets in whoever has a token of this server's with the grant `infer`, for any session. */
export function authorizeByToken(verifier: TokenVerifier): Authorize {
  return async (authorization = '') => {
    const token = authorization.length <= LIMITS.tokenLength + 16 ? BEARER.exec(authorization)?.[1] : undefined;
    if (token === undefined) throw new CopresenceError('TOKEN_INVALID', 'Authorization: Bearer <token> is needed');
    const { grants, tenant } = await verifier.verify(token);
    if (!grants.includes('infer')) throw new CopresenceError('GRANT_MISSING', 'the token does not have the grant infer');
    return { tenant };
  };
}

/** Lets anybody in: for development, or where the network decides who reaches the port. */
export const authorizeAnybody: Authorize = () => Promise.resolve(ANYBODY);

/** Counts what is being read and answered. */
export class CallGate {
  #calls = 0;
  #bytes = 0;

  get calls(): number {
    return this.#calls;
  }

  /**
   * Lets a call in.
   *
   * @param bytes - of its body. @returns what ends it, to be called once.
   * @throws CopresenceError RATE_LIMITED when as many are inside as may be, or their bodies as large.
   */
  enter(bytes: number): () => void {
    if (this.#calls >= OIP_LIMITS.calls || this.#bytes + bytes > OIP_LIMITS.callBytes) throw new CopresenceError('RATE_LIMITED', 'too many calls at once');
    this.#calls++;
    this.#bytes += bytes;
    return () => {
      this.#calls--;
      this.#bytes -= bytes;
    };
  }
}
