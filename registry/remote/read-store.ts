/** Opens the object store that a settings file describes. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { Clock } from '../../core/clock.ts';
import { CopresenceError } from '../../core/errors.ts';
import { folderStore } from './folder-store.ts';
import type { ObjectStore } from './object-store.ts';
import { openS3Store, s3Settings } from './s3-store.ts';

const settings = z.discriminatedUnion('kind', [s3Settings, z.strictObject({ kind: z.literal('folder'), folder: z.string().min(1) })]);

/** @throws CopresenceError CONFIG_INVALID with the path and the field, whose value is never repeated; else as `openS3Store`. */
export async function readStore(path: string, clock: Clock): Promise<ObjectStore> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, 'utf8'));
  } catch {
    // What stands in the file may be a secret: it is not handed on as a cause.
    throw new CopresenceError('CONFIG_INVALID', `${path} cannot be read as JSON`);
  }
  const parsed = settings.safeParse(value);
  if (!parsed.success) throw new CopresenceError('CONFIG_INVALID', `${path}: ${z.prettifyError(parsed.error)}`);
  return parsed.data.kind === 's3' ? openS3Store(parsed.data) : folderStore(parsed.data.folder, clock);
}
