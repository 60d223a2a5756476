/** SHA-256 digests of model files. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { CopresenceError } from '../core/errors.ts';

/** What a manifest says of a file. */
export interface FileDigest {
  /** 64 lower-case hexadecimal digits. */
  readonly sha256: string;
  readonly bytes: number;
}

export function digestOf(bytes: Uint8Array): FileDigest {
  return { sha256: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.length };
}

/** Whether `bytes` are those that `expected` describes. */
export function fitsDigest(bytes: Uint8Array, expected: FileDigest): boolean {
  return bytes.length === expected.bytes && digestOf(bytes).sha256 === expected.sha256;
}

/**
 * Reads a file and returns the very bytes that were checked.
 *
 * @throws CopresenceError MODEL_INVALID when the file cannot be read, MODEL_TAMPERED when it differs from `expected`.
 */
export async function readVerified(path: string, expected: FileDigest): Promise<Uint8Array> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new CopresenceError('MODEL_INVALID', `cannot read ${path}`, { cause });
  });
  if (!fitsDigest(bytes, expected)) {
    throw new CopresenceError('MODEL_TAMPERED', `${path} is not the file that its manifest describes`);
  }
  return bytes;
}
