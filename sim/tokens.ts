/** Makes the tokens that virtual participants join with. */
import { SignJWT } from 'jose';
import type { Clock } from '../core/clock.ts';
import type { Role } from '../protocol/roles.ts';

const VALID_S = 12 * 3600;

export interface TokenRequest {
  readonly subject: string;
  /** The session's name, or `*` for any. */
  readonly session: string;
  readonly role: Role;
}

/** @param key - the server's HMAC key, as it was given to it. */
export function makeToken(key: string, { subject, session, role }: TokenRequest, clock: Clock): Promise<string> {
  const issuedS = Math.floor(clock.wallMs() / 1000);
  return new SignJWT({ session, role })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(subject)
    .setAudience('copresence')
    .setIssuedAt(issuedS)
    .setExpirationTime(issuedS + VALID_S)
    .sign(new TextEncoder().encode(key));
}
