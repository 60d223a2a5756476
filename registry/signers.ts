/** Who may publish model versions and put them into production: public keys with roles, and the private keys that sign. */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { CopresenceError } from '../core/errors.ts';
import { whyNot } from '../core/system-error.ts';

/** `publish`: signs new versions. `promote`: moves aliases, such as what is in production. */
export const SIGNER_ROLES = ['publish', 'promote'] as const;
export type SignerRole = (typeof SIGNER_ROLES)[number];

/** Somebody whose signatures count. */
export interface Signer {
  readonly name: string;
  /** The first 16 hexadecimal digits of the SHA-256 of the public key (SPKI, DER). */
  readonly keyId: string;
  readonly publicKey: KeyObject;
  readonly roles: ReadonlySet<SignerRole>;
}

/** By key id. */
export type Signers = ReadonlyMap<string, Signer>;

/** Signs as one signer. */
export interface SigningKey {
  readonly keyId: string;
  /** @returns base64 of the ed25519 signature. */
  sign(bytes: Uint8Array): string;
}

const MAX_SIGNERS = 256;
const signersFile = z.strictObject({
  signers: z.array(z.strictObject({ name: z.string().min(1).max(64), publicKey: z.string().max(1024), roles: z.array(z.enum(SIGNER_ROLES)).min(1) })).min(1).max(MAX_SIGNERS),
});

/**
 * Reads a signers file: `{ "signers": [{ "name", "publicKey": PEM, "roles" }] }`.
 *
 * @throws CopresenceError CONFIG_INVALID with the path and what does not fit.
 */
export async function readSigners(path: string): Promise<Signers> {
  const parsed = signersFile.safeParse(await readJson(path));
  if (!parsed.success) throw new CopresenceError('CONFIG_INVALID', `${path}: ${z.prettifyError(parsed.error)}`);
  const signers = parsed.data.signers.map(({ name, publicKey, roles }) => {
    const key = readKey(() => createPublicKey(publicKey), `${path}: the key of ${name}`);
    return { name, publicKey: key, keyId: keyIdOf(key), roles: new Set(roles) };
  });
  const byKeyId = new Map(signers.map((signer) => [signer.keyId, signer]));
  if (byKeyId.size < signers.length) throw new CopresenceError('CONFIG_INVALID', `${path}: a key is there twice`);
  return byKeyId;
}

/** A new ed25519 pair as PEM texts: the public one for the signers file, the private one to be kept. */
export function createKeyPair(): { readonly publicKey: string; readonly privateKey: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  return { publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(), privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

/** @throws CopresenceError CONFIG_INVALID with the path when it cannot be read, and as `readSigningKey`. */
export async function readSigningKeyFile(path: string): Promise<SigningKey> {
  const pem = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new CopresenceError('CONFIG_INVALID', `cannot read ${path}`, { cause });
  });
  return readSigningKey(pem);
}

/** @param pem - PKCS #8. @throws CopresenceError CONFIG_INVALID when it is no ed25519 key; the text is never repeated. */
export function readSigningKey(pem: string): SigningKey {
  const privateKey = readKey(() => createPrivateKey(pem), 'the signing key');
  return { keyId: keyIdOf(createPublicKey(privateKey)), sign: (bytes) => sign(null, bytes, privateKey).toString('base64') };
}

/**
 * The signer of some bytes.
 *
 * @param what - for the error, such as `gesture-mlp 2`.
 * @throws CopresenceError MODEL_UNSIGNED when no signer with this role has signed these very bytes.
 */
export function requireSigner(signers: Signers, { keyId, signature, bytes, role, what }: { keyId: string; signature: string; bytes: Uint8Array; role: SignerRole; what: string }): Signer {
  const signer = signers.get(keyId);
  if (signer === undefined) throw new CopresenceError('MODEL_UNSIGNED', `${what} is signed by ${keyId}, which is none of the signers`);
  if (!signer.roles.has(role)) throw new CopresenceError('MODEL_UNSIGNED', `${what} is signed by ${signer.name}, who may not ${role}`);
  if (!verify(null, bytes, signer.publicKey, Buffer.from(signature, 'base64'))) throw new CopresenceError('MODEL_UNSIGNED', `${what} has a signature of ${signer.name} that is not of these bytes`);
  return signer;
}

function keyIdOf(publicKey: KeyObject): string {
  return createHash('sha256').update(publicKey.export({ type: 'spki', format: 'der' })).digest('hex').slice(0, 16);
}

function readKey(read: () => KeyObject, what: string): KeyObject {
  let key: KeyObject;
  try {
    key = read();
  } catch {
    throw new CopresenceError('CONFIG_INVALID', `${what} is no PEM key`);
  }
  if (key.asymmetricKeyType !== 'ed25519') throw new CopresenceError('CONFIG_INVALID', `${what} is not an ed25519 key`);
  return key;
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw new CopresenceError('CONFIG_INVALID', `${path} cannot be read as JSON: ${whyNot(cause)}`, { cause });
  }
}
