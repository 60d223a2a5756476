/**
 * The signature of a model version: of its manifest's bytes, and so of every file, since the manifest holds their digests.
 *
 * It lies beside the manifest, since a version that ships unsigned may be signed by whoever runs it.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { CopresenceError } from '../core/errors.ts';
import { requireSigner, type Signer, type Signers, type SigningKey } from './signers.ts';

export const SIGNATURE_FILE = 'signature.json';

const signature = z.strictObject({ algorithm: z.literal('ed25519'), keyId: z.string().regex(/^[0-9a-f]{16}$/), signature: z.base64().max(128) });

/** The text of a signature file. */
export function signatureOf(manifestBytes: Uint8Array, key: SigningKey): string {
  return `${JSON.stringify({ algorithm: 'ed25519', keyId: key.keyId, signature: key.sign(signedBytes(manifestBytes)) } satisfies z.infer<typeof signature>, undefined, 2)}\n`;
}

/**
 * Who signed a version.
 *
 * @param folder - of the version. @param manifestBytes - of its manifest, as they were read.
 * @throws CopresenceError MODEL_UNSIGNED when no signer with the role `publish` has signed these bytes.
 */
export async function requireSignature(folder: string, manifestBytes: Uint8Array, signers: Signers): Promise<Signer> {
  const text = await readFile(join(folder, SIGNATURE_FILE), 'utf8').catch((cause: unknown) => {
    throw new CopresenceError('MODEL_UNSIGNED', `${folder} has no signature`, { cause });
  });
  const parsed = signature.safeParse(parseJson(text));
  if (!parsed.success) throw new CopresenceError('MODEL_UNSIGNED', `${join(folder, SIGNATURE_FILE)} is no signature`);
  return requireSigner(signers, { ...parsed.data, bytes: signedBytes(manifestBytes), role: 'publish', what: folder });
}

/** With a head of its own, so that no signature of anything else can stand in for it. */
function signedBytes(manifestBytes: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from('copresence model manifest\n'), manifestBytes]);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
