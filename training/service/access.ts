/** Who may do what over HTTP: names, digests of their tokens, and roles. The tokens themselves are nowhere. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { CopresenceError } from '../../core/errors.ts';

/** `read`: sees everything. `train`: brings data and starts jobs. `publish`: makes versions. `promote`: says what is in production. */
export const ROLES = ['read', 'train', 'publish', 'promote'] as const;
export type Role = (typeof ROLES)[number];

/** Somebody with a token. */
export interface Caller {
  readonly name: string;
  readonly roles: ReadonlySet<Role>;
}

const entry = z.strictObject({ name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/), sha256: z.string().regex(/^[0-9a-f]{64}$/), roles: z.array(z.enum(ROLES)).min(1) });
const accessFile = z.strictObject({ tokens: z.array(entry).min(1).max(256) });
export type AccessEntry = z.infer<typeof entry>;

/** Finds a caller by what a request brings. */
export interface Access {
  /** @param authorization - the header. @returns undefined for none, or one that is not known. */
  callerOf(authorization: string | undefined): Caller | undefined;
}

/** @throws CopresenceError CONFIG_INVALID with the path and what does not fit. */
export function readAccess(path: string): Access {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new CopresenceError('CONFIG_INVALID', `${path} cannot be read as JSON`, { cause });
  }
  const parsed = accessFile.safeParse(value);
  if (!parsed.success) throw new CopresenceError('CONFIG_INVALID', `${path}: ${z.prettifyError(parsed.error)}`);
  return accessOf(parsed.data.tokens);
}

export function accessOf(entries: readonly AccessEntry[]): Access {
  const known = entries.map(({ name, sha256, roles }) => ({ digest: Buffer.from(sha256, 'hex'), caller: { name, roles: new Set(roles) } }));
  return {
    callerOf(authorization) {
      const token = /^bearer +(\S{1,512})$/i.exec(authorization ?? '')?.[1];
      if (token === undefined) return undefined;
      const digest = createHash('sha256').update(token).digest();
      // All are compared, so that the time tells nothing of who is there.
      return known.filter((own) => timingSafeEqual(own.digest, digest))[0]?.caller;
    },
  };
}

/** A new token, which only its owner gets, and the entry for the access file. */
export function makeToken(name: string, roles: readonly Role[]): { readonly token: string; readonly entry: AccessEntry } {
  const token = `cpm_${randomBytes(24).toString('base64url')}`;
  const made = entry.safeParse({ name, sha256: createHash('sha256').update(token).digest('hex'), roles });
  if (!made.success) throw new CopresenceError('CONFIG_INVALID', z.prettifyError(made.error));
  return { token, entry: made.data };
}
